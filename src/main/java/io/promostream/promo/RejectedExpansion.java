package io.promostream.promo;

import io.promostream.kafka.Expansion;
import io.promostream.kafka.Message;
import io.promostream.kafka.TopicLimits;
import io.promostream.serialization.ValueSerializer;
import java.util.function.Consumer;

/** Passes rejected promos on, because they are already messages. */
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

  /** Returns as much as the topic now accepts, with a key because it may be compacted now. */
  @Override
  public Message setAside(Message refused, String why, int maxBytes) {
    return RejectedMessage.withKey(RejectedMessage.within(refused, maxBytes));
  }
}
