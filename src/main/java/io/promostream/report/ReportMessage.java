package io.promostream.report;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.promostream.kafka.Message;
import io.promostream.promo.PromoField;
import io.promostream.report.Report.State;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Builds the messages of the reports topic. */
public final class ReportMessage {

  private static final JsonFactory JSON = new JsonFactory();

  private ReportMessage() {}

  /**
   * The report on a campaign.
   *
   * @param pending clients who are still to get it
   * @param now epoch milliseconds
   */
  public static Message of(
      String restaurantId, String campaignId, Report report, State state, long pending, long now) {
    return message(
        restaurantId,
        campaignId,
        json(
            out -> {
              writeIds(restaurantId, campaignId, out);
              out.writeStringField("state", state.name().toLowerCase(Locale.ROOT));
              write(PromoField.ADV_CAMPAIGN_DATETIME_START, report.window().start(), out);
              write(PromoField.ADV_CAMPAIGN_DATETIME_END, report.window().end(), out);
              write(PromoField.DATETIME_CREATED, report.window().created(), out);
              writeOrNull("audience", report.counts().audience(), 1, out);
              out.writeNumberField("delivered", report.counts().delivered());
              out.writeNumberField("pending", pending);
              out.writeNumberField("held_out", report.counts().heldOut());
              writeOrNull("first_delivered_at", report.counts().firstAt(), 1000, out);
              writeOrNull("last_delivered_at", report.counts().lastAt(), 1000, out);
              out.writeNumberField("updated_at", now / 1000);
            }));
  }

  /** The message that removes the report on a campaign from the compacted topic. */
  public static Message tombstone(String restaurantId, String campaignId) {
    return message(restaurantId, campaignId, null);
  }

  private static Message message(String restaurantId, String campaignId, byte @Nullable [] value) {
    return new Message(json(out -> writeIds(restaurantId, campaignId, out)), value, List.of());
  }

  private interface Fields {
    void write(JsonGenerator out) throws IOException;
  }

  private static byte[] json(Fields fields) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);
    try (JsonGenerator out = JSON.createGenerator(bytes)) {
      out.writeStartObject();
      fields.write(out);
      out.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot write to memory", e);
    }
    return bytes.toByteArray();
  }

  private static void writeIds(String restaurantId, String campaignId, JsonGenerator out)
      throws IOException {
    out.writeStringField(PromoField.RESTAURANT_ID.toString(), restaurantId);
    out.writeStringField(PromoField.ADV_CAMPAIGN_ID.toString(), campaignId);
  }

  private static void write(PromoField field, long time, JsonGenerator out) throws IOException {
    out.writeNumberField(field.toString(), time);
  }

  /** Writes a number in a larger unit; a negative one is unknown. */
  private static void writeOrNull(String name, long number, int unit, JsonGenerator out)
      throws IOException {
    if (number < 0) {
      out.writeNullField(name);
    } else {
      out.writeNumberField(name, number / unit);
    }
  }
}
