package io.promostream.subscribers;

import static io.promostream.subscribers.PackedIds.UUID_BYTES;
import static io.promostream.subscribers.PackedIds.UUID_CHARS;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;

/**
 * Rows in the order in which they came: a restaurant's number and a client's id each, packed, 20
 * bytes where that is a UUID, else 6 beside its own. Written and read from end to end, which costs
 * a fraction of looking for each restaurant's place in memory.
 */
final class RowLog {

  private static final VarHandle INT =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle SHORT =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.BIG_ENDIAN);

  /** Enough for any row. */
  private static final int MIN_CHUNK_BYTES = 1 << 11;

  private static final int MAX_CHUNK_BYTES = 1 << 15;

  private final List<Chunk> full = new ArrayList<>();
  private byte[] current = {};
  private int end;
  private long bytes;

  private record Chunk(byte[] bytes, int length) {}

  /**
   * Adds a row.
   *
   * @param restaurant its number
   * @param source what the client's id, in UTF-8, is a range of
   * @return whether the id is a canonical UUID
   */
  boolean add(int restaurant, byte[] source, int start, int length) {
    if (current.length - end < Integer.BYTES + Math.max(UUID_BYTES, Short.BYTES + length)) {
      full.add(new Chunk(current, end));
      current = new byte[Math.max(MIN_CHUNK_BYTES, Math.min(2 * current.length, MAX_CHUNK_BYTES))];
      end = 0;
    }
    int from = end;
    int id = end + Integer.BYTES;
    boolean uuid = length == UUID_CHARS && PackedIds.packUuid(source, start, current, id);
    if (uuid) {
      INT.set(current, end, restaurant);
      end = id + UUID_BYTES;
    } else {
      INT.set(current, end, ~restaurant);
      SHORT.set(current, id, (short) length);
      System.arraycopy(source, start, current, id + Short.BYTES, length);
      end = id + Short.BYTES + length;
    }
    bytes += end - from;
    return uuid;
  }

  /** What all rows take. */
  long bytes() {
    return bytes;
  }

  /** Gives each row's client to the audience of the restaurant with the row's number. */
  void addTo(IntFunction<Audience.Builder> audiences) {
    full.forEach(chunk -> add(chunk.bytes, chunk.length, audiences));
    add(current, end, audiences);
  }

  private static void add(byte[] chunk, int length, IntFunction<Audience.Builder> audiences) {
    for (int at = 0; at < length; ) {
      int restaurant = (int) INT.get(chunk, at);
      at += Integer.BYTES;
      if (restaurant >= 0) {
        audiences.apply(restaurant).addUuid(chunk, at);
        at += UUID_BYTES;
      } else {
        int textLength = (short) SHORT.get(chunk, at);
        audiences.apply(~restaurant).addText(chunk, at + Short.BYTES, textLength);
        at += Short.BYTES + textLength;
      }
    }
  }
}
