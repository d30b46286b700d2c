package io.promostream.testing;

import java.time.Duration;
import java.util.concurrent.Callable;

/** Polls for what will come in its own time. */
public final class Waiting {

  private static final Duration PATIENCE = Duration.ofMinutes(5);

  private Waiting() {}

  /**
   * Waits for a condition.
   *
   * @throws AssertionError with what was waited for, if it does not come in five minutes
   */
  public static void until(String what, Callable<Boolean> condition) throws Exception {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.call()) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("waited " + PATIENCE.toSeconds() + " s in vain for " + what);
      }
      Thread.sleep(50);
    }
  }
}
