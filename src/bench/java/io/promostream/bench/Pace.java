package io.promostream.bench;

import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;

/**
 * Evenly planned moments for something to be done. Who is late for one is not granted a new plan:
 * delays count from the planned moment, so that a hold-up counts for everybody that it holds up.
 *
 * @param begun the first moment, {@link System#nanoTime}
 * @param interval nanoseconds from one to the next
 */
record Pace(long begun, double interval) {

  static Pace fromNow(double perSecond) {
    return new Pace(System.nanoTime(), TimeUnit.SECONDS.toNanos(1) / perSecond);
  }

  /** When number so much was to be done, {@link System#nanoTime}. */
  long planned(long number) {
    return begun + (long) (number * interval);
  }

  /** Does something so many times, from number 0 on. */
  void keep(long count, LongConsumer action) throws InterruptedException {
    for (long number = 0; number < count; number++) {
      TimeUnit.NANOSECONDS.sleep(planned(number) - System.nanoTime());
      action.accept(number);
    }
  }
}
