package io.promostream.config;

import java.io.Serializable;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.zone.ZoneOffsetTransition;

/**
 * The hours of each day in which nothing is delivered, by the clocks of a time zone. They may pass
 * midnight. In the two nights in which the clocks change, quiet hours from 22:00 to 08:00 last nine
 * or eleven hours.
 *
 * @param from the first moment of the quiet hours
 * @param to the first moment after them, not equal to {@code from}
 */
public record QuietHours(LocalTime from, LocalTime to, ZoneId zone) implements Serializable {

  /** The same hours by the clocks of another zone. */
  QuietHours in(ZoneId other) {
    return new QuietHours(from, to, other);
  }

  /**
   * Whether a moment lies in the quiet hours.
   *
   * @param millis epoch milliseconds
   */
  public boolean contains(long millis) {
    LocalTime time = at(millis).toLocalTime();
    return from.isBefore(to)
        ? !time.isBefore(from) && time.isBefore(to)
        : !time.isBefore(from) || time.isBefore(to);
  }

  /**
   * When quiet hours end.
   *
   * @param millis a moment in them, epoch milliseconds
   * @return epoch milliseconds, later than the moment
   */
  public long endAfter(long millis) {
    return next(to, millis);
  }

  /**
   * When the next quiet hours begin.
   *
   * @param millis epoch milliseconds
   * @return epoch milliseconds, later than the moment
   */
  public long beginAfter(long millis) {
    return next(from, millis);
  }

  /**
   * Whether a span of at most some days touches quiet hours.
   *
   * @param first epoch milliseconds, included
   * @param last epoch milliseconds, included
   */
  public boolean touch(long first, long last) {
    return contains(first) || contains(last) || next(from, first) <= last;
  }

  /** The next moment at which the clocks show a time, or jump past it. */
  private long next(LocalTime time, long millis) {
    ZonedDateTime now = at(millis);
    for (int days = 0; ; days++) {
      LocalDateTime local = now.toLocalDate().plusDays(days).atTime(time);
      ZoneOffsetTransition change = zone.getRules().getTransition(local);
      if (change != null && change.isGap() && change.getInstant().toEpochMilli() > millis) {
        return change.getInstant().toEpochMilli();
      }
      if (change == null || change.isOverlap()) {
        // While the clocks repeat an hour, they show each time twice.
        ZonedDateTime shown = local.atZone(zone);
        if (!shown.isAfter(now)) {
          shown = shown.withLaterOffsetAtOverlap();
        }
        if (shown.isAfter(now)) {
          return shown.toInstant().toEpochMilli();
        }
      }
    }
  }

  private ZonedDateTime at(long millis) {
    return Instant.ofEpochMilli(millis).atZone(zone);
  }
}
