package io.promostream.preview;

import io.promostream.config.ConfigException;
import io.promostream.preview.Outcome.Accepted;
import io.promostream.preview.Outcome.Rejected;
import io.promostream.preview.Schedule.Quiet;
import io.promostream.promo.Promo;
import java.text.NumberFormat;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Locale;

/** Describes an outcome for people. */
final class TextOutput {

  private final StringBuilder text = new StringBuilder();

  private TextOutput() {}

  /** Returns several lines. */
  static String of(Outcome outcome) {
    TextOutput output = new TextOutput();
    if (outcome instanceof Rejected rejected) {
      output.text.append("line %d: rejected\n".formatted(rejected.line()));
      output.row("reason", rejected.reason());
      output.row("detail", rejected.detail());
    } else if (outcome instanceof Accepted accepted) {
      output.text.append("line %d: accepted\n".formatted(accepted.line()));
      output.describe(accepted);
    }
    return output.text.toString();
  }

  private void describe(Accepted accepted) {
    Promo promo = accepted.promo();
    Reach reach = accepted.reach();
    row("restaurant", promo.restaurantId());
    row("campaign", promo.campaignId());
    row("state", state(promo, accepted.schedule()));
    if (accepted.schedule().quiet() == Quiet.DELAY) {
      row("quiet hours", "delivery begins after them, at " + time(accepted.schedule().beginsAt()));
    } else if (accepted.schedule().quiet() == Quiet.MISS) {
      row("quiet hours", "it is live only in them, so it is missed and no client gets it");
    }
    row(
        "audience",
        "%s, %s of them held out"
            .formatted(count(reach.audience(), "client"), number(reach.heldOut())));
    row("delivery", delivery(accepted));
    row(
        "size",
        reach.typicalBytes() == reach.largestBytes()
            ? "%s bytes per notification".formatted(number(reach.largestBytes()))
            : "%s bytes per notification, %s the largest"
                .formatted(number(reach.typicalBytes()), number(reach.largestBytes())));
    row(
        "sample",
        reach.hasRealSample()
            ? "for a client of the audience"
            : "for a placeholder, because no client gets the promo");
    text.append("  ").append(reach.sample()).append('\n');
  }

  private static String state(Promo promo, Schedule schedule) {
    return switch (schedule.phase()) {
      case WAITING ->
          "waiting until %s, then live until %s"
              .formatted(time(promo.startsAt()), time(promo.end() * 1_000));
      case LIVE -> "live until " + time(promo.end() * 1_000);
      case ENDED -> "late: it ended at %s, so it is dropped".formatted(time(promo.end() * 1_000));
    };
  }

  private static String delivery(Accepted accepted) {
    Estimate estimate = accepted.estimate();
    String notifications = count(estimate.notifications(), "notification");
    if (estimate.notifications() == 0) {
      return notifications;
    }
    if (estimate.seconds() == null) {
      return notifications + "; no pace is set";
    }
    long end = accepted.schedule().beginsAt() + estimate.seconds() * 1_000;
    return "%s in about %s, at most %s per second%s"
        .formatted(
            notifications,
            duration(estimate.seconds()),
            number(estimate.perSecond()),
            end < accepted.promo().endsAt() ? "" : "; the promo ends before that");
  }

  private void row(String name, String value) {
    text.append("  %-12s %s\n".formatted(name, ConfigException.oneLine(value)));
  }

  private static String count(int number, String noun) {
    return number(number) + " " + noun + (number == 1 ? "" : "s");
  }

  private static String number(Number number) {
    return NumberFormat.getInstance(Locale.ROOT).format(number);
  }

  private static String time(long millis) {
    return Instant.ofEpochMilli(millis).truncatedTo(ChronoUnit.SECONDS).toString();
  }

  /** Seconds are of no interest in a duration of hours. */
  private static String duration(long seconds) {
    Duration time = Duration.ofSeconds(seconds);
    if (time.toHours() > 0) {
      return time.toHours() + " h " + time.toMinutesPart() + " min";
    }
    return time.toMinutes() > 0
        ? time.toMinutes() + " min " + time.toSecondsPart() + " s"
        : seconds + " s";
  }
}
