package io.promostream.preview;

import org.jspecify.annotations.Nullable;

/**
 * How much is delivered, and how long that takes.
 *
 * @param notifications 0 if nothing is delivered
 * @param perSecond the pace; null if none is set
 * @param seconds from the first notification to the last one, quiet hours included; null if no pace
 *     is set or nothing is delivered
 */
record Estimate(int notifications, @Nullable Double perSecond, @Nullable Long seconds) {

  static Estimate of(Schedule schedule, Reach reach, CampaignPace pace) {
    Long begin = schedule.beginsAt();
    int notifications = begin == null ? 0 : reach.receiving();
    return new Estimate(
        notifications,
        pace.perSecond(),
        begin == null || pace.perSecond() == null ? null : pace.secondsFor(notifications, begin));
  }
}
