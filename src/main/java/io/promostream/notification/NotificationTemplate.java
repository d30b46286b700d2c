package io.promostream.notification;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import io.promostream.delivery.DeliveryBatch;
import io.promostream.kafka.Message;
import io.promostream.promo.Promo;
import io.promostream.promo.PromoField;
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
    Bytes before = new Bytes("{");
    before.field(PromoField.RESTAURANT_ID, promo);
    before.field(PromoField.ADV_CAMPAIGN_ID, promo);
    before.field(PromoField.ADV_CAMPAIGN_CONTENT, promo);
    before.field(PromoField.ADV_CAMPAIGN_OWNER, promo);
    before.field(PromoField.ADV_CAMPAIGN_OWNER_CONTACT, promo);
    before.field(PromoField.ADV_CAMPAIGN_DATETIME_START, promo);
    before.field(PromoField.ADV_CAMPAIGN_DATETIME_END, promo);
    before.name(DeliveryBatch.CLIENT_ID);
    beforeClient = before.toByteArray();
    Bytes after = new Bytes(",");
    after.field(PromoField.DATETIME_CREATED, promo);
    after.name(DeliveryBatch.MATCHED_AT).text(matchedAt + "}");
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

    private String separator;

    Bytes(String separator) {
      this.separator = separator;
    }

    void field(PromoField field, Promo promo) {
      name(field.toString());
      if (field.isTime()) {
        text(String.valueOf(field.time(promo)));
      } else {
        write('"');
        writeBytes(JSON.quoteAsUTF8(field.text(promo)));
        write('"');
      }
    }

    Bytes name(String name) {
      text(separator + '"' + name + "\":");
      separator = ",";
      return this;
    }

    void text(String text) {
      writeBytes(text.getBytes(UTF_8));
    }
  }
}
