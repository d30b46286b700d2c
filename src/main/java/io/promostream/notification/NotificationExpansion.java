package io.promostream.notification;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.promostream.delivery.DeliveryBatch;
import io.promostream.kafka.Expansion;
import io.promostream.kafka.Message;
import io.promostream.promo.RejectReason;
import io.promostream.promo.RejectedMessage;
import io.promostream.promo.RejectedMessage.Origin;
import io.promostream.serialization.ValueSerializer;
import java.util.function.Consumer;

/**
 * Expands a batch into one notification for each client.
 *
 * @param topic the topic of the notifications
 */
public record NotificationExpansion(String topic) implements Expansion<DeliveryBatch> {

  /** The bytes without the promo's texts: field names, times and the client's id twice. */
  private static final int FRAME_BYTES = 400;

  @Override
  public ValueSerializer<DeliveryBatch> serializer() {
    return new DeliveryBatch.Serializer();
  }

  @Override
  public int messages(DeliveryBatch batch) {
    return batch.clients().size();
  }

  @Override
  public long expandedBytes(DeliveryBatch batch) {
    return (long) batch.clients().size() * (batch.promo().textLength() + FRAME_BYTES);
  }

  @Override
  public void expand(DeliveryBatch batch, Consumer<Message> messages) {
    NotificationTemplate template = new NotificationTemplate(batch.promo(), batch.matchedAt());
    batch.clients().forEach((id, plain) -> messages.accept(template.to(id, plain)));
  }

  @Override
  public Message setAside(Message refused, String why, int maxBytes) {
    return RejectedMessage.of(
        refused,
        RejectReason.NOTIFICATION_REFUSED,
        "The notification for client %s: %s".formatted(new String(refused.key(), UTF_8), why),
        Origin.refusedBy(topic),
        maxBytes);
  }
}
