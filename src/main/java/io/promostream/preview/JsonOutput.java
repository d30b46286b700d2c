package io.promostream.preview;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.promostream.preview.Outcome.Accepted;
import io.promostream.preview.Outcome.Rejected;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Writes an outcome as one JSON object. Scripts rely on the names of its fields. */
final class JsonOutput {

  private static final JsonFactory JSON = new JsonFactory();

  private JsonOutput() {}

  /** Returns one line. */
  static String of(Outcome outcome) {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = JSON.createGenerator(text)) {
      json.writeStartObject();
      if (outcome instanceof Rejected rejected) {
        write(rejected, json);
      } else if (outcome instanceof Accepted accepted) {
        write(accepted, json);
      }
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory", e);
    }
    return text.toString();
  }

  private static void write(Rejected rejected, JsonGenerator json) throws IOException {
    json.writeNumberField("line", rejected.line());
    json.writeBooleanField("accepted", false);
    json.writeStringField("reject_reason", rejected.reason());
    json.writeStringField("reject_detail", rejected.detail());
  }

  private static void write(Accepted accepted, JsonGenerator json) throws IOException {
    Schedule schedule = accepted.schedule();
    Reach reach = accepted.reach();
    Estimate estimate = accepted.estimate();
    json.writeNumberField("line", accepted.line());
    json.writeBooleanField("accepted", true);
    json.writeStringField("restaurant_id", accepted.promo().restaurantId());
    json.writeStringField("adv_campaign_id", accepted.promo().campaignId());
    json.writeStringField("state", schedule.state());
    json.writeStringField("quiet_hours", schedule.quiet().name().toLowerCase(Locale.ROOT));
    writeNumber(
        "delivery_begins", schedule.beginsAt() == null ? null : schedule.beginsAt() / 1_000, json);
    json.writeNumberField("audience", reach.audience());
    json.writeNumberField("held_out", reach.heldOut());
    json.writeNumberField("notifications", estimate.notifications());
    json.writeNumberField("typical_bytes", reach.typicalBytes());
    json.writeNumberField("largest_bytes", reach.largestBytes());
    if (estimate.perSecond() == null) {
      json.writeNullField("pace_per_second");
    } else {
      json.writeNumberField("pace_per_second", estimate.perSecond());
    }
    writeNumber("delivery_seconds", estimate.seconds(), json);
    json.writeStringField("sample_client", reach.hasRealSample() ? "audience" : "placeholder");
    json.writeFieldName("sample_notification");
    // A notification is JSON already, and a reader wants the bytes that the job sends.
    json.writeRawValue(reach.sample());
  }

  private static void writeNumber(String name, @Nullable Long number, JsonGenerator json)
      throws IOException {
    if (number == null) {
      json.writeNullField(name);
    } else {
      json.writeNumberField(name, number);
    }
  }
}
