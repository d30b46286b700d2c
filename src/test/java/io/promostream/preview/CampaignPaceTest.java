package io.promostream.preview;

import static io.promostream.preview.ScheduleTest.millis;
import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.config.JobConfig;
import io.promostream.config.QuietHours;
import java.time.Duration;
import java.time.LocalTime;
import java.time.ZoneOffset;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class CampaignPaceTest {

  private static final QuietHours NIGHT =
      new QuietHours(LocalTime.of(22, 0), LocalTime.of(8, 0), ZoneOffset.UTC);

  private static CampaignPace pace(@Nullable Integer job, @Nullable Integer restaurant) {
    return CampaignPace.of(
        new JobConfig.Delivery(Duration.ofDays(7), null, 0, job, restaurant, NIGHT), 4);
  }

  @Test
  void hasNoLimitByDefault() {
    assertThat(pace(null, null).perSecond()).isNull();
  }

  @Test
  void lowestLimitApplies() {
    assertThat(pace(null, 30).perSecond()).isEqualTo(30);
    assertThat(pace(1_000, 300).perSecond()).isEqualTo(250);
    assertThat(pace(1_000, 30).perSecond()).isEqualTo(30);
  }

  /** All clients of a restaurant are on one subtask, which has a share of the job's limit. */
  @Test
  void subtaskHasItsShareOfJobsLimit() {
    assertThat(pace(2, null).perSecond()).isEqualTo(0.5);
  }

  @Test
  void roundsTimeUp() {
    long morning = millis("2026-05-01T09:00:00Z");
    assertThat(pace(null, 100).secondsFor(0, morning)).isZero();
    assertThat(pace(null, 100).secondsFor(1, morning)).isEqualTo(1);
    assertThat(pace(null, 100).secondsFor(100, morning)).isEqualTo(1);
    assertThat(pace(null, 100).secondsFor(101, morning)).isEqualTo(2);
    assertThat(pace(2, null).secondsFor(100, morning)).isEqualTo(200);
  }

  @Test
  void pausesInQuietHours() {
    // One hour is left until the quiet hours, which last ten hours.
    long evening = millis("2026-05-01T21:00:00Z");
    assertThat(pace(null, 1).secondsFor(3_600, evening)).isEqualTo(3_600);
    assertThat(pace(null, 1).secondsFor(3_601, evening)).isEqualTo(11 * 3_600 + 1);
    // 14 hours of each day are left.
    assertThat(pace(null, 1).secondsFor(3_600 * (1 + 14 + 1), evening)).isEqualTo(36 * 3_600);
  }

  @Test
  void ignoresTimeOfDayWithoutQuietHours() {
    assertThat(new CampaignPace(1.0, null).secondsFor(90_000, 0)).isEqualTo(90_000);
  }
}
