package io.promostream.metrics;

import java.util.function.LongSupplier;
import org.apache.flink.metrics.Gauge;

/**
 * The greatest value of this minute and the last: long enough for every reporter to see a peak, and
 * gone when it is no longer true. A histogram of the last so many values would show an old peak for
 * as long as nothing new comes. 0 where nothing was noted.
 */
public final class RecentMax implements Gauge<Long> {

  private static final long WINDOW_MILLIS = 60_000;

  private final LongSupplier now;
  private long window;
  private long current;
  private long previous;

  RecentMax() {
    this(System::currentTimeMillis);
  }

  RecentMax(LongSupplier now) {
    this.now = now;
  }

  public synchronized void note(long value) {
    turn();
    current = Math.max(current, value);
  }

  @Override
  public synchronized Long getValue() {
    turn();
    return Math.max(current, previous);
  }

  private void turn() {
    long present = now.getAsLong() / WINDOW_MILLIS;
    if (present != window) {
      previous = present == window + 1 ? current : 0;
      current = 0;
      window = present;
    }
  }
}
