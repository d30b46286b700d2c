package io.promostream.drills;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.promostream.local.Delivery;
import io.promostream.promo.Promo;
import io.promostream.testing.CampaignReports;
import io.promostream.testing.CampaignReports.Campaign;
import io.promostream.testing.PromoJson;
import io.promostream.testing.Waiting;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/**
 * Restaurants that send promos and clients who subscribe and unsubscribe, in spite of all faults,
 * with a journal of every action.
 *
 * <p>The expected deliveries of most restaurants do not depend on how long a message or a refresh
 * takes:
 *
 * <ul>
 *   <li>Campaigns are live for decades, start within seconds and are then live for decades, start
 *       in a year, or ended long ago.
 *   <li>Versions of one campaign keep their order, because they go through one partition.
 *   <li>A client unsubscribes between two campaigns: after the delivery of the first, and long
 *       enough before the second that the job has read the change.
 * </ul>
 *
 * <p>The deliveries of the hasty restaurants depend on timing alone: campaigns are live for
 * seconds, are cancelled, postponed and extended meanwhile, and clients subscribe and unsubscribe
 * at any time.
 *
 * <p>Commands pause campaigns and restaurants for moments. One restaurant is paused until the
 * traffic ends, and one is stopped.
 */
final class Traffic implements AutoCloseable {

  private static final int RESTAURANTS = 9;
  private static final int HASTY_RESTAURANTS = 3;
  private static final int CLIENTS = 25;
  private static final int PAUSE_MILLIS = 100;

  private static final long LONG_AGO = 1_000_000_000;
  private static final long DECADES_AHEAD = 9_000_000_000L;
  private static final long YEAR = 365L * 24 * 3600;

  final Journal journal = new Journal();

  private final String name;
  private final Site site;
  private final KafkaProducer<byte[], byte[]> producer;
  private final List<Thread> threads = new ArrayList<>();
  private final AtomicReference<Throwable> trouble = new AtomicReference<>();
  private volatile boolean stopped;
  private @Nullable Promo lastClosing;
  private final AtomicInteger campaigns = new AtomicInteger();
  private final AtomicInteger hastyCampaigns = new AtomicInteger();

  private Traffic(String name, Site site) {
    this.name = name;
    this.site = site;
    producer =
        new KafkaProducer<>(
            Map.of(
                "bootstrap.servers",
                site.bootstrapServers(),
                // Longer than any drill, so that each message arrives once.
                "delivery.timeout.ms",
                "1200000",
                "max.block.ms",
                "1200000",
                "retry.backoff.max.ms",
                "500",
                "reconnect.backoff.max.ms",
                "500"),
            new ByteArraySerializer(),
            new ByteArraySerializer());
  }

  /**
   * Starts a traffic with its own restaurants and clients.
   *
   * @param name the beginning of all their ids
   */
  static Traffic start(String name, Site site) throws Exception {
    Traffic traffic = new Traffic(name, site);
    traffic.open();
    traffic.run("promos", traffic::sendPromos);
    traffic.run("subscribers", traffic::subscribeMore);
    traffic.run("fickle", traffic::unsubscribeAndReturn);
    traffic.run("hasty", traffic::actHastily);
    traffic.run("commands", traffic::pauseForMoments);
    return traffic;
  }

  private interface Work {
    void run() throws Exception;
  }

  private void run(String what, Work work) {
    Thread thread =
        new Thread(
            () -> {
              try {
                work.run();
              } catch (Throwable e) { // an Error, too, must reach the test
                trouble.compareAndSet(null, e);
              }
            },
            name + " " + what);
    thread.setDaemon(true);
    threads.add(thread);
    thread.start();
  }

  private String restaurant(int number) {
    return name + "-r" + number % RESTAURANTS;
  }

  private String fickleRestaurant() {
    return name + "-fickle";
  }

  private String hastyRestaurant(int number) {
    return name + "-hasty" + number % HASTY_RESTAURANTS;
  }

