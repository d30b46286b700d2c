package io.promostream.kafka;

import io.promostream.serialization.ValueSerializer;
import java.io.Serializable;
import java.util.function.Consumer;

/**
 * Expands an element of a sink into its messages.
 *
 * @param <T> the element type of the sink
 */
public interface Expansion<T> extends Serializable {

  ValueSerializer<T> serializer();

  /** How many messages an element expands to. */
  int messages(T element);

  /** Roughly how many bytes the messages of an element take together. */
  long expandedBytes(T element);

  /** Creates the messages of an element. They and their order are the same at each call. */
  void expand(T element, Consumer<Message> messages);

  /**
   * Creates the message for the rejected topic that reports a refused message.
   *
   * @param why the broker's reason
   * @param maxBytes the largest message that the rejected topic accepts
   */
  Message setAside(Message refused, String why, int maxBytes);
}
