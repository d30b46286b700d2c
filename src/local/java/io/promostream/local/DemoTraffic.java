package io.promostream.local;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.promostream.promo.Promo;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.UUID;

/**
 * The restaurants and clients of a demo. A few restaurants are popular and most are not; clients
 * subscribe and unsubscribe. Campaigns are live, scheduled, over, sent again, revised or cancelled,
 * and some messages are broken. The seed and the requested times determine everything.
 */
final class DemoTraffic {

  static final int RESTAURANTS = 3_000;
  static final int SUBSCRIPTIONS = 100_000;

  private static final int CLIENTS = 50_000;
  private static final int REMEMBERED_PROMOS = 200;
  private static final JsonFactory JSON = new JsonFactory();

  private static final List<String> CONTENTS =
      List.of(
          "Two pizzas for one until the oven cools",
          "Скидка 20% на все супы до пятницы",
          "Free dessert with any main dish",
          "Business lunch at half price 🍜",
          "Дети едят бесплатно",
          "Happy hour: \"second drink\" on us",
          "Новое меню: попробуйте первыми");

  /** The kinds of messages, with their shares in percent. */
  private enum Kind {
    LIVE(48),
    SCHEDULED(20),
    OVER(5),
    AGAIN(9),
    REVISED(8),
    CANCELLED(5),
    BROKEN(5);

    private final int percent;

    Kind(int percent) {
      this.percent = percent;
    }
  }

  /** A client's wish to get a restaurant's promos. */
  record Subscription(String clientId, String restaurantId) {}

  private final Random random;
  // A restaurant's subscribers are proportional to its popularity, but its promos only to the
  // square
  // root: the most popular restaurants do not advertise in proportion.
  private final double[] popularity = cumulated(1.0);
  private final double[] activity = cumulated(0.5);
  private final List<Subscription> subscriptions = new ArrayList<>(SUBSCRIPTIONS);
  private final List<Promo> promos = new ArrayList<>(REMEMBERED_PROMOS);

  DemoTraffic(long seed) {
    random = new Random(seed);
    while (subscriptions.size() < SUBSCRIPTIONS) {
      subscribe();
    }
  }

  /** The cumulated weights 1, 1/2, 1/3, ..., raised to a power (Zipf's law). */
  private static double[] cumulated(double exponent) {
    double[] weights = new double[RESTAURANTS];
    Arrays.setAll(weights, i -> Math.pow(i + 1, -exponent));
    Arrays.parallelPrefix(weights, Double::sum);
    return weights;
  }

  /** The current subscriptions. */
  List<Subscription> subscriptions() {
    return List.copyOf(subscriptions);
  }

  /** A client subscribes, sometimes again to the same restaurant, which is allowed. */
  Subscription subscribe() {
    Subscription subscription =
        new Subscription(id("client", random.nextInt(CLIENTS)), restaurant(popularity));
    subscriptions.add(subscription);
    return subscription;
  }

  /** A client ends a subscription. */
  Subscription unsubscribe() {
    int left = random.nextInt(subscriptions.size());
    Subscription last = subscriptions.remove(subscriptions.size() - 1);
    return left == subscriptions.size() ? last : subscriptions.set(left, last);
  }

  /**
   * The next message from a restaurant.
   *
   * @param now epoch seconds
   */
  byte[] promo(long now) {
    return switch (kind()) {
      case LIVE -> json(remember(campaign(now, now - random.nextInt(3600), now + duration())));
      case SCHEDULED -> {
        long start = now + 2 + random.nextInt(10);
        yield json(remember(campaign(now, start, start + duration())));
      }
      case OVER -> json(campaign(now, now - 7200, now - 1 - random.nextInt(3600)));
      case AGAIN -> json(earlier(now));
      case REVISED -> {
        Promo old = earlier(now);
        yield json(remember(revised(old, now, old.content() + " (new)", old.end() + 5)));
      }
      case CANCELLED -> {
        Promo old = earlier(now);
        yield json(revised(old, now, old.content(), old.start()));
      }
      case BROKEN -> broken(campaign(now, now, now + duration()));
    };
  }

