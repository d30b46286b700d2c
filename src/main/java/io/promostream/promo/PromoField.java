package io.promostream.promo;

import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The fields of a promo. Messages and tables use their names. */
public enum PromoField {
  RESTAURANT_ID(Promo::restaurantId),
  ADV_CAMPAIGN_ID(Promo::campaignId),
  ADV_CAMPAIGN_CONTENT(Promo::content),
  ADV_CAMPAIGN_OWNER(Promo::owner),
  ADV_CAMPAIGN_OWNER_CONTACT(Promo::ownerContact),
  ADV_CAMPAIGN_DATETIME_START(Promo::start),
  ADV_CAMPAIGN_DATETIME_END(Promo::end),
  DATETIME_CREATED(Promo::created);

  private static final Map<String, PromoField> BY_NAME =
      Arrays.stream(values()).collect(Collectors.toMap(PromoField::toString, field -> field));

  private final String fieldName = name().toLowerCase(Locale.ROOT);
  private final boolean isTime;

  @SuppressWarnings("ImmutableEnumChecker") // a method reference has no state
  private final Function<Promo, Object> value;

  PromoField(Function<Promo, String> text) {
    isTime = false;
    value = text::apply;
  }

  PromoField(ToLongFunction<Promo> time) {
    isTime = true;
    value = time::applyAsLong;
  }

  /** The field with this name, or null if promos have no such field. */
  static @Nullable PromoField named(String name) {
    return BY_NAME.get(name);
  }

  /** Whether the value is a time in epoch seconds and not a text. */
  public boolean isTime() {
    return isTime;
  }

  /** The value of a field that is a text. */
  public String text(Promo promo) {
    return (String) value.apply(promo);
  }

  /** The value of a field that is a time, epoch seconds. */
  public long time(Promo promo) {
    return (Long) value.apply(promo);
  }

  /** The name in messages and tables. */
  @Override
  public String toString() {
    return fieldName;
  }
}
