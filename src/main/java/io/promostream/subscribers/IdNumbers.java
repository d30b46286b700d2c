package io.promostream.subscribers;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Arrays;

/**
 * Numbers ids from 0, as they come. An id is looked up by its UTF-8 bytes amid others: neither an
 * object nor a text is made of it.
 */
final class IdNumbers {

  static final int UNKNOWN = -1;

  private byte[][] ids = new byte[64][];
  private int size;

  /**
   * A hash table with linear probing, at least half of it free: in the upper half of an entry that
   * of the id's hash, in the lower one more than the id's number; 0 is free.
   */
  private long[] entries = new long[128];

  int size() {
    return size;
  }

  String id(int number) {
    return new String(ids[number], UTF_8);
  }

  /** The number of an id, or {@link #UNKNOWN}. */
  int find(byte[] source, int start, int length) {
    long hash = hash(source, start, length);
    for (int at = (int) hash; ; at++) {
      long entry = entries[at & entries.length - 1];
      if (entry == 0) {
        return UNKNOWN;
      }
      if ((entry ^ hash) >>> 32 == 0) {
        byte[] id = ids[(int) entry - 1];
        if (Arrays.equals(id, 0, id.length, source, start, start + length)) {
          return (int) entry - 1;
        }
      }
    }
  }

  /** Numbers an id that is unknown so far. */
  int add(byte[] source, int start, int length) {
    if (size == ids.length) {
      ids = Arrays.copyOf(ids, 2 * size);
      entries = new long[4 * size];
      for (int number = 0; number < size; number++) {
        enter(number);
      }
    }
    ids[size] = Arrays.copyOfRange(source, start, start + length);
    enter(size);
    return size++;
  }

  private void enter(int number) {
    long hash = hash(ids[number], 0, ids[number].length);
    int at = (int) hash;
    while (entries[at & entries.length - 1] != 0) {
      at++;
    }
    entries[at & entries.length - 1] = hash >>> 32 << 32 | number + 1;
  }

  private static long hash(byte[] source, int start, int length) {
    return PostgresHash.of(source, start, length, 0);
  }
}
