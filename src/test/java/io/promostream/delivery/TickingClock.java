package io.promostream.delivery;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledFuture;
import java.util.function.LongSupplier;
import org.apache.flink.streaming.runtime.tasks.ProcessingTimeService;
import org.apache.flink.util.clock.Clock;

/** The clock of a test harness, which stands still unless it is set; and ticks at each reading. */
final class TickingClock implements ProcessingTimeService {

  private final ProcessingTimeService still;
  private final LongSupplier ticks;

  /**
   * @param ticks asked at each reading: milliseconds since the clock was set
   */
  TickingClock(ProcessingTimeService still, LongSupplier ticks) {
    this.still = still;
    this.ticks = ticks;
  }

  @Override
  public long getCurrentProcessingTime() {
    return still.getCurrentProcessingTime() + ticks.getAsLong();
  }

  @Override
  public Clock getClock() {
    return still.getClock();
  }

  @Override
  public ScheduledFuture<?> registerTimer(long time, ProcessingTimeCallback callback) {
    return still.registerTimer(time, callback);
  }

  @Override
  public ScheduledFuture<?> scheduleAtFixedRate(
      ProcessingTimeCallback callback, long delay, long period) {
    return still.scheduleAtFixedRate(callback, delay, period);
  }

  @Override
  public ScheduledFuture<?> scheduleWithFixedDelay(
      ProcessingTimeCallback callback, long delay, long period) {
    return still.scheduleWithFixedDelay(callback, delay, period);
  }

  @Override
  public CompletableFuture<Void> quiesce() {
    return still.quiesce();
  }
}
