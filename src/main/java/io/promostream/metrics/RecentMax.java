package io.promostream.metrics;

import java.util.function.LongSupplier;
import org.apache.flink.metrics.Gauge;

/**
 * The greatest value of the current and the previous minute; 0 if there was none. Every reporter
 * sees a peak, and the peak disappears when it is over. A histogram of the last n values would show
 * an old peak until new values come.
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
