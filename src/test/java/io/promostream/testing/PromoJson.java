package io.promostream.testing;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/** Promos as producers write them, and as they had better not. */
public final class PromoJson {

  private final Map<String, String> fields = new LinkedHashMap<>();

  private PromoJson() {}

  /** A good promo, live from 2001 to 2286. */
  public static PromoJson good() {
    return new PromoJson()
        .with("restaurant_id", "\"123e4567-e89b-12d3-a456-426614174000\"")
        .with("adv_campaign_id", "\"campaign\"")
        .with("adv_campaign_content", "\"content\"")
        .with("adv_campaign_owner", "\"owner\"")
        .with("adv_campaign_owner_contact", "\"contact\"")
        .with("adv_campaign_datetime_start", "1000000000")
        .with("adv_campaign_datetime_end", "9999999999")
        .with("datetime_created", "1000000000");
  }

  /** Sets a field to a piece of JSON, as it stands. */
  public PromoJson with(String field, String json) {
    fields.put(field, json);
    return this;
  }

  public PromoJson without(String field) {
    fields.remove(field);
    return this;
  }

  public byte[] bytes() {
    return toString().getBytes(UTF_8);
  }

  @Override
  public String toString() {
    return fields.entrySet().stream()
        .map(field -> "\"" + field.getKey() + "\":" + field.getValue())
        .collect(Collectors.joining(",", "{", "}"));
  }
}
