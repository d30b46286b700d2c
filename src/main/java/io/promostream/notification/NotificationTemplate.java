package io.promostream.notification;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import io.promostream.kafka.Message;
import io.promostream.promo.Promo;
import java.io.ByteArrayOutputStream;
import java.util.List;

/**
 * The notifications of one promo. They differ only in the client id, so the bytes before and after
 * it are encoded once.
 */
public final class NotificationTemplate {

  /** The longest id in UTF-8: 4 bytes per character. */
  private static final String LONGEST_KEY = "\uD83C\uDF55".repeat(Promo.MAX_ID_CHARS);

  /** The longest id in JSON: 6 bytes per character. */
  private static final String LONGEST_IN_JSON = "\u0001".repeat(Promo.MAX_ID_CHARS);

  private static final JsonStringEncoder JSON = JsonStringEncoder.getInstance();

  private final byte[] beforeClient;
  private final byte[] afterClient;

  /**
   * Prepares the notifications.
   *
   * @param matchedAt when promo and clients were matched, epoch seconds
   */
  public NotificationTemplate(Promo promo, long matchedAt) {
    Bytes before = new Bytes();
    before.text("{\"restaurant_id\":").quoted(promo.restaurantId());
    before.text(",\"adv_campaign_id\":").quoted(promo.campaignId());
    before.text(",\"adv_campaign_content\":").quoted(promo.content());
    before.text(",\"adv_campaign_owner\":").quoted(promo.owner());
    before.text(",\"adv_campaign_owner_contact\":").quoted(promo.ownerContact());
    before.text(",\"adv_campaign_datetime_start\":" + promo.start());
    before.text(",\"adv_campaign_datetime_end\":" + promo.end());
    before.text(",\"client_id\":");
    beforeClient = before.toByteArray();
    Bytes after = new Bytes();
    after.text(",\"datetime_created\":" + promo.created());
    after.text(",\"trigger_datetime_created\":" + matchedAt + "}");
    afterClient = after.toByteArray();
  }

  /**
   * The notification for one client.
   *
   * @param clientId in UTF-8
   * @param plain whether the id needs no escaping in JSON
   */
  public Message to(byte[] clientId, boolean plain) {
    return message(clientId, plain ? clientId : JSON.quoteAsUTF8(new String(clientId, UTF_8)));
  }

  /** A message as large as the largest notification of the promo, for any client. */
  public static Message largest(Promo promo) {
    return new NotificationTemplate(promo, Long.MAX_VALUE)
        .message(LONGEST_KEY.getBytes(UTF_8), JSON.quoteAsUTF8(LONGEST_IN_JSON));
  }

  private Message message(byte[] key, byte[] inJson) {
    byte[] value = new byte[beforeClient.length + inJson.length + 2 + afterClient.length];
    int at = beforeClient.length;
    System.arraycopy(beforeClient, 0, value, 0, at);
    value[at++] = '"';
    System.arraycopy(inJson, 0, value, at, inJson.length);
    at += inJson.length;
    value[at++] = '"';
    System.arraycopy(afterClient, 0, value, at, afterClient.length);
    return new Message(key, value, List.of());
  }

  /** Collects the fixed parts. */
  private static final class Bytes extends ByteArrayOutputStream {

    Bytes text(String text) {
      writeBytes(text.getBytes(UTF_8));
      return this;
    }

    void quoted(String text) {
      write('"');
      writeBytes(JSON.quoteAsUTF8(text));
      write('"');
    }
  }
}
