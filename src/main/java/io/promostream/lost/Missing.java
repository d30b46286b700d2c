package io.promostream.lost;

import java.util.Arrays;
import java.util.BitSet;

/** Which of the rows have no notification; by hashes, 8 bytes for each. */
final class Missing {

  private final long[] hashes;
  private final BitSet taken = new BitSet();

  /** Both sorted. */
  Missing(long[] rows, long[] notifications) {
    long[] missing = new long[rows.length];
    int count = 0;
    for (int i = 0; i < rows.length; i++) {
      boolean again = i > 0 && rows[i] == rows[i - 1];
      if (!again && Arrays.binarySearch(notifications, rows[i]) < 0) {
        missing[count++] = rows[i];
      }
    }
    hashes = Arrays.copyOf(missing, count);
  }

  /** Whether it is missing; true once. */
  boolean take(long hash) {
    int index = Arrays.binarySearch(hashes, hash);
    if (index < 0 || taken.get(index)) {
      return false;
    }
    taken.set(index);
    return true;
  }
}