  private Kind kind() {
    int percent = random.nextInt(100);
    for (Kind kind : Kind.values()) {
      percent -= kind.percent;
      if (percent < 0) {
        return kind;
      }
    }
    throw new AssertionError("the percentages add up to less than 100");
  }

  /** Most campaigns are so short that the viewer of the demo sees them end. */
  private long duration() {
    return random.nextInt(4) == 0 ? 3600 + random.nextInt(86400) : 5 + random.nextInt(55);
  }

  private Promo campaign(long now, long start, long end) {
    return new Promo(
        restaurant(activity),
        new UUID(random.nextLong(), random.nextLong()).toString(),
        CONTENTS.get(random.nextInt(CONTENTS.size())),
        "Ivanov Ivan Ivanovich",
        "iiivanov@restaurant.ru",
        start,
        end,
        now);
  }

  private Promo earlier(long now) {
    return promos.isEmpty()
        ? remember(campaign(now, now, now + duration()))
        : promos.get(random.nextInt(promos.size()));
  }

  private static Promo revised(Promo old, long now, String content, long end) {
    return new Promo(
        old.restaurantId(),
        old.campaignId(),
        content,
        old.owner(),
        old.ownerContact(),
        old.start(),
        end,
        Math.max(now, old.created() + 1));
  }

  private Promo remember(Promo promo) {
    if (promos.size() < REMEMBERED_PROMOS) {
      promos.add(promo);
    } else {
      promos.set(random.nextInt(REMEMBERED_PROMOS), promo);
    }
    return promo;
  }

  private String restaurant(double[] cumulated) {
    double target = random.nextDouble() * cumulated[RESTAURANTS - 1];
    int found = Arrays.binarySearch(cumulated, target);
    return id("restaurant", found < 0 ? -found - 1 : found);
  }

  /** Nearly all ids are UUIDs, but any string is allowed. */
  private static String id(String kind, int number) {
    String name = kind + "-" + number;
    return number % 50 == 49
        ? name
        : UUID.nameUUIDFromBytes(name.getBytes(StandardCharsets.UTF_8)).toString();
  }

  /** The message. Some have their times as strings, as older producers write them. */
  private byte[] json(Promo promo) {
    boolean timesAsText = random.nextInt(10) == 0;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);
    try (JsonGenerator json = JSON.createGenerator(bytes)) {
      json.writeStartObject();
      json.writeStringField("restaurant_id", promo.restaurantId());
      json.writeStringField("adv_campaign_id", promo.campaignId());
      json.writeStringField("adv_campaign_content", promo.content());
      json.writeStringField("adv_campaign_owner", promo.owner());
      json.writeStringField("adv_campaign_owner_contact", promo.ownerContact());
      time(json, "adv_campaign_datetime_start", promo.start(), timesAsText);
      time(json, "adv_campaign_datetime_end", promo.end(), timesAsText);
      time(json, "datetime_created", promo.created(), timesAsText);
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static void time(JsonGenerator json, String field, long seconds, boolean asText)
      throws IOException {
    if (asText) {
      json.writeStringField(field, Long.toString(seconds));
    } else {
      json.writeNumberField(field, seconds);
    }
  }

  private byte[] broken(Promo promo) {
    byte[] good = json(promo);
    String text = new String(good, StandardCharsets.UTF_8);
    return switch (random.nextInt(7)) {
      case 0 -> new byte[0];
      case 1 -> Arrays.copyOf(good, good.length / 2);
      case 2 -> "promo".getBytes(StandardCharsets.UTF_8);
      case 3 -> text.replace("Ivanov Ivan", "Ivanov\\u0000").getBytes(StandardCharsets.UTF_8);
      case 4 -> text.replace("Ivanov Ivan", "Иванов").getBytes(StandardCharsets.UTF_16);
      case 5 -> text.replace("adv_campaign_owner\"", "owner\"").getBytes(StandardCharsets.UTF_8);
      default -> json(revised(promo, promo.created(), promo.content(), promo.start() - 1));
    };
  }
}
