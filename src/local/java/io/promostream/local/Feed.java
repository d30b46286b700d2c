package io.promostream.local;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.NANOSECONDS;

import io.promostream.postgres.Connections;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** The services around the job: restaurants write promos, clients subscribe and unsubscribe. */
final class Feed implements AutoCloseable {

  /** One in five thousand subscriptions per second. */
  private static final int CHANGES_PER_SECOND = DemoTraffic.SUBSCRIPTIONS / 5_000;

  private final LocalServices services;
  private final KafkaProducer<byte[], byte[]> producer;
  private final AtomicLong sent = new AtomicLong();
  private final CountDownLatch stopped = new CountDownLatch(1);
  private CompletableFuture<Void> demo = CompletableFuture.completedFuture(null);

  Feed(LocalServices services) {
    this.services = services;
    this.producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", services.bootstrapServers()),
            new ByteArraySerializer(),
            new ByteArraySerializer());
  }

  /** Promos sent so far. */
  long sent() {
    return sent.get();
  }

  /** Feeds the sample files. */
  void samples() throws Exception {
    services.execute(
        LocalServices.SUBSCRIBERS, LocalServices.resource("/samples/subscribers_restaurants.sql"));
    for (String promo : LocalServices.resource("/samples/promos.jsonl").lines().toList()) {
      send(promo.getBytes(StandardCharsets.UTF_8));
    }
  }

  /** Fills the list, then sends promos and changes the list until {@link #stop}. */
  void startDemo(DemoTraffic traffic, int promosPerSecond) throws Exception {
    try (Connection subscribers = subscribers();
        CopyIn copy =
            new CopyIn(subscribers, "subscribers_restaurants (client_id, restaurant_id)")) {
      for (DemoTraffic.Subscription subscription : traffic.subscriptions()) {
        copy.row(subscription.clientId(), subscription.restaurantId());
      }
    }
    demo = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                send(traffic, promosPerSecond);
                demo.complete(null);
              } catch (Exception e) {
                demo.completeExceptionally(e);
              }
            },
            "demo traffic");
    thread.setDaemon(true);
    thread.start();
  }

  private void send(DemoTraffic traffic, int promosPerSecond) throws Exception {
    long begin = System.nanoTime();
    for (long n = 0; ; n++) {
      long due = begin + n * 1_000_000_000L / promosPerSecond;
      if (stopped.await(due - System.nanoTime(), NANOSECONDS)) {
        return;
      }
      if (n % promosPerSecond == 0) {
        changeSubscriptions(traffic);
      }
      send(traffic.promo(System.currentTimeMillis() / 1000));
    }
  }

  private void send(byte[] promo) throws Exception {
    producer.send(new ProducerRecord<>(LocalServices.PROMOS, promo)).get();
    sent.incrementAndGet();
  }

  private void changeSubscriptions(DemoTraffic traffic) throws Exception {
    List<DemoTraffic.Subscription> removed = new ArrayList<>();
    List<DemoTraffic.Subscription> added = new ArrayList<>();
    for (int i = 0; i < CHANGES_PER_SECOND; i++) {
      removed.add(traffic.unsubscribe());
      added.add(traffic.subscribe());
    }
    // The table must not miss changes that the traffic has made, so an outage delays them.
    do {
      try (Connection subscribers = subscribers()) {
        change(subscribers, removed, added);
        return;
      } catch (SQLException e) {
        if (!LocalServices.isOutage(e)) {
          throw e;
        }
      }
    } while (!stopped.await(500, MILLISECONDS));
  }

  private static void change(
      Connection subscribers,
      List<DemoTraffic.Subscription> removed,
      List<DemoTraffic.Subscription> added)
      throws SQLException {
    subscribers.setAutoCommit(false);
    // Delete one row for each subscription, because the table may contain the same pair twice.
    execute(
        subscribers,
        "DELETE FROM subscribers_restaurants WHERE id IN (SELECT min(id) FROM"
            + " subscribers_restaurants JOIN unnest(?, ?) AS gone(client, restaurant)"
            + " ON client_id = client AND restaurant_id = restaurant"
            + " GROUP BY client_id, restaurant_id)",
        removed);
    execute(
        subscribers,
        "INSERT INTO subscribers_restaurants (client_id, restaurant_id) SELECT * FROM unnest(?, ?)",
        added);
    subscribers.commit();
  }

  private static void execute(
      Connection connection, String sql, List<DemoTraffic.Subscription> subscriptions)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      statement.setArray(1, texts(connection, subscriptions, DemoTraffic.Subscription::clientId));
      statement.setArray(
          2, texts(connection, subscriptions, DemoTraffic.Subscription::restaurantId));
      statement.execute();
    }
  }

  private static java.sql.Array texts(
      Connection connection,
      List<DemoTraffic.Subscription> subscriptions,
      Function<DemoTraffic.Subscription, String> id)
      throws SQLException {
    return connection.createArrayOf("text", subscriptions.stream().map(id).toArray());
  }

  private Connection subscribers() throws SQLException {
    return Connections.open(services.asOwner(LocalServices.SUBSCRIBERS), "demo traffic");
  }

  /**
   * Fails if the traffic has failed.
   *
   * @throws java.util.concurrent.CompletionException with the failure of the traffic
   */
  void check() {
    if (demo.isCompletedExceptionally()) {
      demo.join();
    }
  }

  /** Ends the traffic and waits until it has ended. */
  void stop() {
    stopped.countDown();
    demo.join();
  }

  @Override
  public void close() {
    stopped.countDown();
    demo.exceptionally(failure -> null).join();
    producer.close();
  }
}
