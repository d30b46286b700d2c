package io.promostream.subscribers;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.jspecify.annotations.Nullable;

/**
 * A sorted set of byte strings, end to end in one array. Either all are 16 bytes long, or each has
 * its own length. They are compared as unsigned bytes.
 */
final class PackedIds {

  /** Bytes of a UUID, and so the width of a set without {@link #ends}. */
  static final int UUID_BYTES = 16;

  /** Characters of a UUID's text. */
  static final int UUID_CHARS = 36;

  /** The positions of the pairs of digits in a UUID's text. */
  private static final int[] DIGIT_PAIRS = {
    0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34
  };

  /** The value of each lower-case hexadecimal digit; -1 for any other character. */
  private static final byte[] DIGITS = new byte[256];

  static {
    Arrays.fill(DIGITS, (byte) -1);
    for (int digit = 0; digit < 16; digit++) {
      DIGITS[Character.forDigit(digit, 16)] = (byte) digit;
    }
  }

  private final byte[] bytes;

  /** Where each id ends in {@link #bytes}; null if all are {@link #UUID_BYTES} long. */
  private final int @Nullable [] ends;

  private PackedIds(byte[] bytes, int @Nullable [] ends) {
    this.bytes = bytes;
    this.ends = ends;
  }

  static PackedIds none(boolean fixedWidth) {
    return new PackedIds(new byte[0], fixedWidth ? null : new int[0]);
  }

  /**
   * Packs a text if it is a canonical UUID, so that unpacking returns the same text.
   *
   * @param utf8 the array that contains the text
   * @param target receives {@link #UUID_BYTES}, which may be overwritten even if the text is not a
   *     canonical UUID
   */
  static boolean packUuid(byte[] utf8, int start, int length, byte[] target, int at) {
    if (length != UUID_CHARS) {
      return false;
    }
    int wrong =
        (utf8[start + 8] ^ '-')
            | (utf8[start + 13] ^ '-')
            | (utf8[start + 18] ^ '-')
            | (utf8[start + 23] ^ '-');
    for (int i = 0; i < UUID_BYTES; i++) {
      int pair = start + DIGIT_PAIRS[i];
      int high = DIGITS[utf8[pair] & 0xFF];
      int low = DIGITS[utf8[pair + 1] & 0xFF];
      target[at + i] = (byte) (high << 4 | low);
      wrong |= (high | low) & ~0xF;
    }
    return wrong == 0;
  }

  /** Packs ids of any length without duplicates. It sorts the given list. */
  static PackedIds packTexts(List<byte[]> ids) {
    ids.sort(Arrays::compareUnsigned);
    Appender out = new Appender(false, ids.size(), ids.stream().mapToInt(id -> id.length).sum());
    byte[] last = null;
    for (byte[] id : ids) {
      if (!Arrays.equals(id, last)) {
        out.append(id, 0, id.length);
        last = id;
      }
    }
    return out.ids();
  }

  /**
   * Packs UUIDs that lie end to end in an array, without duplicates. The result may keep the array.
   *
   * @param length number of bytes that the UUIDs take
   */
  static PackedIds packUuids(byte[] uuids, int length) {
    UuidSort.sort(uuids, length / UUID_BYTES);
    int kept = Math.min(length, UUID_BYTES);
    for (int at = UUID_BYTES; at < length; at += UUID_BYTES) {
      if (!Arrays.equals(uuids, at, at + UUID_BYTES, uuids, kept - UUID_BYTES, kept)) {
        System.arraycopy(uuids, at, uuids, kept, UUID_BYTES);
        kept += UUID_BYTES;
      }
    }
    return new PackedIds(kept == uuids.length ? uuids : Arrays.copyOf(uuids, kept), null);
  }

  int size() {
    return ends == null ? bytes.length / UUID_BYTES : ends.length;
  }

  int byteSize() {
    return bytes.length;
  }

  byte[] bytes() {
    return bytes;
  }