  private String pausedRestaurant() {
    return name + "-paused";
  }

  private String stoppedRestaurant() {
    return name + "-stopped";
  }

  /** Whether a restaurant belongs to this traffic. */
  boolean owns(String restaurant) {
    return restaurant.startsWith(name + "-");
  }

  /** A client's id; every second one is a UUID. */
  private static String client(String restaurant, int number) {
    String id = restaurant + "-c" + number;
    return number % 2 == 0 ? id : UUID.nameUUIDFromBytes(id.getBytes(UTF_8)).toString();
  }

  private void open() throws Exception {
    List<String> restaurants = new ArrayList<>();
    for (int r = 0; r < RESTAURANTS; r++) {
      restaurants.add(restaurant(r));
    }
    restaurants.add(fickleRestaurant());
    for (int r = 0; r < HASTY_RESTAURANTS; r++) {
      restaurants.add(hastyRestaurant(r));
    }
    restaurants.add(pausedRestaurant());
    restaurants.add(stoppedRestaurant());
    List<Journal.Event> changes = new ArrayList<>();
    for (String restaurant : restaurants) {
      for (int c = 0; c < CLIENTS; c++) {
        changes.add(subscribed(restaurant, c));
      }
    }
    change(changes);
    command("pause", "restaurant_id", pausedRestaurant());
    command("stop", "restaurant_id", stoppedRestaurant());
    journal.note(new Journal.Paused(pausedRestaurant()));
    journal.note(new Journal.Stopped(stoppedRestaurant()));
    awaitState(pausedRestaurant(), "paused");
    awaitState(stoppedRestaurant(), "cancelled");
  }

  /** Waits until the report on a campaign, which starts in a year, shows that commands hold. */
  private void awaitState(String restaurant, String state) throws Exception {
    long now = System.currentTimeMillis() / 1000;
    send(new Promo(restaurant, "probe", "", name, "x", now + YEAR, DECADES_AHEAD, now));
    try (CampaignReports reports = new CampaignReports(site.bootstrapServers(), Site.REPORTS)) {
      Waiting.until(
          restaurant + " to be " + state,
          () ->
              reports
                  .read()
                  .getOrDefault(new Campaign(restaurant, "probe"), Map.of())
                  .getOrDefault("state", "unknown")
                  .equals(state));
    }
  }

  private static Journal.Event subscribed(String restaurant, int client) {
    return new Journal.Subscribed(
        System.currentTimeMillis(), restaurant, client(restaurant, client));
  }

  private static Journal.Event unsubscribed(String restaurant, int client) {
    return new Journal.Unsubscribed(
        System.currentTimeMillis(), restaurant, client(restaurant, client));
  }

  // ---- Promos

  /** The number of campaigns sent so far, which is the number of the next one. */
  int campaigns() {
    return campaigns.get();
  }

  /** The id of a campaign. The order of ids is that of the numbers. */
  String campaign(int number) {
    return "%s-%06d".formatted(name, number);
  }

  private void sendPromos() throws InterruptedException {
    while (!stopped) {
      int number = campaigns.getAndIncrement();
      sendCampaign(number);
      if (number % 10 == 0) {
        sendHeld(pausedRestaurant(), number);
        sendHeld(stoppedRestaurant(), number);
      }
      Thread.sleep(PAUSE_MILLIS);
    }
  }

