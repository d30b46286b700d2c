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

  /** How many messages an element leads to. */
  int messages(T element);

  /** Roughly how many bytes they take together. */
  long expandedBytes(T element);

  /** Makes the messages of an element, always the same and in the same order. */
  void expand(T element, Consumer<Message> messages);

  /**
   * What is written to the rejected topic about a message that its own topic refuses.
   *
   * @param why in the broker's words
   * @param maxBytes the largest message that the rejected topic takes
   */
  Message setAside(Message refused, String why, int maxBytes);
}
