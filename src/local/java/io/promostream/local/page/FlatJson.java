package io.promostream.local.page;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A JSON object whose values are texts, integers, booleans or null. All messages are of this kind.
 */
final class FlatJson {

  private static final JsonFactory JSON =
      JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private final Map<String, @Nullable Object> values;

  private FlatJson(Map<String, @Nullable Object> values) {
    this.values = values;
  }

  /**
   * Reads an object.
   *
   * @throws IllegalArgumentException if the bytes are not such an object
   */
  static FlatJson parse(byte[] bytes) {
    Map<String, @Nullable Object> values = new LinkedHashMap<>();
    try (JsonParser json = JSON.createParser(bytes)) {
      if (json.nextToken() != JsonToken.START_OBJECT) {
        throw new IllegalArgumentException("not a JSON object");
      }
      while (json.nextToken() != JsonToken.END_OBJECT) {
        String name = json.currentName();
        values.put(name, value(name, json.nextToken(), json));
      }
      if (json.nextToken() != null) {
        throw new IllegalArgumentException("more than one JSON value");
      }
      return new FlatJson(values);
    } catch (IOException e) {
      throw new IllegalArgumentException("not a JSON object", e);
    }
  }

  private static @Nullable Object value(String name, JsonToken token, JsonParser json)
      throws IOException {
    return switch (token) {
      case VALUE_STRING -> json.getText();
      case VALUE_NUMBER_INT -> json.getLongValue();
      case VALUE_TRUE, VALUE_FALSE -> json.getBooleanValue();
      case VALUE_NULL -> null;
      default ->
          throw new IllegalArgumentException(name + " must be a text, an integer or a boolean");
    };
  }

  /** A text that must be there. */
  String text(String name) {
    String text = optionalText(name);
    if (text == null || text.isEmpty()) {
      throw new IllegalArgumentException(name + " is missing");
    }
    return text;
  }

  @Nullable String optionalText(String name) {
    Object value = values.get(name);
    if (value == null || value instanceof String) {
      return (String) value;
    }
    throw new IllegalArgumentException(name + " must be a text");
  }

  /** An integer that must be there. */
  long number(String name) {
    Long number = optionalNumber(name);
    if (number == null) {
      throw new IllegalArgumentException(name + " is missing");
    }
    return number;
  }

  /** An integer that must be there and in a range. */
  long number(String name, long min, long max) {
    long number = number(name);
    if (number < min || number > max) {
      throw new IllegalArgumentException(
          "%s must be from %d to %d, not %d".formatted(name, min, max, number));
    }
    return number;
  }

  @Nullable Long optionalNumber(String name) {
    Object value = values.get(name);
    if (value == null || value instanceof Long) {
      return (Long) value;
    }
    throw new IllegalArgumentException(name + " must be an integer");
  }

  /** Refuses an object with other fields, which its sender misspelt. */
  FlatJson only(Set<String> names) {
    for (String name : values.keySet()) {
      if (!names.contains(name)) {
        throw new IllegalArgumentException("unknown field " + name);
      }
    }
    return this;
  }
}
