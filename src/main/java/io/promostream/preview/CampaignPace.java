package io.promostream.preview;

import io.promostream.config.JobConfig;
import io.promostream.config.QuietHours;
import org.jspecify.annotations.Nullable;

/**
 * How fast the job delivers a campaign that shares the limits with no other campaign.
 *
 * @param perSecond deliveries; null if no limit is set
 * @param quietHours in which the delivery pauses; null for none
 */
record CampaignPace(@Nullable Double perSecond, @Nullable QuietHours quietHours) {

  /**
   * The pace that the configuration sets.
   *
   * @param parallelism the subtasks that share the limit of the job. One of them delivers all of a
   *     restaurant's campaigns
   */
  static CampaignPace of(JobConfig.Delivery rules, int parallelism) {
    Integer total = rules.maxPerSecond();
    Integer restaurant = rules.maxPerSecondPerRestaurant();
    double slowest =
        Math.min(
            total == null ? Double.POSITIVE_INFINITY : (double) total / parallelism,
            restaurant == null ? Double.POSITIVE_INFINITY : restaurant);
    return new CampaignPace(Double.isInfinite(slowest) ? null : slowest, rules.quietHours());
  }

  /**
   * The time that deliveries take, with the quiet hours between them, in seconds. It is rounded up.
   * Requires a limit.
   *
   * @param begin epoch milliseconds, outside the quiet hours
   */
  long secondsFor(int deliveries, long begin) {
    long left = (long) Math.ceil(deliveries * 1_000 / perSecond);
    long at = begin;
    while (quietHours != null && at + left > quietHours.beginAfter(at)) {
      long pause = quietHours.beginAfter(at);
      left -= pause - at;
      at = quietHours.endAfter(pause);
    }
    return (at + left - begin + 999) / 1_000;
  }
}
