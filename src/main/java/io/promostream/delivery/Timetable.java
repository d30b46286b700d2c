package io.promostream.delivery;

/**
 * Spreads a subtask's timers over the milliseconds. Flink fires all timers that are due in one go,
 * with no checkpoint and no promo between; so where thousands are due at once, only few may be due
 * at one millisecond. Not state: after a restart the timers that exist stay where they are, and new
 * ones begin beside them.
 */
final class Timetable {

  /**
   * Restaurants that get their turn in one millisecond: with RocksDB these take about as long, so
   * that fewer would keep the subtask idle, and more would only wait for one another.
   */
  private static final int TURNS_PER_MILLISECOND = 8;

  /** A tenth of what a sink needs for the slices that it has before it. */
  private static final int REST_MILLIS = 2;

  /** A sink that is full says so within a second, and a checkpoint must come first. */
  private static final int LONG_REST_MILLIS = 250;

  private static final int MILLIS = 1_000;

  /** Seconds that are kept apart, if not all: others begin anew, which spreads them less. */
  private static final int SECONDS = 4_096;

  private long lastTurn;
  private long restUntil;
  private final long[] seconds = new long[SECONDS];
  private final int[] wakes = new int[SECONDS];

  /** Takes the next free turn; its time, after now and not in a rest, epoch milliseconds. */
  long takeTurn(long now) {
    long first = Math.max(now, restUntil) * TURNS_PER_MILLISECOND;
    lastTurn = Math.max(first, lastTurn) + 1;
    return (lastTurn + TURNS_PER_MILLISECOND - 1) / TURNS_PER_MILLISECOND;
  }

  /** There is no room in front of the sinks: nobody's turn comes until there may be some again. */
  void rest(long now) {
    restUntil = now + REST_MILLIS;
  }

  /** The sinks are full: nobody's turn comes until a checkpoint may have relieved them. */
  void restLong(long now) {
    restUntil = now + LONG_REST_MILLIS;
  }

  /**
   * When a restaurant would be woken up that is to be at a given time: then, or less than a second
   * later if others are.
   */
  long wakeAt(long time) {
    int place = place(time);
    return time + (seconds[place] == second(time) ? wakes[place] % MILLIS : 0);
  }

  /** Takes the place of a {@link #wakeAt}. */
  void takeWake(long time) {
    int place = place(time);
    if (seconds[place] != second(time)) {
      seconds[place] = second(time);
      wakes[place] = 0;
    }
    wakes[place]++;
  }

  private static long second(long time) {
    return time / MILLIS;
  }

  private static int place(long time) {
    return (int) (second(time) % SECONDS);
  }
}
