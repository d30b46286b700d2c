package io.promostream.kafka;

import io.promostream.serialization.ValueSerializer;
import java.util.function.Consumer;

/** Passes elements on that are messages already. */
public abstract class SingleMessage implements Expansion<Message> {

  private static final long serialVersionUID = 1;

  @Override
  public final ValueSerializer<Message> serializer() {
    return new Message.Serializer();
  }

  @Override
  public final int messages(Message message) {
    return 1;
  }

  @Override
  public final long expandedBytes(Message message) {
    return TopicLimits.sizeOf(message);
  }

  @Override
  public final void expand(Message message, Consumer<Message> messages) {
    messages.accept(message);
  }
}
