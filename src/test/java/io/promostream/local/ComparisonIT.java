package io.promostream.local;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.config.TableName;
import io.promostream.promo.Promo;
import io.promostream.testing.TestBroker;
import io.promostream.testing.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ComparisonIT {

  private static final TableName TABLE = TableName.parse("public.subscribers_feedback");

  private static final Promo PROMO =
      new Promo("r", "c", "soup \"of\" the\nday", "owner", "contact", 1, 2, 3);

  private final TestDatabase database = TestDatabase.create().withFeedbackTable();
  private final String topic = "comparison-" + UUID.randomUUID();

  @BeforeEach
  void createTopic() throws Exception {
    TestBroker.get().createTopic(topic, 2);
  }

  @Test
  void acceptsEqualSides() throws Exception {
    for (String client : List.of("a", "b", "quote\\\" und, Komma", "Иван")) {
      notify(client, 7);
      row(client.replace("\\", ""), 7);
    }

    Comparison comparison = compare();

    assertThat(comparison.clean()).as(comparison.report()).isTrue();
    assertThat(comparison.notifications()).isEqualTo(4);
    assertThat(comparison.rows()).isEqualTo(4);
    assertThat(comparison.campaigns())
        .containsExactly(new Comparison.Campaign("soup \"of\" the\nday", 4, 4));
  }

  @Test
  void acceptsTwoEmptySides() throws Exception {
    assertThat(compare().clean()).isTrue();
  }

  @Test
  void findsDeliveryMissingOnEitherSide() throws Exception {
    notify("a", 7);
    row("b", 7);
    row("c", 7);

    Comparison comparison = compare();

    assertThat(comparison.clean()).isFalse();
    assertThat(comparison.notificationsWithoutRow()).isEqualTo(1);
    assertThat(comparison.rowsWithoutNotification()).isEqualTo(2);
    assertThat(comparison.notificationsTwice()).isZero();
    assertThat(comparison.rowsTwice()).isZero();
    assertThat(comparison.report()).contains("notification without a row: ", ",a,", "DIFFER");
  }

  @Test
  void findsDifferentField() throws Exception {
    for (String column :
        List.of("adv_campaign_content", "adv_campaign_owner", "adv_campaign_owner_contact")) {
      notify(column, 7);
      row(column, 7);
      database.execute(
          "UPDATE subscribers_feedback SET %1$s = 'x' WHERE client_id = '%1$s'".formatted(column));
    }
    for (String column :
        List.of(
            "adv_campaign_datetime_start",
            "adv_campaign_datetime_end",
            "datetime_created",
            "trigger_datetime_created")) {
      notify(column, 7);
      row(column, 7);
      database.execute(
          "UPDATE subscribers_feedback SET %1$s = -1 WHERE client_id = '%1$s'".formatted(column));
    }

    Comparison comparison = compare();

    assertThat(comparison.notificationsWithoutRow()).isEqualTo(7);
    assertThat(comparison.rowsWithoutNotification()).isEqualTo(7);
  }

  @Test
  void findsDuplicatesPresentOnBothSides() throws Exception {
    notify("a", 7);
    notify("a", 8);
    row("a", 7);
    row("a", 8);
    row("a", 8);

    Comparison comparison = compare();

    assertThat(comparison.notificationsTwice()).isEqualTo(1);
    assertThat(comparison.rowsTwice()).isEqualTo(2);
    assertThat(comparison.rowsWithoutNotification()).isEqualTo(1);
    assertThat(comparison.notificationsWithoutRow()).isZero();
  }

  @Test
  void findsInvalidNotifications() throws Exception {
    String good = json("a", 7);
    for (String bad :
        List.of(
            "",
            "{}",
            good + "{}",
            good.replace(":7", ":7.0"),
            good.replace(":7", ":\"7\""),
            good.replace("}", ",\"feedback\":null}"),
            good.replace(
                "\"client_id\":\"a\",\"datetime_created\":3",
                "\"datetime_created\":3,\"client_id\":\"a\""),
            good.replace("\"a\"", "\"b\""),
            good.replace("soup", "soup\\u0000"))) {
      send("a", bad);
    }

    Comparison comparison = compare();

    assertThat(comparison.malformed()).isEqualTo(9);
    assertThat(comparison.notifications()).isEqualTo(9);
    assertThat(comparison.clean()).isFalse();
    assertThat(comparison.report()).contains("malformed notification: " + topic);
  }

  @Test
  void ignoresUncommittedNotifications() throws Exception {
    try (KafkaProducer<byte[], byte[]> producer = producer(Map.of("transactional.id", topic))) {
      producer.initTransactions();
      producer.beginTransaction();
      producer.send(message("aborted", json("aborted", 7))).get();
      producer.abortTransaction();
      producer.beginTransaction();
      producer.send(message("committed", json("committed", 7))).get();
      producer.commitTransaction();
      producer.beginTransaction();
      producer.send(message("open", json("open", 7))).get();

      try (Notifications notifications = notifications()) {
        assertThat(notifications.read()).containsExactly(new Delivery(PROMO, "committed", 7));
        producer.commitTransaction();
        assertThat(notifications.read()).containsExactly(new Delivery(PROMO, "open", 7));
      }
    }
  }

  private Comparison compare() throws Exception {
    try (Notifications notifications = notifications()) {
      return Comparison.of(notifications, database.asSuperuser(), TABLE);
    }
  }

  private Notifications notifications() {
    return new Notifications(TestBroker.get().bootstrapServers(), topic);
  }

  private void notify(String clientInJson, long matchedAt) throws Exception {
    send(clientInJson.replace("\\", ""), json(clientInJson, matchedAt));
  }

  private static String json(String clientInJson, long matchedAt) {
    return "{\"restaurant_id\":\"r\",\"adv_campaign_id\":\"c\","
        + "\"adv_campaign_content\":\"soup \\\"of\\\" the\\nday\",\"adv_campaign_owner\":\"owner\","
        + "\"adv_campaign_owner_contact\":\"contact\",\"adv_campaign_datetime_start\":1,"
        + "\"adv_campaign_datetime_end\":2,\"client_id\":\""
        + clientInJson
        + "\",\"datetime_created\":3,\"trigger_datetime_created\":"
        + matchedAt
        + "}";
  }

  private void send(String key, String value) throws Exception {
    try (KafkaProducer<byte[], byte[]> producer = producer(Map.of())) {
      producer.send(message(key, value)).get();
    }
  }

  private ProducerRecord<byte[], byte[]> message(String key, String value) {
    return new ProducerRecord<>(
        topic, key.getBytes(StandardCharsets.UTF_8), value.getBytes(StandardCharsets.UTF_8));
  }

  private static KafkaProducer<byte[], byte[]> producer(Map<String, Object> settings) {
    Map<String, Object> properties = new HashMap<>(settings);
    properties.put("bootstrap.servers", TestBroker.get().bootstrapServers());
    return new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
  }

  private void row(String client, long matchedAt) {
    database.execute(
        "INSERT INTO subscribers_feedback (restaurant_id, adv_campaign_id, adv_campaign_content,"
            + " adv_campaign_owner, adv_campaign_owner_contact, adv_campaign_datetime_start,"
            + " adv_campaign_datetime_end, datetime_created, client_id, trigger_datetime_created)"
            + " VALUES ('r', 'c', E'soup \"of\" the\\nday', 'owner', 'contact', 1, 2, 3, '"
            + client
            + "', "
            + matchedAt
            + ")");
  }
}
