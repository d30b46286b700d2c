package io.promostream.local.page;

/**
 * The numbers that were added last. It remembers at least {@code generation} and at most twice as
 * many, in two arrays of {@code 2 * generation} longs: when the newer array is full, it takes the
 * place of the older one.
 */
final class RecentKeys {

  private final int generation;
  private long[] newer;
  private long[] older;
  private int added;

  /**
   * @param generation a power of two
   */
  RecentKeys(int generation) {
    this.generation = generation;
    newer = new long[2 * generation];
    older = new long[2 * generation];
  }

  boolean contains(long key) {
    return newer[slot(newer, key)] != 0 || older[slot(older, key)] != 0;
  }

  void add(long key) {
    if (added == generation) {
      older = newer;
      newer = new long[2 * generation];
      added = 0;
    }
    int slot = slot(newer, key);
    if (newer[slot] == 0) {
      newer[slot] = stored(key);
      added++;
    }
  }

  /** The place of a number, or the free place where it would be. */
  private static int slot(long[] keys, long key) {
    long stored = stored(key);
    int slot = (int) (stored ^ (stored >>> 32)) & (keys.length - 1);
    while (keys[slot] != 0 && keys[slot] != stored) {
      slot = (slot + 1) & (keys.length - 1);
    }
    return slot;
  }

  /** 0 marks a free place. */
  private static long stored(long key) {
    return key == 0 ? 1 : key;
  }
}
