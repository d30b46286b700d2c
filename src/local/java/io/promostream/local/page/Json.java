package io.promostream.local.page;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import org.jspecify.annotations.Nullable;

/** Writes JSON objects, in one line. */
final class Json {

  private static final JsonFactory JSON = new JsonFactory();

  private Json() {}

  static void id(JsonGenerator json, CampaignId id) throws IOException {
    json.writeStringField("restaurant_id", id.restaurantId());
    json.writeStringField("adv_campaign_id", id.campaignId());
  }

  static void optional(JsonGenerator json, String name, @Nullable Long number) throws IOException {
    if (number == null) {
      json.writeNullField(name);
    } else {
      json.writeNumberField(name, number);
    }
  }

  /** An object with some fields. */
  static String object(Fields fields) throws IOException {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = JSON.createGenerator(text)) {
      json.writeStartObject();
      fields.write(json);
      json.writeEndObject();
    }
    return text.toString();
  }

  /** Writes the fields of an object. */
  interface Fields {
    void write(JsonGenerator json) throws IOException;
  }
}
