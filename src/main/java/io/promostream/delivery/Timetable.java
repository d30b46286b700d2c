package io.promostream.delivery;

/**
 * Spreads the timers of a subtask over the milliseconds. Flink fires all timers of one time without
 * a checkpoint or a promo in between, so only few timers may have the same time. The timetable is
 * not part of the state: after a restart, restored timers keep their times.
 */
final class Timetable {

  /**
   * Restaurants that get their turn in one millisecond, which is about what RocksDB can do. Fewer
   * would leave the subtask idle, and more would only wait for one another.
   */
  private static final int TURNS_PER_MILLISECOND = 8;

  /** A tenth of the time in which a sink writes the slices that are queued before it. */
  private static final int REST_MILLIS = 2;

  /** A full sink needs a checkpoint before it has room, and reports once a second. */
  private static final int LONG_REST_MILLIS = 250;

  private static final int MILLIS = 1_000;

  /** Seconds whose wakes are counted. A second that shares a place restarts the count. */
  private static final int SECONDS = 4_096;

  private long lastTurn;
  private long restUntil;
  private final long[] seconds = new long[SECONDS];
  private final int[] wakes = new int[SECONDS];

  /** Takes the next free turn. Returns its time, which is after now and after any rest. */
  long takeTurn(long now) {
    long first = Math.max(now, restUntil) * TURNS_PER_MILLISECOND;
    lastTurn = Math.max(first, lastTurn) + 1;
    return (lastTurn + TURNS_PER_MILLISECOND - 1) / TURNS_PER_MILLISECOND;
  }

  /** Gives no turns until there may be room on the way to the sinks again. */
  void rest(long now) {
    restUntil = now + REST_MILLIS;
  }

  /** Gives no turns until a checkpoint may have relieved the sinks. */
  void restLong(long now) {
    restUntil = now + LONG_REST_MILLIS;
  }

  /** Gives no turns before a time. */
  void restUntil(long time) {
    restUntil = time;
  }

  /**
   * The time of the next wake that {@link #takeWake} would take: the time asked for, or less than a
   * second later if other restaurants wake in that second.
   */
  long wakeAt(long time) {
    int place = place(time);
    return time + (seconds[place] == second(time) ? wakes[place] % MILLIS : 0);
  }

  /** Takes the wake of {@link #wakeAt}. */
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
