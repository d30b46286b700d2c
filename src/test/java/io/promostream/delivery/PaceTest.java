package io.promostream.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class PaceTest {

  /** Takes all that a pace allows in steps of some milliseconds. Returns the number. */
  private static int drain(Pace pace, String restaurant, long from, long to, int step) {
    int sum = 0;
    for (long now = from; now <= to; now += step) {
      int room = pace.room(restaurant, now);
      assertThat(room == 0)
          .isEqualTo(pace.opensAt(now) > now || pace.opensAt(restaurant, now) > now);
      if (room > 0) {
        pace.delivered(restaurant, room, now);
        sum += room;
      }
    }
    return sum;
  }

  @Test
  void withoutLimitsIsUnlimited() {
    Pace pace = new Pace(null, null, 4, 0);
    assertThat(pace.room("r", 5)).isEqualTo(Integer.MAX_VALUE);
    assertThat(pace.opensAt(5)).isLessThanOrEqualTo(5);
    assertThat(pace.opensAt("r", 5)).isLessThanOrEqualTo(5);
  }

  @Test
  void sharesTheTotal() {
    assertThat(drain(new Pace(1_000, null, 4, 0), "r", 0, 10_000, 1)).isEqualTo(2_500);
    assertThat(drain(new Pace(1, null, 4, 0), "r", 0, 12_000, 1)).isEqualTo(3);
  }

  @Test
  void limitsEachRestaurant() {
    Pace pace = new Pace(null, 100, 4, 0);
    assertThat(drain(pace, "r", 0, 10_000, 1)).isEqualTo(1_000);
    assertThat(pace.room("s", 10_000)).as("another restaurant").isEqualTo(100);
  }

  @Test
  void beginsEmpty() {
    assertThat(new Pace(1_000, null, 1, 5_000).room("r", 5_000)).isZero();
    assertThat(new Pace(null, 1_000, 1, 5_000).room("r", 5_000)).isZero();
  }

  @Test
  void opensForTenthOfSecond() {
    Pace pace = new Pace(1_000, null, 1, 0);
    assertThat(pace.room("r", 99)).isZero();
    assertThat(pace.opensAt(99)).isEqualTo(100);
    assertThat(pace.room("r", 100)).isEqualTo(100);
  }

  @Test
  void allowsBurstOfOneSecond() {
    Pace pace = new Pace(1_000, null, 1, 0);
    assertThat(pace.room("r", 3_600_000)).isEqualTo(1_000);
    pace.delivered("r", 1_000, 3_600_000);
    assertThat(pace.room("r", 3_600_000)).isZero();
  }

  /** In any span, at most one second more than the rate allows, and nearly that much. */
  @Property(tries = 100)
  void keepsTheRate(
      @ForAll @IntRange(min = 1, max = 100_000) int perSecond,
      @ForAll @IntRange(min = 1, max = 64) int subtasks,
      @ForAll @IntRange(min = 1, max = 50) int step) {
    long seconds = 200;
    int delivered = drain(new Pace(perSecond, null, subtasks, 0), "r", 0, seconds * 1_000, step);
    double allowed = (double) perSecond / subtasks * seconds;
    assertThat(delivered).isLessThanOrEqualTo((int) Math.ceil(allowed + 1e-6));
    assertThat(delivered).isGreaterThanOrEqualTo((int) (0.6 * allowed) - 1);
  }

  @Test
  void forgetsRestaurantsWithFullBuckets() {
    Pace pace = new Pace(null, 10, 1, 0);
    for (int i = 0; i < 100_000; i++) {
      pace.delivered("r" + i, 1, 10_000 + i);
    }
    assertThat(pace.restaurants()).isLessThan(4_096);
  }
}
