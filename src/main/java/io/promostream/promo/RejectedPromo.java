package io.promostream.promo;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.promostream.kafka.Message;
import io.promostream.kafka.TopicLimits;
import java.util.ArrayList;
import java.util.List;

/** What is written about a message that can't be used. */
final class RejectedPromo {

  static final String HEADER_PREFIX = "reject.";

  /** The most characters of a detail: some of them quote the message. */
  private static final int MAX_DETAIL_CHARS = 500;

  private RejectedPromo() {}

  /**
   * The message as it came, with the reason in its headers, and without as much of it as would make
   * it too large: its value, then its own headers and key too. What is left out is said.
   *
   * @param maxBytes the largest message that the rejected topic takes
   */
  static Message of(RawPromo raw, RejectReason reason, String detail, int maxBytes) {
    Message came = raw.message();
    List<Message.Header> own = new ArrayList<>(came.headers());
    own.removeIf(header -> header.key().startsWith(HEADER_PREFIX));
    List<Message.Header> added = new ArrayList<>();
    add(added, "reason", reason.code());
    add(added, "detail", detail.substring(0, Math.min(detail.length(), MAX_DETAIL_CHARS)));
    add(added, "topic", raw.topic());
    add(added, "partition", raw.partition());
    add(added, "offset", raw.offset());
    add(added, "timestamp", raw.timestamp());

    Message whole = new Message(came.key(), came.value(), joined(own, added));
    if (TopicLimits.sizeOf(whole) <= maxBytes) {
      return whole;
    }
    add(added, "omitted-bytes", came.value() == null ? 0 : came.value().length);
    Message withoutValue = new Message(came.key(), null, joined(own, added));
    if (TopicLimits.sizeOf(withoutValue) <= maxBytes) {
      return withoutValue;
    }
    add(added, "omitted-headers", own.size());
    add(added, "omitted-key-bytes", came.key() == null ? 0 : came.key().length);
    return new Message(null, null, added);
  }

  private static void add(List<Message.Header> headers, String name, Object value) {
    headers.add(new Message.Header(HEADER_PREFIX + name, value.toString().getBytes(UTF_8)));
  }

  private static List<Message.Header> joined(List<Message.Header> own, List<Message.Header> added) {
    List<Message.Header> all = new ArrayList<>(own);
    all.addAll(added);
    return all;
  }
}
