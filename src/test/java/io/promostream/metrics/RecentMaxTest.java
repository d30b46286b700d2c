package io.promostream.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class RecentMaxTest {

  @Test
  void reportsPeakForOneToTwoMinutes() {
    AtomicLong now = new AtomicLong(59_999);
    RecentMax recent = new RecentMax(now::get);
    assertThat(recent.getValue()).isZero();
    recent.note(7);
    recent.note(3);
    assertThat(recent.getValue()).isEqualTo(7);
    now.set(119_999);
    recent.note(5);
    assertThat(recent.getValue()).isEqualTo(7);
    now.set(120_000);
    assertThat(recent.getValue()).isEqualTo(5);
    now.set(180_000);
    assertThat(recent.getValue()).isZero();
    recent.note(2);
    now.set(600_000);
    assertThat(recent.getValue()).as("after a long silence").isZero();
  }
}
