package io.promostream.bench;

import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;

/**
 * Evenly planned moments for an action. A late action does not move the plan: delays count from the
 * planned moment, so a pause counts for every action that it delays.
 *
 * @param begun the first moment, {@link System#nanoTime}
 * @param interval nanoseconds from one to the next
 */
record Pace(long begun, double interval) {

  static Pace fromNow(double perSecond) {
    return new Pace(System.nanoTime(), TimeUnit.SECONDS.toNanos(1) / perSecond);
  }

  /** The planned moment of an action, {@link System#nanoTime}. */
  long planned(long number) {
    return begun + (long) (number * interval);
  }

  /** Does each action at its moment, from number 0 on. */
  void keep(long count, LongConsumer action) throws InterruptedException {
    for (long number = 0; number < count; number++) {
      TimeUnit.NANOSECONDS.sleep(planned(number) - System.nanoTime());
      action.accept(number);
    }
  }
}
