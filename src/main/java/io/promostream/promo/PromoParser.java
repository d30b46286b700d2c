package io.promostream.promo;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.util.EnumMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Parses and validates promos. Every promo that it returns can be stored as JSON, UTF-8, in Kafka
 * and in Postgres; every other message is rejected with a reason.
 */
final class PromoParser {

  /** The end of the year 9999, epoch seconds: the latest time that a promo may contain. */
  static final long MAX_TIME = 253_402_300_799L;

  static final int MAX_DEPTH = 1_000;

  /** The sign of a negative zero, and leading zeros. */
  private static final Pattern SUPERFLUOUS = Pattern.compile("^-(?=0$)|^0+(?=.)");

  /**
   * Keeps no field names between messages. Many different names would fill Jackson's symbol table,
   * and colliding names would overflow it with an exception that is not a parse error. Kafka's
   * message size bounds all lengths.
   */
  private static final JsonFactory JSON =
      JsonFactory.builder()
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MAX_DEPTH)
                  .maxStringLength(Integer.MAX_VALUE)
                  .maxNumberLength(Integer.MAX_VALUE)
                  .maxNameLength(Integer.MAX_VALUE)
                  .build())
          .build();

  private PromoParser() {}

  /**
   * Reads the value of a message.
   *
   * @throws UnusablePromoException if the value is not a valid promo; it names the first problem
   */
  static Promo parse(byte @Nullable [] value) throws UnusablePromoException {
    String text = decode(value);
    Map<PromoField, String> fields = new EnumMap<>(PromoField.class);
    try (JsonParser json = JSON.createParser(text)) {
      readObject(json, fields);
    } catch (StreamConstraintsException e) {
      throw new UnusablePromoException(
          RejectReason.TOO_DEEP, "the JSON is nested deeper than " + MAX_DEPTH + " levels");
    } catch (JsonProcessingException e) {
      throw new UnusablePromoException(
          RejectReason.NOT_JSON,
          "%s, at character %d".formatted(e.getOriginalMessage(), e.getLocation().getCharOffset()));
    } catch (IOException e) {
      throw new UncheckedIOException("reading from memory", e);
    }
    for (PromoField field : PromoField.values()) {
      if (!fields.containsKey(field)) {
        throw new UnusablePromoException(RejectReason.MISSING_FIELD, field + " is missing");
      }
    }
    Promo promo =
        new Promo(
            id(fields, PromoField.RESTAURANT_ID),
            id(fields, PromoField.ADV_CAMPAIGN_ID),
            fields.get(PromoField.ADV_CAMPAIGN_CONTENT),
            fields.get(PromoField.ADV_CAMPAIGN_OWNER),
            fields.get(PromoField.ADV_CAMPAIGN_OWNER_CONTACT),
            time(fields, PromoField.ADV_CAMPAIGN_DATETIME_START),
            time(fields, PromoField.ADV_CAMPAIGN_DATETIME_END),
            time(fields, PromoField.DATETIME_CREATED));
    if (promo.end() < promo.start()) {
      throw new UnusablePromoException(
          RejectReason.END_BEFORE_START,
          "the end %d is before the start %d".formatted(promo.end(), promo.start()));
    }
    return promo;
  }

  private static String decode(byte @Nullable [] value) throws UnusablePromoException {
    if (value == null) {
      throw new UnusablePromoException(RejectReason.EMPTY, "the message has no value");
    }
    try {
      // Decode explicitly, because JSON parsers accept UTF-16 and UTF-32 too.
      String text = UTF_8.newDecoder().decode(ByteBuffer.wrap(value)).toString();
      if (text.isBlank()) {
        throw new UnusablePromoException(RejectReason.EMPTY, "the value is empty");
      }
      return text;
    } catch (CharacterCodingException e) {
      throw new UnusablePromoException(
          RejectReason.NOT_UTF8, "the value is not UTF-8: " + e.getMessage());
    }
  }

  private static void readObject(JsonParser json, Map<PromoField, String> fields)
      throws IOException, UnusablePromoException {
    if (json.nextToken() != JsonToken.START_OBJECT) {
      // Read to the end, so that a text that is not JSON gets the reason NOT_JSON.
      json.skipChildren();
      requireEnd(json);
      throw new UnusablePromoException(
          RejectReason.NOT_AN_OBJECT, "the value is JSON, but not an object");
    }
    UnusablePromoException firstProblem = null;
    while (json.nextToken() != JsonToken.END_OBJECT) {
      PromoField field = PromoField.named(json.currentName());
      json.nextToken();
      if (field != null && firstProblem == null) {
        firstProblem = readField(json, field, fields);
      }
      json.skipChildren();
    }
    requireEnd(json);
    if (firstProblem != null) {
      throw firstProblem;
    }
  }

  private static void requireEnd(JsonParser json) throws IOException, UnusablePromoException {
    if (json.nextToken() != null) {
      throw new UnusablePromoException(
          RejectReason.NOT_JSON, "the JSON value is followed by more text");
    }
  }

  /** Reads a field's value as text. Returns the problem with it, or null. */
  private static @Nullable UnusablePromoException readField(
      JsonParser json, PromoField field, Map<PromoField, String> fields) throws IOException {
    if (fields.containsKey(field)) {
      return new UnusablePromoException(
          RejectReason.DUPLICATE_FIELD, field + " occurs more than once");
    }
    JsonToken token = json.currentToken();
    if (token == JsonToken.VALUE_STRING) {
      String text = json.getText();
      fields.put(field, text);
      if (field.isTime() && !isDigits(text)) {
        return new UnusablePromoException(
            RejectReason.WRONG_TYPE, field + " is a string that is not a number");
      }
      return isStorable(text)
          ? null
          : new UnusablePromoException(
              RejectReason.UNSTORABLE_TEXT, field + " holds U+0000 or half of a surrogate pair");
    }
    if (token == JsonToken.VALUE_NUMBER_INT && field.isTime()) {
      fields.put(field, json.getText());
      return null;
    }
    fields.put(field, "");
    return new UnusablePromoException(
        RejectReason.WRONG_TYPE,
        "%s is %s, and must be %s"
            .formatted(
                field,
                describe(token),
                field.isTime() ? "an integer of epoch seconds" : "a string"));
  }

  private static String describe(JsonToken token) {
    return switch (token) {
      case START_OBJECT -> "an object";
      case START_ARRAY -> "an array";
      case VALUE_NUMBER_INT -> "a number";
      case VALUE_NUMBER_FLOAT -> "a number with a fraction or an exponent";
      case VALUE_NULL -> "null";
      default -> "a boolean";
    };
  }

  private static String id(Map<PromoField, String> fields, PromoField field)
      throws UnusablePromoException {
    String id = fields.get(field);
    // Count as Postgres does: by code points, so an emoji is one character.
    int chars = id.codePointCount(0, id.length());
    if (chars == 0 || chars > Promo.MAX_ID_CHARS) {
      throw new UnusablePromoException(
          RejectReason.BAD_LENGTH,
          "%s has %d characters, but only 1 to %d are allowed"
              .formatted(field, chars, Promo.MAX_ID_CHARS));
    }
    return id;
  }

  private static long time(Map<PromoField, String> fields, PromoField field)
      throws UnusablePromoException {
    String digits = SUPERFLUOUS.matcher(fields.get(field)).replaceFirst("");
    // More than twelve digits are out of range. They are not parsed, because they could overflow.
    if (isDigits(digits) && digits.length() <= 12 && Long.parseLong(digits) <= MAX_TIME) {
      return Long.parseLong(digits);
    }
    throw new UnusablePromoException(
        RejectReason.OUT_OF_RANGE, "%s is not from 0 to %d".formatted(field, MAX_TIME));
  }

  private static boolean isDigits(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) < '0' || text.charAt(i) > '9') {
        return false;
      }
    }
    return !text.isEmpty();
  }

  private static boolean isStorable(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isHighSurrogate(c)
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
      } else if (c == 0 || Character.isSurrogate(c)) {
        return false;
      }
    }
    return true;
  }
}
