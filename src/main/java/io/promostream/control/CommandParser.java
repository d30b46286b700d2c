package io.promostream.control;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import io.promostream.control.Command.Action;
import io.promostream.promo.Promo;
import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Parses commands. An unknown field makes a command invalid: with a misspelt restaurant_id it would
 * be about all restaurants.
 */
final class CommandParser {

  private static final JsonFactory JSON =
      JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private static final String ACTION = "action";
  private static final String RESTAURANT_ID = "restaurant_id";
  private static final String CAMPAIGN_ID = "adv_campaign_id";
  private static final String BY = "by";
  private static final String REASON = "reason";
  private static final List<String> FIELDS =
      List.of(ACTION, RESTAURANT_ID, CAMPAIGN_ID, BY, REASON);

  private CommandParser() {}

  /**
   * Parses the value of a message.
   *
   * @param at when the job read it, epoch milliseconds
   * @throws IllegalArgumentException that names the problem if the value is not a command
   */
  static Command parse(byte @Nullable [] value, long at) {
    Map<String, String> fields;
    try (JsonParser json = JSON.createParser(value == null ? new byte[0] : value)) {
      fields = fields(json);
    } catch (IOException e) {
      throw new IllegalArgumentException("The value is not JSON: " + e.getMessage(), e);
    }
    return new Command(
        action(fields.get(ACTION)),
        id(fields, RESTAURANT_ID),
        id(fields, CAMPAIGN_ID),
        fields.get(BY),
        fields.get(REASON),
        at);
  }

  private static Map<String, String> fields(JsonParser json) throws IOException {
    require(json.nextToken() == JsonToken.START_OBJECT, "The value is not a JSON object");
    Map<String, String> fields = new HashMap<>();
    while (json.nextToken() != JsonToken.END_OBJECT) {
      String name = json.currentName();
      require(
          FIELDS.contains(name),
          "\"%s\" is not a field of a command: %s".formatted(name, String.join(", ", FIELDS)));
      require(json.nextToken() == JsonToken.VALUE_STRING, name + " is not a string");
      fields.put(name, json.getText());
    }
    require(json.nextToken() == null, "The JSON object is followed by more text");
    return fields;
  }

  private static Action action(@Nullable String text) {
    return Arrays.stream(Action.values())
        .filter(action -> written(action).equals(text))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "action is %s, and must be one of %s"
                        .formatted(
                            text == null ? "missing" : '"' + text + '"',
                            Arrays.stream(Action.values())
                                .map(CommandParser::written)
                                .collect(Collectors.joining(", ")))));
  }

  private static String written(Action action) {
    return action.name().toLowerCase(Locale.ROOT);
  }

  private static @Nullable String id(Map<String, String> fields, String name) {
    String id = fields.get(name);
    require(
        id == null || (!id.isEmpty() && id.codePointCount(0, id.length()) <= Promo.MAX_ID_CHARS),
        "%s must have 1 to %d characters; leave it out to mean all"
            .formatted(name, Promo.MAX_ID_CHARS));
    return id;
  }

  private static void require(boolean condition, String otherwise) {
    if (!condition) {
      throw new IllegalArgumentException(otherwise);
    }
  }
}