  private void sendCampaign(int number) {
    long now = System.currentTimeMillis() / 1000;
    Promo live = promo(number, "live", LONG_AGO, DECADES_AHEAD, now);
    switch (number % 10) {
      case 4 -> send(promo(number, "scheduled", now + 2 + number % 5, DECADES_AHEAD, now));
      case 5 -> {
        send(live);
        send(live);
      }
      case 6 -> {
        send(promo(number, "first version", now + YEAR, DECADES_AHEAD, now - 1));
        send(live);
        send(promo(number, "older version, late", LONG_AGO, DECADES_AHEAD, now - 2));
      }
      case 7 -> {
        send(promo(number, "to be cancelled", now + YEAR, DECADES_AHEAD, now - 1));
        send(promo(number, "cancelled", LONG_AGO, LONG_AGO + 1, now));
        send(promo(number, "cancelled before", LONG_AGO, DECADES_AHEAD, now - 2));
      }
      case 8 -> {
        send(promo(number, "over", LONG_AGO, LONG_AGO + 1, now));
        sendInvalid("{\"restaurant_id\": \"" + campaign(number) + "\"");
      }
      case 9 -> {
        send(live);
        // A copy of the promo of ten campaigns ago.
        if (number >= 10) {
          send(promo(number - 10, "copy", LONG_AGO, DECADES_AHEAD, LONG_AGO));
        }
      }
      default -> send(live);
    }
  }

  private Promo promo(int number, String content, long start, long end, long created) {
    return new Promo(
        restaurant(number), campaign(number), content, name, "né " + number, start, end, created);
  }

  private void send(Promo promo) {
    journal.note(new Journal.Published(System.currentTimeMillis(), promo));
    send(promo.restaurantId(), json(promo));
  }

  private void sendInvalid(String message) {
    journal.note(new Journal.Spoiled(message));
    send(name, message.getBytes(UTF_8));
  }

  private void send(String key, byte[] message) {
    var unused =
        producer.send(
            new ProducerRecord<>(Site.PROMOS, key.getBytes(UTF_8), message),
            (metadata, e) -> trouble.compareAndSet(null, e));
  }

  private static byte[] json(Promo promo) {
    return PromoJson.good()
        .with("restaurant_id", quoted(promo.restaurantId()))
        .with("adv_campaign_id", quoted(promo.campaignId()))
        .with("adv_campaign_content", quoted(promo.content()))
        .with("adv_campaign_owner", quoted(promo.owner()))
        .with("adv_campaign_owner_contact", quoted(promo.ownerContact()))
        .with("adv_campaign_datetime_start", "" + promo.start())
        .with("adv_campaign_datetime_end", "" + promo.end())
        .with("datetime_created", "" + promo.created())
        .bytes();
  }

  private static String quoted(String text) {
    return '"' + text + '"';
  }

  // ---- Subscriptions

  /** Subscribes new clients, who never unsubscribe, while campaigns are live. */
  private void subscribeMore() throws Exception {
    for (int number = 0; !stopped; number++) {
      Thread.sleep(20 * PAUSE_MILLIS);
      String restaurant = restaurant(number);
      change(List.of(subscribed(restaurant, CLIENTS + number)));
    }
  }

  /**
   * Unsubscribes and resubscribes clients. A client leaves after the delivery of one campaign and
   * misses the next one. After resubscribing, the client gets the missed campaign, and the earlier
   * one not again. Another client subscribes in the transaction in which the first one leaves; a
   * delivery to that client proves that the job has read the change.
   */
  private void unsubscribeAndReturn() throws Exception {
    String restaurant = fickleRestaurant();
    for (int round = 0; !stopped; round++) {
      int leaverNumber = round % CLIENTS;
      String leaver = client(restaurant, leaverNumber);
      String comer = client(restaurant, CLIENTS + round);
      String first = "%s-fickle-%06d".formatted(name, 2 * round);
      String second = "%s-fickle-%06d".formatted(name, 2 * round + 1);
      publishForFickle(first);
      if (!awaitRow(first, leaver)) {
        return;
      }
      change(
          List.of(unsubscribed(restaurant, leaverNumber), subscribed(restaurant, CLIENTS + round)));
      if (!awaitRow(first, comer)) {
        return;
      }
      publishForFickle(second);
      if (!awaitRow(second, comer)) {
        return;
      }
      // Every second client does not return.
      if (round % 2 == 0) {
        change(List.of(subscribed(restaurant, leaverNumber)));
        if (!awaitRow(second, leaver)) {
          return;
        }
      }
    }
  }

