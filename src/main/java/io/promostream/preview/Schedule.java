package io.promostream.preview;

import io.promostream.config.QuietHours;
import io.promostream.promo.Promo;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * When a promo would be delivered, if it arrived now.
 *
 * @param phase its phase now
 * @param quiet the effect of the quiet hours
 * @param beginsAt the begin of the delivery, epoch milliseconds; null if nothing is delivered
 */
record Schedule(Promo.Phase phase, Quiet quiet, @Nullable Long beginsAt) {

  /** The effect of the quiet hours on the begin of a delivery. */
  enum Quiet {
    NONE,
    /** The delivery begins when the quiet hours are over. */
    DELAY,
    /** The promo ends before the quiet hours are over, so no client gets it. */
    MISS
  }

  /**
   * Determines when a promo would be delivered.
   *
   * @param quietHours null for none
   * @param now epoch milliseconds
   */
  static Schedule of(Promo promo, @Nullable QuietHours quietHours, long now) {
    Promo.Phase phase = promo.phaseAt(now);
    if (phase == Promo.Phase.ENDED) {
      return new Schedule(phase, Quiet.NONE, null);
    }
    long begin = Math.max(promo.startsAt(), now);
    if (quietHours == null || !quietHours.contains(begin)) {
      return new Schedule(phase, Quiet.NONE, begin);
    }
    long afterQuiet = quietHours.endAfter(begin);
    return afterQuiet < promo.endsAt()
        ? new Schedule(phase, Quiet.DELAY, afterQuiet)
        : new Schedule(phase, Quiet.MISS, null);
  }

  /** The state in the output: a promo that arrives after its end is late. */
  String state() {
    return phase == Promo.Phase.ENDED ? "late" : phase.name().toLowerCase(Locale.ROOT);
  }
}
