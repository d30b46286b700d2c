package io.promostream.local.page;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class DeliveryChartTest {

  private static final long NOW = 1_800_000_000L;
  private static final int LAST = DeliveryChart.SECONDS - 1;

  private final DeliveryChart chart = new DeliveryChart();

  @Test
  void averagesOverThreeSeconds() {
    chart.add(Sink.ROWS, NOW, 200);
    chart.add(Sink.ROWS, NOW, 100);

    assertThat(chart.perSecond(Sink.ROWS, NOW)[LAST]).as("this second goes on").isZero();
    for (int later = 1; later <= DeliveryChart.AVERAGE_OVER; later++) {
      assertThat(chart.perSecond(Sink.ROWS, NOW + later)[LAST]).isEqualTo(100);
    }
    assertThat(chart.perSecond(Sink.ROWS, NOW + 4)).endsWith(0, 100, 100, 100, 0).hasSize(120);
    assertThat(chart.perSecond(Sink.NOTIFICATIONS, NOW + 4)).containsOnly(0);
  }

  @Test
  void forgetsSecondsThatLeaveTheChart() {
    chart.add(Sink.ROWS, NOW, 300);

    assertThat(chart.perSecond(Sink.ROWS, NOW + DeliveryChart.SECONDS))
        .startsWith(100, 100, 100, 0);
    assertThat(chart.perSecond(Sink.ROWS, NOW + DeliveryChart.SECONDS + 3)).containsOnly(0);
    chart.add(Sink.ROWS, NOW + 1_000_000, 3);
    assertThat(chart.perSecond(Sink.ROWS, NOW + 1_000_001)).endsWith(0, 1);
    assertThat(chart.total(Sink.ROWS)).isEqualTo(303);
  }

  @Test
  void countsLateDeliveriesInTheNewestSecond() {
    chart.add(Sink.ROWS, NOW, 3);
    chart.add(Sink.ROWS, NOW - 5, 3);

    assertThat(chart.perSecond(Sink.ROWS, NOW + 1)).endsWith(0, 2);
  }
}
