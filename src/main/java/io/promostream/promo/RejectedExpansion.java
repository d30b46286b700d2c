package io.promostream.promo;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.promostream.kafka.Expansion;
import io.promostream.kafka.Message;
import io.promostream.kafka.TopicLimits;
import io.promostream.serialization.ValueSerializer;
import java.util.function.Consumer;

/** Rejected promos are messages already. */
public final class RejectedExpansion implements Expansion<Message> {

  private static final long serialVersionUID = 1;

  @Override
  public ValueSerializer<Message> serializer() {
    return new Message.Serializer();
  }

  @Override
  public int messages(Message message) {
    return 1;
  }

  @Override
  public long expandedBytes(Message message) {
    return TopicLimits.sizeOf(message);
  }

  @Override
  public void expand(Message message, Consumer<Message> messages) {
    messages.accept(message);
  }

  /**
   * As much of it as the topic takes by now. A compacted topic takes no message without a key, and
   * keeps one of each key: it gets the message's place, which no other has.
   */
  @Override
  public Message setAside(Message refused, String why, int maxBytes) {
    Message fitting = RejectedMessage.within(refused, maxBytes);
    return fitting.key() != null
        ? fitting
        : new Message(placeOf(fitting).getBytes(UTF_8), fitting.value(), fitting.headers());
  }

  private static String placeOf(Message rejected) {
    StringBuilder place = new StringBuilder();
    for (Message.Header header : rejected.headers()) {
      if (header.key().matches("reject\\.(topic|partition|offset)")) {
        place.append('/').append(new String(header.value(), UTF_8));
      }
    }
    return place.toString();
  }
}
