package io.promostream.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.promostream.promo.Promo;
import java.sql.SQLException;
import java.util.UUID;

/**
 * Restaurants with equally many subscribers each, and the promos that they write.
 *
 * @param restaurants how many
 * @param subscribers of each restaurant
 * @param contentChars length of a promo's content
 */
record Town(int restaurants, int subscribers, int contentChars) {

  /** Content that makes a notification of about half a kilobyte. */
  static final int USUAL_CONTENT = 130;

  private static final long START = 1_000_000_000;
  private static final long END = 9_999_999_999L;

  /** Some 200,000 subscriptions, or twenty large restaurants' worth. */
  static Town of(int subscribers, int contentChars) {
    return new Town(Math.max(20, 200_000 / subscribers), subscribers, contentChars);
  }

  /** Adds all subscriptions to the table. */
  void settle(Installation installation) throws SQLException {
    installation.execute(
        """
        INSERT INTO subscribers_restaurants (client_id, restaurant_id)
        SELECT md5(r || '/' || s || '/%1$d')::uuid::text, '%2$s' || r
        FROM generate_series(0, %3$d) r, generate_series(1, %1$d) s
        """
            .formatted(subscribers, prefix(), restaurants - 1),
        "ANALYZE subscribers_restaurants");
  }

  /** As long as a UUID with the number behind it. */
  private String prefix() {
    return "restaurant-of-%07d-subscribers-".formatted(subscribers);
  }

  private String restaurant(long number) {
    return prefix() + number % restaurants;
  }

  /** A client that looks like those in the table. */
  static String client(long number) {
    return new UUID(number * 0x9E3779B97F4A7C15L, number * 0xC2B2AE3D27D4EB4FL).toString();
  }

  /**
   * A promo of a restaurant, whose turn it is by the number.
   *
   * @param campaign its id
   */
  Promo promo(long number, String campaign) {
    return new Promo(
        restaurant(number),
        campaign,
        "x".repeat(contentChars),
        "Ivanov Ivan Ivanovich",
        "iiivanov@restaurant.example",
        START,
        END,
        START);
  }

  /** A promo as its restaurant writes it. */
  static byte[] json(Promo promo) {
    return """
    {"restaurant_id":"%s","adv_campaign_id":"%s","adv_campaign_content":"%s",\
    "adv_campaign_owner":"%s","adv_campaign_owner_contact":"%s",\
    "adv_campaign_datetime_start":%d,"adv_campaign_datetime_end":%d,"datetime_created":%d}"""
        .formatted(
            promo.restaurantId(),
            promo.campaignId(),
            promo.content(),
            promo.owner(),
            promo.ownerContact(),
            promo.start(),
            promo.end(),
            promo.created())
        .getBytes(UTF_8);
  }
}
