package io.promostream.preview;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.delivery.ControlGroup;
import io.promostream.kafka.TopicLimits;
import io.promostream.notification.NotificationTemplate;
import io.promostream.promo.Promo;
import io.promostream.subscribers.Audience;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ReachTest {

  private static final Promo PROMO = new Promo("r", "c", "Суп", "owner", "contact", 1, 2, 3);

  private static String notification(String client) {
    return new String(
        new NotificationTemplate(PROMO, 4).to(client.getBytes(UTF_8), false).value(), UTF_8);
  }

  private static int bytes(String client) {
    return TopicLimits.sizeOf(new NotificationTemplate(PROMO, 4).to(client.getBytes(UTF_8), false));
  }

  @Test
  void describesNotificationsOfAudience() {
    Reach reach = Reach.of(PROMO, Audience.of("a", "a".repeat(100), "bc"), new ControlGroup(0), 4);
    assertThat(reach.audience()).isEqualTo(3);
    assertThat(reach.heldOut()).isZero();
    assertThat(reach.receiving()).isEqualTo(3);
    assertThat(reach.hasRealSample()).isTrue();
    assertThat(reach.sample()).isEqualTo(notification("a"));
    assertThat(reach.largestBytes()).isEqualTo(bytes("a".repeat(100)));
    assertThat(reach.typicalBytes()).isBetween(bytes("bc") + 1, reach.largestBytes() - 1);
  }

  @Test
  void sampleIsForClientOutsideControlGroup() {
    Audience audience = Audience.of(IntStream.range(0, 100).mapToObj(i -> "client " + i).toList());
    ControlGroup half = new ControlGroup(5_000);
    Audience receiving = half.removeFrom(audience, PROMO);
    Reach reach = Reach.of(PROMO, audience, half, 4);
    assertThat(reach.audience()).isEqualTo(100);
    assertThat(reach.heldOut()).isEqualTo(100 - receiving.size()).isBetween(20, 80);
    assertThat(reach.sample()).isEqualTo(notification(receiving.clientIds().get(0)));
  }

  @Test
  void showsPlaceholderIfNobodyReceives() {
    String placeholder = notification("00000000-0000-0000-0000-000000000000");
    Reach empty = Reach.of(PROMO, Audience.EMPTY, new ControlGroup(0), 4);
    assertThat(empty.hasRealSample()).isFalse();
    assertThat(empty.sample()).isEqualTo(placeholder);
    assertThat(empty.receiving()).isZero();
    Reach heldOut = Reach.of(PROMO, Audience.of("a"), new ControlGroup(10_000), 4);
    assertThat(heldOut.hasRealSample()).isFalse();
    assertThat(heldOut.heldOut()).isEqualTo(1);
    assertThat(heldOut.sample()).isEqualTo(placeholder);
  }
}
