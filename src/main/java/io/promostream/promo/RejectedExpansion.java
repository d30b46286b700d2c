package io.promostream.promo;

import io.promostream.kafka.Message;
import io.promostream.kafka.SingleMessage;

/** Passes rejected promos on. */
public final class RejectedExpansion extends SingleMessage {

  private static final long serialVersionUID = 1;

  /** Returns as much as the topic now accepts, with a key because it may be compacted now. */
  @Override
  public Message setAside(Message refused, String why, int maxBytes) {
    return RejectedMessage.withKey(RejectedMessage.within(refused, maxBytes));
  }
}
