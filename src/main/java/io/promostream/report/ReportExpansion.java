package io.promostream.report;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.promostream.kafka.Message;
import io.promostream.kafka.SingleMessage;
import io.promostream.promo.RejectReason;
import io.promostream.promo.RejectedMessage;
import io.promostream.promo.RejectedMessage.Origin;

/** Passes reports on. */
public final class ReportExpansion extends SingleMessage {

  private static final long serialVersionUID = 1;

  private final String topic;

  public ReportExpansion(String topic) {
    this.topic = topic;
  }

  @Override
  public Message setAside(Message refused, String why, int maxBytes) {
    return RejectedMessage.of(
        refused,
        RejectReason.REPORT_REFUSED,
        "The report on %s: %s".formatted(new String(refused.key(), UTF_8), why),
        Origin.refusedBy(topic),
        maxBytes);
  }
}
