package io.promostream.preview;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.promostream.delivery.ControlGroup;
import io.promostream.kafka.Message;
import io.promostream.kafka.TopicLimits;
import io.promostream.notification.NotificationTemplate;
import io.promostream.promo.Promo;
import io.promostream.subscribers.Audience;
import java.util.ArrayList;
import java.util.List;
import java.util.LongSummaryStatistics;

/**
 * The clients of a promo, and their notifications.
 *
 * @param audience the number of clients who subscribe to the restaurant
 * @param heldOut the number of these clients in the control group
 * @param typicalBytes the average size of a notification in Kafka
 * @param largestBytes the size of the largest notification in Kafka
 * @param hasRealSample whether the sample is for a client of the audience
 * @param sample the value of one notification
 */
record Reach(
    int audience,
    int heldOut,
    int typicalBytes,
    int largestBytes,
    boolean hasRealSample,
    String sample) {

  private static final Audience PLACEHOLDER = Audience.of("00000000-0000-0000-0000-000000000000");

  /**
   * Determines who gets a promo.
   *
   * @param matchedAt the time in the notifications, epoch seconds
   */
  static Reach of(Promo promo, Audience audience, ControlGroup controlGroup, long matchedAt) {
    Audience receiving = controlGroup.removeFrom(audience, promo);
    NotificationTemplate template = new NotificationTemplate(promo, matchedAt);
    LongSummaryStatistics sizes = new LongSummaryStatistics();
    List<Message> first = new ArrayList<>(1);
    (receiving.isEmpty() ? PLACEHOLDER : receiving)
        .forEach(
            (id, plain) -> {
              Message notification = template.to(id, plain);
              sizes.accept(TopicLimits.sizeOf(notification));
              if (first.isEmpty()) {
                first.add(notification);
              }
            });
    return new Reach(
        audience.size(),
        audience.size() - receiving.size(),
        (int) Math.round(sizes.getAverage()),
        (int) sizes.getMax(),
        !receiving.isEmpty(),
        new String(first.get(0).value(), UTF_8));
  }

  /** The number of clients who may get a notification. */
  int receiving() {
    return audience - heldOut;
  }
}
