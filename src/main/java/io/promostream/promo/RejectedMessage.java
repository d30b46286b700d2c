package io.promostream.promo;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.promostream.kafka.Message;
import io.promostream.kafka.TopicLimits;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Builds the message for the rejected topic from a message that cannot be used or sent. */
public final class RejectedMessage {

  static final String HEADER_PREFIX = "reject.";

  /** The largest length of a detail in characters. A detail may quote the message. */
  private static final int MAX_DETAIL_CHARS = 500;

  private RejectedMessage() {}

  /**
   * The place of a message in its topic.
   *
   * @param partition -1 if the message has none because it was never written
   * @param offset -1 if the message was never written
   * @param timestamp epoch milliseconds
   */
  public record Origin(String topic, int partition, long offset, long timestamp) {

    /** The origin of a message that its topic has just refused. */
    public static Origin refusedBy(String topic) {
      return new Origin(topic, -1, -1, System.currentTimeMillis());
    }
  }

  /**
   * What the rejected topic accepts.
   *
   * @param maxBytes the size of the largest message
   * @param needsKeys whether it refuses messages without a key
   */
  public record Limits(int maxBytes, boolean needsKeys) {

    /**
     * Looks up the limits.
     *
     * @throws IOException if the broker does not answer
     */
    public static Limits of(String rejectedTopic, TopicLimits.Lookup lookup) throws IOException {
      return new Limits(lookup.maxMessageBytes(rejectedTopic), lookup.needsKeys(rejectedTopic));
    }

    /** Returns the message for the rejected topic. */
    public Message reject(Message message, RejectReason reason, String detail, Origin origin) {
      Message rejected = RejectedMessage.of(message, reason, detail, origin, maxBytes);
      return needsKeys ? withKey(rejected) : rejected;
    }
  }

  /**
   * Returns the message with the reason in its headers, or as much of it as fits. Replaces {@code
   * reject.*} headers, which a replayed message has.
   *
   * @param maxBytes the largest message that the rejected topic accepts
   */
  public static Message of(
      Message message, RejectReason reason, String detail, Origin origin, int maxBytes) {
    List<Message.Header> headers = new ArrayList<>(message.headers());
    headers.removeIf(RejectedMessage::isOurs);
    add(headers, "reason", reason.code());
    add(headers, "detail", shortened(detail));
    add(headers, "topic", origin.topic());
    add(headers, "partition", origin.partition());
    add(headers, "offset", origin.offset());
    add(headers, "timestamp", origin.timestamp());
    return within(new Message(message.key(), message.value(), headers), maxBytes);
  }

  /** The detail as its header holds it. */
  public static String shortened(String detail) {
    return detail.substring(0, Math.min(detail.length(), MAX_DETAIL_CHARS));
  }

  /**
   * Returns as much of a rejected message as fits: all of it, all except its value, or only the
   * reason. Headers say what was omitted.
   */
  static Message within(Message rejected, int maxBytes) {
    if (TopicLimits.sizeOf(rejected) <= maxBytes) {
      return rejected;
    }
    List<Message.Header> headers = new ArrayList<>(rejected.headers());
    if (rejected.value() != null || headers.stream().noneMatch(RejectedMessage::isOmittedBytes)) {
      add(headers, "omitted-bytes", length(rejected.value()));
    }
    Message withoutValue = new Message(rejected.key(), null, headers);
    if (TopicLimits.sizeOf(withoutValue) <= maxBytes) {
      return withoutValue;
    }
    List<Message.Header> ours = new ArrayList<>(headers);
    ours.removeIf(header -> !isOurs(header));
    add(ours, "omitted-headers", headers.size() - ours.size());
    add(ours, "omitted-key-bytes", length(rejected.key()));
    return new Message(null, null, ours);
  }

  /**
   * Returns the message with a key. A compacted topic refuses messages without a key and keeps one
   * message per key. So the key is the message's place, which is unique.
   */
  static Message withKey(Message rejected) {
    if (rejected.key() != null) {
      return rejected;
    }
    StringBuilder place = new StringBuilder();
    for (Message.Header header : rejected.headers()) {
      if (header.key().matches("reject\\.(topic|partition|offset)")) {
        place.append('/').append(new String(header.value(), UTF_8));
      }
    }
    return new Message(place.toString().getBytes(UTF_8), rejected.value(), rejected.headers());
  }

  private static boolean isOurs(Message.Header header) {
    return header.key().startsWith(HEADER_PREFIX);
  }

  private static boolean isOmittedBytes(Message.Header header) {
    return header.key().equals(HEADER_PREFIX + "omitted-bytes");
  }

  private static int length(byte @Nullable [] bytes) {
    return bytes == null ? 0 : bytes.length;
  }

  private static void add(List<Message.Header> headers, String name, Object value) {
    headers.add(new Message.Header(HEADER_PREFIX + name, value.toString().getBytes(UTF_8)));
  }
}
