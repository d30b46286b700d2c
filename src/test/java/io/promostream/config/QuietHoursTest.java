package io.promostream.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import org.junit.jupiter.api.Test;

class QuietHoursTest {

  private static final ZoneId BERLIN = ZoneId.of("Europe/Berlin");
  private static final QuietHours NIGHT = hours("22:00", "08:00");

  private static QuietHours hours(String from, String to) {
    return new QuietHours(LocalTime.parse(from), LocalTime.parse(to), BERLIN);
  }

  private static long at(String time) {
    return ZonedDateTime.parse(time).toInstant().toEpochMilli();
  }

  private static String text(long millis) {
    return Instant.ofEpochMilli(millis).atZone(BERLIN).toOffsetDateTime().toString();
  }

  @Test
  void passMidnight() {
    assertThat(NIGHT.contains(at("2026-06-01T21:59:59+02:00"))).isFalse();
    assertThat(NIGHT.contains(at("2026-06-01T22:00:00+02:00"))).isTrue();
    assertThat(NIGHT.contains(at("2026-06-02T07:59:59+02:00"))).isTrue();
    assertThat(NIGHT.contains(at("2026-06-02T08:00:00+02:00"))).isFalse();
    assertThat(text(NIGHT.endAfter(at("2026-06-01T22:00:00+02:00"))))
        .startsWith("2026-06-02T08:00");
    assertThat(text(NIGHT.endAfter(at("2026-06-02T07:59:59+02:00"))))
        .startsWith("2026-06-02T08:00");
  }

  @Test
  void beginOnceADay() {
    assertThat(text(NIGHT.beginAfter(at("2026-06-01T21:59:59+02:00"))))
        .startsWith("2026-06-01T22:00");
    assertThat(text(NIGHT.beginAfter(at("2026-06-01T22:00:00+02:00"))))
        .startsWith("2026-06-02T22:00");
  }

  @Test
  void lieWithinOneDay() {
    QuietHours noon = hours("12:00", "14:00");
    assertThat(noon.contains(at("2026-06-01T11:59:59+02:00"))).isFalse();
    assertThat(noon.contains(at("2026-06-01T12:00:00+02:00"))).isTrue();
    assertThat(noon.contains(at("2026-06-01T14:00:00+02:00"))).isFalse();
    assertThat(text(noon.endAfter(at("2026-06-01T13:00:00+02:00")))).startsWith("2026-06-01T14:00");
  }

  /** In the night of the 29th of March 2026 the clocks jump from 02:00 to 03:00. */
  @Test
  void areAnHourShorterWhenClocksGoForward() {
    long begin = at("2026-03-28T22:00:00+01:00");
    assertThat(NIGHT.endAfter(begin) - begin).isEqualTo(Duration.ofHours(9).toMillis());
    QuietHours untilTheGap = hours("22:00", "02:30");
    assertThat(untilTheGap.endAfter(begin)).isEqualTo(at("2026-03-29T03:00:00+02:00"));
    assertThat(untilTheGap.contains(untilTheGap.endAfter(begin))).isFalse();
    assertThat(untilTheGap.contains(untilTheGap.endAfter(begin) - 1)).isTrue();
  }

  /** In the night of the 25th of October 2026 the clocks go back from 03:00 to 02:00. */
  @Test
  void areAnHourLongerWhenClocksGoBack() {
    long begin = at("2026-10-24T22:00:00+02:00");
    assertThat(NIGHT.endAfter(begin) - begin).isEqualTo(Duration.ofHours(11).toMillis());
    QuietHours untilTheRepeatedHour = hours("22:00", "02:30");
    assertThat(untilTheRepeatedHour.endAfter(begin)).isEqualTo(at("2026-10-25T02:30:00+02:00"));
    assertThat(untilTheRepeatedHour.endAfter(at("2026-10-25T02:10:00+01:00")))
        .isEqualTo(at("2026-10-25T02:30:00+01:00"));
  }

  /** The end is the first moment that is not quiet, whatever the clocks do. */
  @Test
  void endAtTheFirstMomentOutside() {
    for (QuietHours hours :
        new QuietHours[] {NIGHT, hours("22:00", "02:30"), hours("01:00", "03:00")}) {
      for (String day : new String[] {"2026-03-28T12:00:00+01:00", "2026-10-24T12:00:00+02:00"}) {
        for (int minutes = 0; minutes < 2 * 24 * 60; minutes += 10) {
          long moment = at(day) + Duration.ofMinutes(minutes).toMillis();
          if (hours.contains(moment)) {
            long end = hours.endAfter(moment);
            assertThat(hours.contains(end)).as(text(end)).isFalse();
            assertThat(hours.contains(end - 1)).as(text(end)).isTrue();
            assertThat(end - moment).isPositive().isLessThan(Duration.ofHours(12).toMillis());
          }
        }
      }
    }
  }

  @Test
  void touchSpans() {
    assertThat(NIGHT.touch(at("2026-06-01T12:00:00+02:00"), at("2026-06-01T21:59:59+02:00")))
        .isFalse();
    assertThat(NIGHT.touch(at("2026-06-01T12:00:00+02:00"), at("2026-06-01T22:00:00+02:00")))
        .isTrue();
    assertThat(NIGHT.touch(at("2026-06-01T07:00:00+02:00"), at("2026-06-01T12:00:00+02:00")))
        .isTrue();
    assertThat(NIGHT.touch(at("2026-06-01T12:00:00+02:00"), at("2026-06-02T12:00:00+02:00")))
        .isTrue();
  }
}