  private void publishForFickle(String campaign) {
    long now = System.currentTimeMillis() / 1000;
    send(
        new Promo(fickleRestaurant(), campaign, "fickle", name, "x", LONG_AGO, DECADES_AHEAD, now));
  }

  /** Waits for a committed row; returns false if the traffic stops first. */
  private boolean awaitRow(String campaign, String client) throws InterruptedException {
    while (!stopped) {
      if (site.hasRow("adv_campaign_id = '%s' AND client_id = '%s'".formatted(campaign, client))) {
        return true;
      }
      Thread.sleep(2 * PAUSE_MILLIS);
    }
    return false;
  }

  // ---- Commands

  private void command(String action, String field, String id) {
    String json =
        "{\"action\":\"%s\",\"%s\":\"%s\",\"by\":\"%s\"}".formatted(action, field, id, name);
    var unused =
        producer.send(
            new ProducerRecord<>(Site.CONTROL, json.getBytes(UTF_8)),
            (metadata, e) -> trouble.compareAndSet(null, e));
  }

  /** Pauses a restaurant or a campaign whose end is far ahead, again and again. */
  private void pauseForMoments() throws InterruptedException {
    Random random = new Random(name.length());
    while (!stopped) {
      boolean all = random.nextBoolean();
      String field = all ? "restaurant_id" : "adv_campaign_id";
      String id = all ? restaurant(random.nextInt(RESTAURANTS)) : campaign(campaigns.get());
      command("pause", field, id);
      Thread.sleep(random.nextInt(20 * PAUSE_MILLIS));
      command("resume", field, id);
      Thread.sleep(random.nextInt(20 * PAUSE_MILLIS));
    }
  }

  /**
   * Sends a campaign of a restaurant that commands hold. No other restaurant has it, because a
   * command about a campaign is about all its restaurants.
   */
  private void sendHeld(String restaurant, int number) {
    long now = System.currentTimeMillis() / 1000;
    String campaign = campaign(number) + "-held";
    send(new Promo(restaurant, campaign, "held", name, "x", LONG_AGO, DECADES_AHEAD, now));
  }

  // ---- Haste

  /** A later version of a campaign, with the time at which to send it. */
  private record Later(long at, Promo promo) {}

  /** Repeats random actions on random hasty restaurants. */
  private void actHastily() throws InterruptedException {
    Random random = new Random(name.hashCode());
    List<Later> later = new ArrayList<>();
    int newcomers = CLIENTS;
    while (!stopped) {
      long now = System.currentTimeMillis();
      for (Later one : List.copyOf(later)) {
        if (one.at <= now) {
          send(one.promo);
          later.remove(one);
        }
      }
      String restaurant = hastyRestaurant(random.nextInt(HASTY_RESTAURANTS));
      switch (random.nextInt(6)) {
        case 0 -> change(List.of(subscribed(restaurant, newcomers++)));
        case 1 -> change(List.of(unsubscribed(restaurant, random.nextInt(newcomers))));
        case 2 -> change(List.of(subscribed(restaurant, random.nextInt(CLIENTS))));
        default -> sendInHaste(restaurant, random, later);
      }
      Thread.sleep(random.nextInt(3 * PAUSE_MILLIS));
    }
  }

  private void sendInHaste(String restaurant, Random random, List<Later> later) {
    long now = System.currentTimeMillis() / 1000;
    long start = now + random.nextInt(5);
    long end = start + random.nextInt(20);
    String campaign = "%s-hasty-%06d".formatted(name, hastyCampaigns.getAndIncrement());
    Promo first = new Promo(restaurant, campaign, "brief", name, "x", start, end, now);
    send(first);
    switch (random.nextInt(4)) {
      case 0 -> later.add(next(first, "cancelled", LONG_AGO, LONG_AGO + 1, random));
      case 1 -> later.add(next(first, "postponed", now + 10, DECADES_AHEAD, random));
      case 2 -> later.add(next(first, "extended", start, end + 15, random));
      default -> {
        // This campaign gets no later version.
      }
    }
  }

