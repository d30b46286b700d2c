package io.promostream.local.page;

import io.promostream.promo.Promo;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** The form in which a person writes a promo. */
final class PromoForm {

  private static final Set<String> FIELDS =
      Set.of("restaurant_id", "adv_campaign_id", "text", "starts_in", "lasts", "owner", "contact");

  private static final int MAX_TEXT = 2_000;
  private static final long DAY = 86_400;

  private PromoForm() {}

  /**
   * Makes a promo of the form's values. Without a campaign id it gets a new one. With the id of an
   * earlier promo it is a newer version of that campaign.
   *
   * @param now epoch seconds
   * @throws IllegalArgumentException with a sentence for the person
   */
  static Promo read(FlatJson form, long now) {
    form.only(FIELDS);
    long start = now + form.number("starts_in", 0, DAY);
    long end = start + form.number("lasts", 1, 365 * DAY) - 1;
    return new Promo(
        id(form, "restaurant_id", null),
        id(form, "adv_campaign_id", "page-" + UUID.randomUUID().toString().substring(0, 8)),
        text(form, "text", null, MAX_TEXT),
        text(form, "owner", "Local run", MAX_TEXT),
        text(form, "contact", "local@example.com", MAX_TEXT),
        start,
        end,
        now);
  }

  /** An id that a person typed, without spaces around it. */
  static String id(FlatJson form, String field, @Nullable String otherwise) {
    return text(form, field, otherwise, Promo.MAX_ID_CHARS);
  }

  private static String text(
      FlatJson form, String field, @Nullable String otherwise, int maxChars) {
    @Nullable String typed = form.optionalText(field);
    String text = typed == null ? "" : typed.strip();
    if (text.isEmpty()) {
      if (otherwise == null) {
        throw new IllegalArgumentException(field + " is missing");
      }
      return otherwise;
    }
    if (text.codePointCount(0, text.length()) > maxChars) {
      throw new IllegalArgumentException(
          "%s must have at most %,d characters".formatted(field, maxChars));
    }
    if (text.codePoints().anyMatch(c -> c == 0 || (c >= 0xD800 && c <= 0xDFFF))) {
      throw new IllegalArgumentException(field + " holds a character that cannot be stored");
    }
    return text;
  }
}