  int start(int index) {
    return ends == null ? index * UUID_BYTES : index == 0 ? 0 : ends[index - 1];
  }

  int end(int index) {
    return ends == null ? (index + 1) * UUID_BYTES : ends[index];
  }

  /** The size in bytes of the ids from one index to another, exclusive. */
  int weight(int from, int to) {
    int positions = ends == null ? 0 : Integer.BYTES * (to - from);
    return to == from ? 0 : end(to - 1) - start(from) + positions;
  }

  /** The ids from one index to another, exclusive. */
  PackedIds range(int from, int to) {
    int start = start(from);
    int[] shifted = ends == null ? null : Arrays.copyOfRange(ends, from, to);
    if (shifted != null) {
      Arrays.setAll(shifted, i -> shifted[i] - start);
    }
    return new PackedIds(
        Arrays.copyOfRange(bytes, start, to == from ? start : end(to - 1)), shifted);
  }

  /** Merges two sets. The flags select the ids only in this set, in both, and only in that. */
  PackedIds merge(PackedIds that, boolean onlyThis, boolean both, boolean onlyThat) {
    Appender out =
        new Appender(
            ends == null,
            (onlyThis || both ? size() : 0) + (onlyThat ? that.size() : 0),
            (onlyThis || both ? byteSize() : 0) + (onlyThat ? that.byteSize() : 0));
    int i = 0;
    int j = 0;
    while (i < size() || j < that.size()) {
      int order = i == size() ? 1 : j == that.size() ? -1 : compare(i, that, j);
      if (order < 0 ? onlyThis : order == 0 && both) {
        out.append(bytes, start(i), end(i));
      } else if (order > 0 && onlyThat) {
        out.append(that.bytes, that.start(j), that.end(j));
      }
      i += order <= 0 ? 1 : 0;
      j += order >= 0 ? 1 : 0;
    }
    return out.ids();
  }

  private int compare(int index, PackedIds that, int thatIndex) {
    return Arrays.compareUnsigned(
        bytes, start(index), end(index), that.bytes, that.start(thatIndex), that.end(thatIndex));
  }

  void write(DataOutputView out) throws IOException {
    out.writeInt(size());
    for (int i = 0; ends != null && i < ends.length; i++) {
      out.writeInt(ends[i]);
    }
    out.write(bytes);
  }

  static PackedIds read(boolean fixedWidth, DataInputView in) throws IOException {
    int size = in.readInt();
    int[] ends = fixedWidth ? null : readInts(size, in);
    byte[] bytes = new byte[ends == null ? size * UUID_BYTES : size == 0 ? 0 : ends[size - 1]];
    in.readFully(bytes);
    return new PackedIds(bytes, ends);
  }

  /** Reads all at once: a single int would take four reads of a checkpoint's file. */
  private static int[] readInts(int size, DataInputView in) throws IOException {
    byte[] read = new byte[size * Integer.BYTES];
    in.readFully(read);
    int[] ints = new int[size];
    ByteBuffer.wrap(read).asIntBuffer().get(ints);
    return ints;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof PackedIds that
        && Arrays.equals(bytes, that.bytes)
        && Arrays.equals(ends, that.ends);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  /** Collects sorted ids into arrays of the exact size. */
  private static final class Appender {

    private final byte[] bytes;
    private final int @Nullable [] ends;
    private int size;
    private int length;

    Appender(boolean fixedWidth, int maxSize, int maxLength) {
      bytes = new byte[maxLength];
      ends = fixedWidth ? null : new int[maxSize];
    }

    void append(byte[] source, int from, int to) {
      System.arraycopy(source, from, bytes, length, to - from);
      length += to - from;
      if (ends != null) {
        ends[size] = length;
      }
      size++;
    }

    PackedIds ids() {
      return new PackedIds(
          length == bytes.length ? bytes : Arrays.copyOf(bytes, length),
          ends == null || size == ends.length ? ends : Arrays.copyOf(ends, size));
    }
  }
}
