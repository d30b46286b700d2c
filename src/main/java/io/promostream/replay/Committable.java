package io.promostream.replay;

import java.util.Arrays;
import java.util.Objects;

/**
 * A bounded number of elements that one transaction replays.
 *
 * @param sequence number within its writer, from 1 without gaps
 * @param format the format in which the serializer of the elements wrote the bytes
 * @param bytes the serialized elements, one after the other; never changed
 * @param elements how many elements the bytes contain
 * @param records how many messages or rows the elements expand to
 * @param dueSince when the earliest element became due, epoch milliseconds; {@link Long#MAX_VALUE}
 *     if no element has that time
 * @param packedAt when the committable was packed, epoch milliseconds
 */
@SuppressWarnings("ArrayRecordComponent") // equality is defined below, by content
public record Committable(
    long sequence,
    int format,
    byte[] bytes,
    int elements,
    int records,
    long dueSince,
    long packedAt) {

  @Override
  public boolean equals(Object other) {
    return other instanceof Committable that
        && sequence == that.sequence
        && format == that.format
        && Arrays.equals(bytes, that.bytes)
        && elements == that.elements
        && records == that.records
        && dueSince == that.dueSince
        && packedAt == that.packedAt;
  }

  @Override
  public int hashCode() {
    return Objects.hash(sequence, Arrays.hashCode(bytes));
  }

  /** Omits the bytes, because Flink and this package log committables. */
  @Override
  public String toString() {
    return "committable %d (%d records, %d bytes)".formatted(sequence, records, bytes.length);
  }
}
