package io.promostream.local;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class DemoTrafficTest {

  private static final long NOON = 1_800_000_000L;

  @Test
  void isReproducibleForSeedAndClock() {
    List<Object> events = events(new DemoTraffic(7));
    assertThat(events(new DemoTraffic(7)).equals(events)).isTrue();
    assertThat(events(new DemoTraffic(8)).equals(events)).isFalse();
  }

  private static List<Object> events(DemoTraffic traffic) {
    List<Object> events = new ArrayList<>(traffic.subscriptions());
    for (int second = 0; second < 500; second++) {
      events.add(traffic.unsubscribe());
      events.add(traffic.subscribe());
      events.add(new String(traffic.promo(NOON + second), StandardCharsets.ISO_8859_1));
    }
    return events;
  }

  @Test
  void concentratesSubscribersOnFewRestaurants() {
    Map<String, Long> sizes =
        new DemoTraffic(1)
            .subscriptions().stream()
                .collect(
                    Collectors.groupingBy(
                        DemoTraffic.Subscription::restaurantId, Collectors.counting()));

    assertThat(sizes).hasSizeBetween(2_900, DemoTraffic.RESTAURANTS);
    assertThat(sizes.values().stream().mapToLong(size -> size).max().getAsLong())
        .isGreaterThan(10_000);
  }

  @Test
  void unsubscribesOnlyExistingSubscriptions() {
    DemoTraffic traffic = new DemoTraffic(3);
    Map<DemoTraffic.Subscription, Long> expected = counted(traffic.subscriptions());
    for (int i = 0; i < 1_000; i++) {
      expected.merge(traffic.unsubscribe(), -1L, Long::sum);
      expected.merge(traffic.subscribe(), 1L, Long::sum);
    }
    expected.values().removeIf(count -> count == 0);

    assertThat(counted(traffic.subscriptions())).isEqualTo(expected);
  }

  private static Map<DemoTraffic.Subscription, Long> counted(
      List<DemoTraffic.Subscription> subscriptions) {
    return subscriptions.stream()
        .collect(Collectors.groupingBy(Function.identity(), Collectors.counting()));
  }
}
