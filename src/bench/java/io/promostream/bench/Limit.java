package io.promostream.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.promostream.promo.Promo;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * A plain program that writes the same messages and rows as the job, ready-made, and commits each
 * second. It writes a thousand rows with one {@code INSERT ... SELECT unnest}. It reads no promos,
 * makes no decisions, and does not recover from failures.
 */
final class Limit implements Contender {

  private static final long COMMIT_INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** The number of different ready-made notifications, unless they are large. */
  private static final int MOST_READY_MADE = 100_000;

  private static final int READY_MADE_CHARS = 100_000_000;

  private static final int ROWS_A_STATEMENT = 1_000;

  private record Row(Promo promo, String client) {}

  private final Installation installation;
  private final Map<String, Object> producerSettings;
  private final List<ProducerRecord<byte[], byte[]>> notifications = new ArrayList<>();
  private final List<Row> rows = new ArrayList<>();
  private final boolean onePromoAStatement;
  private final int readyMade;
  private int runs;

  /**
   * Prepares the deliveries.
   *
   * @param producerSettings as the job's producers have them, beyond the job's defaults
   */
  Limit(Installation installation, Town town, Map<String, Object> producerSettings) {
    this.installation = installation;
    this.producerSettings = producerSettings;
    onePromoAStatement = town.subscribers() >= ROWS_A_STATEMENT;
    long now = System.currentTimeMillis() / 1000;
    readyMade =
        Math.min(
            MOST_READY_MADE,
            (1 + READY_MADE_CHARS / town.contentChars() / ROWS_A_STATEMENT) * ROWS_A_STATEMENT);
    for (int i = 0; i < readyMade; i++) {
      int number = i / town.subscribers();
      Promo promo = town.promo(number, "limit-" + number);
      String client = Town.client(i);
      notifications.add(
          new ProducerRecord<>(
              Installation.NOTIFICATIONS,
              client.getBytes(UTF_8),
              notification(promo, client, now)));
      rows.add(new Row(promo, client));
    }
  }

  private static byte[] notification(Promo promo, String client, long matchedAt) {
    String json = new String(Town.json(promo), UTF_8);
    int created = json.lastIndexOf(",\"datetime_created\"");
    return (json.substring(0, created)
            + ",\"client_id\":\""
            + client
            + '"'
            + json.substring(created, json.length() - 1)
            + ",\"trigger_datetime_created\":"
            + matchedAt
            + '}')
        .getBytes(UTF_8);
  }

  @Override
  public String name() {
    return "plain program";
  }

  /** Writes and commits deliveries. */
  @Override
  public long deliver(long deliveries) throws Exception {
    int run = ++runs;
    CompletableFuture<Void> kafka = run(() -> writeNotifications(deliveries, run));
    CompletableFuture<Void> postgres = run(() -> writeRows(deliveries));
    kafka.get();
    postgres.get();
    return System.nanoTime();
  }

  private interface Work {
    void run() throws Exception;
  }

  private static CompletableFuture<Void> run(Work work) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    new Thread(
            () -> {
              try {
                work.run();
                done.complete(null);
              } catch (Exception e) {
                done.completeExceptionally(e);
              }
            })
        .start();
    return done;
  }

  private void writeNotifications(long deliveries, int run) {
    Map<String, Object> settings = new HashMap<>(producerSettings);
    settings.put("batch.size", 64 << 10);
    settings.put("linger.ms", 50);
    settings.put("bootstrap.servers", installation.broker().bootstrapServers());
    settings.put("transactional.id", "limit-" + run);
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
      producer.initTransactions();
      producer.beginTransaction();
      long commitAt = System.nanoTime() + COMMIT_INTERVAL_NANOS;
      for (long i = 0; i < deliveries; i++) {
        var unused = producer.send(notifications.get((int) (i % readyMade)));
        if (i % 1_000 == 0 && System.nanoTime() >= commitAt) {
          producer.commitTransaction();
          producer.beginTransaction();
          commitAt = System.nanoTime() + COMMIT_INTERVAL_NANOS;
        }
      }
      producer.commitTransaction();
    }
  }

  private void writeRows(long deliveries) throws SQLException {
    try (Connection connection = installation.connect();
        PreparedStatement insert = connection.prepareStatement(insert())) {
      connection.setAutoCommit(false);
      long commitAt = System.nanoTime() + COMMIT_INTERVAL_NANOS;
      long matchedAt = System.currentTimeMillis() / 1000;
      for (long i = 0; i < deliveries; i += ROWS_A_STATEMENT) {
        int from = (int) (i % readyMade);
        int count = (int) Math.min(ROWS_A_STATEMENT, deliveries - i);
        bind(insert, rows.subList(from, from + count), matchedAt);
        insert.executeUpdate();
        if (System.nanoTime() >= commitAt) {
          connection.commit();
          commitAt = System.nanoTime() + COMMIT_INTERVAL_NANOS;
        }
      }
      connection.commit();
    }
  }

  private String insert() {
    String columns =
        """
        INSERT INTO subscribers_feedback (restaurant_id, adv_campaign_id, adv_campaign_content,
          adv_campaign_owner, adv_campaign_owner_contact, adv_campaign_datetime_start,
          adv_campaign_datetime_end, datetime_created, client_id, trigger_datetime_created)
        """;
    return columns
        + (onePromoAStatement
            ? "SELECT ?, ?, ?, ?, ?, ?, ?, ?, unnest(?::text[]), ?"
            : """
            SELECT * FROM unnest(?::text[], ?::text[], ?::text[], ?::text[], ?::text[],
              ?::int8[], ?::int8[], ?::int8[], ?::text[], ?::int8[])
            """);
  }

  private void bind(PreparedStatement insert, List<Row> batch, long matchedAt) throws SQLException {
    List<Object[]> columns =
        List.of(
            batch.stream().map(row -> row.promo.restaurantId()).toArray(),
            batch.stream().map(row -> row.promo.campaignId()).toArray(),
            batch.stream().map(row -> row.promo.content()).toArray(),
            batch.stream().map(row -> row.promo.owner()).toArray(),
            batch.stream().map(row -> row.promo.ownerContact()).toArray(),
            batch.stream().map(row -> row.promo.start()).toArray(),
            batch.stream().map(row -> row.promo.end()).toArray(),
            batch.stream().map(row -> row.promo.created()).toArray(),
            batch.stream().map(Row::client).toArray(),
            batch.stream().map(row -> matchedAt).toArray());
    for (int i = 0; i < columns.size(); i++) {
      Object[] column = columns.get(i);
      if (onePromoAStatement && i != 8) {
        insert.setObject(i + 1, column[0]);
      } else {
        Array array =
            insert
                .getConnection()
                .createArrayOf(column[0] instanceof Long ? "int8" : "text", column);
        insert.setArray(i + 1, array);
      }
    }
  }
}