  private static Later next(Promo promo, String content, long start, long end, Random random) {
    return new Later(
        System.currentTimeMillis() + random.nextInt(8_000),
        new Promo(
            promo.restaurantId(),
            promo.campaignId(),
            content,
            promo.owner(),
            promo.ownerContact(),
            start,
            end,
            promo.created() + 1));
  }

  // ---- The database

  /** Makes changes in one transaction, and retries until the database confirms them. */
  private void change(List<Journal.Event> changes) throws InterruptedException {
    while (true) {
      try (Connection connection = site.subscribers().connect(Site.SUBSCRIBERS);
          Statement statement = connection.createStatement()) {
        connection.setAutoCommit(false);
        // Not as a batch: pgjdbc fails an assertion there if the connection breaks.
        statement.execute(changes.stream().map(Traffic::sql).collect(Collectors.joining(";")));
        connection.commit();
        break;
      } catch (SQLException e) {
        // The server is down, or failed before it answered. Repeating the changes is harmless.
        Thread.sleep(PAUSE_MILLIS);
      }
    }
    changes.forEach(journal::note);
  }

  private static String sql(Journal.Event change) {
    if (change instanceof Journal.Subscribed subscribed) {
      return "INSERT INTO subscribers_restaurants (client_id, restaurant_id) VALUES ('%s', '%s')"
          .formatted(subscribed.client(), subscribed.restaurant());
    }
    Journal.Unsubscribed unsubscribed = (Journal.Unsubscribed) change;
    return "DELETE FROM subscribers_restaurants WHERE client_id = '%s' AND restaurant_id = '%s'"
        .formatted(unsubscribed.client(), unsubscribed.restaurant());
  }

  // ---- The end

  /** Ends it; all that was sent has arrived when this returns. */
  void stop() throws Exception {
    stopped = true;
    for (Thread thread : threads) {
      thread.join();
    }
    producer.flush();
    @Nullable Throwable e = trouble.get();
    if (e != null) {
      throw new IllegalStateException("the traffic of " + name + " broke down", e);
    }
  }

  /**
   * One more campaign for each restaurant: when it is there, so is whatever came before.
   *
   * @return when all has started that is to start within seconds, epoch seconds
   */
  long sendClosing() throws InterruptedException {
    journal.note(new Journal.Resumed(System.currentTimeMillis(), pausedRestaurant()));
    command("resume", "restaurant_id", pausedRestaurant());
    long now = System.currentTimeMillis() / 1000;
    long settled =
        journal.events().stream()
            .filter(Journal.Published.class::isInstance)
            .mapToLong(event -> ((Journal.Published) event).promo().start())
            .filter(start -> start < now + YEAR / 2)
            .max()
            .orElse(now);
    Thread.sleep(Math.max(0, (settled + 1) * 1000 - System.currentTimeMillis()));
    for (int r = 0; r < RESTAURANTS; r++) {
      sendClosing(restaurant(r));
    }
    sendClosing(pausedRestaurant());
    sendClosing(fickleRestaurant());
    for (int r = 0; r < HASTY_RESTAURANTS; r++) {
      sendClosing(hastyRestaurant(r));
    }
    producer.flush();
    return Math.max(now, settled);
  }

  private void sendClosing(String restaurant) {
    lastClosing =
        new Promo(
            restaurant,
            campaign(campaigns.getAndIncrement()),
            "closing",
            name,
            "x",
            LONG_AGO,
            DECADES_AHEAD,
            LONG_AGO);
    send(lastClosing);
  }

  /** Whether the last promo of all has been delivered. */
  boolean isClosed(List<Delivery> delivered) {
    return delivered.stream().anyMatch(delivery -> delivery.promo().equals(lastClosing));
  }

  @Override
  public void close() {
    stopped = true;
    producer.close();
  }
}
