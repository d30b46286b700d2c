package io.promostream.preview;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.config.QuietHours;
import io.promostream.preview.Schedule.Quiet;
import io.promostream.promo.Promo;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneOffset;
import org.junit.jupiter.api.Test;

class ScheduleTest {

  private static final QuietHours NIGHT =
      new QuietHours(LocalTime.of(22, 0), LocalTime.of(8, 0), ZoneOffset.UTC);

  static long millis(String time) {
    return Instant.parse(time).toEpochMilli();
  }

  static Promo promo(String start, String end) {
    return new Promo(
        "r",
        "c",
        "content",
        "owner",
        "contact",
        millis(start) / 1_000,
        millis(end) / 1_000,
        1_700_000_000);
  }

  private static Schedule at(String now, Promo promo) {
    return Schedule.of(promo, NIGHT, millis(now));
  }

  private static final Promo DAY = promo("2026-05-01T10:00:00Z", "2026-05-01T20:00:00Z");

  @Test
  void waitingPromoBeginsAtItsStart() {
    Schedule schedule = at("2026-04-30T23:00:00Z", DAY);
    assertThat(schedule.state()).isEqualTo("waiting");
    assertThat(schedule.quiet()).isEqualTo(Quiet.NONE);
    assertThat(schedule.beginsAt()).isEqualTo(millis("2026-05-01T10:00:00Z"));
  }

  @Test
  void livePromoBeginsNow() {
    Schedule schedule = at("2026-05-01T12:00:00.500Z", DAY);
    assertThat(schedule.state()).isEqualTo("live");
    assertThat(schedule.beginsAt()).isEqualTo(millis("2026-05-01T12:00:00.500Z"));
  }

  @Test
  void promoThatEndedIsLate() {
    Schedule schedule = at("2026-05-01T20:00:01Z", DAY);
    assertThat(schedule.state()).isEqualTo("late");
    assertThat(schedule.beginsAt()).isNull();
  }

  @Test
  void beginsAfterQuietHours() {
    Schedule live =
        at("2026-05-01T23:00:00Z", promo("2026-05-01T10:00:00Z", "2026-05-02T08:00:00Z"));
    assertThat(live.state()).isEqualTo("live");
    assertThat(live.quiet()).isEqualTo(Quiet.DELAY);
    assertThat(live.beginsAt()).isEqualTo(millis("2026-05-02T08:00:00Z"));
    Schedule waiting =
        at("2026-05-01T12:00:00Z", promo("2026-05-02T03:00:00Z", "2026-05-02T12:00:00Z"));
    assertThat(waiting.quiet()).isEqualTo(Quiet.DELAY);
    assertThat(waiting.beginsAt()).isEqualTo(millis("2026-05-02T08:00:00Z"));
  }

  @Test
  void missesPromoThatLivesOnlyInQuietHours() {
    Schedule schedule =
        at("2026-05-01T12:00:00Z", promo("2026-05-01T22:00:00Z", "2026-05-02T07:59:59Z"));
    assertThat(schedule.state()).isEqualTo("waiting");
    assertThat(schedule.quiet()).isEqualTo(Quiet.MISS);
    assertThat(schedule.beginsAt()).isNull();
  }

  @Test
  void ignoresTimeOfDayWithoutQuietHours() {
    Schedule schedule =
        Schedule.of(
            promo("2026-05-01T22:00:00Z", "2026-05-02T07:59:59Z"),
            null,
            millis("2026-05-01T23:00:00Z"));
    assertThat(schedule.quiet()).isEqualTo(Quiet.NONE);
    assertThat(schedule.beginsAt()).isEqualTo(millis("2026-05-01T23:00:00Z"));
  }
}
