package io.promostream.local.page;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.promostream.config.TableName;
import io.promostream.testing.TestBroker;
import io.promostream.testing.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A page with topics and tables that the test fills instead of the job. */
class PageOnTestSite {

  final String prefix = "page-" + UUID.randomUUID() + "-";
  final TestDatabase database = TestDatabase.create().withFeedbackTable().withSubscribersTable();
  final FakeEngine engine = new FakeEngine();
  Page page;
  PageClient client;
  KafkaProducer<byte[], byte[]> producer;

  @BeforeEach
  void start() throws Exception {
    for (String topic : List.of("promos", "notifications", "rejected", "reports", "control")) {
      TestBroker.get().createTopic(prefix + topic, 1);
    }
    producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", TestBroker.get().bootstrapServers()),
            new ByteArraySerializer(),
            new ByteArraySerializer());
    page = Page.start(site(), engine, 0);
    client = new PageClient(page.address());
  }

  Site site() {
    return new Site(
        TestBroker.get().bootstrapServers(),
        prefix + "promos",
        prefix + "notifications",
        prefix + "rejected",
        prefix + "reports",
        prefix + "control",
        database.asSuperuser(),
        TableName.parse("public.subscribers_restaurants"),
        database.asSuperuser(),
        TableName.parse("public.subscribers_feedback"),
        TableName.parse("public.subscribers_feedback_refused"));
  }

  @AfterEach
  void stop() throws Exception {
    page.close();
    producer.close();
  }

  void deliver(String client) throws Exception {
    send("notifications", client, notification(client));
  }

  static String notification(String client) {
    return """
        {"restaurant_id":"r","adv_campaign_id":"c","adv_campaign_content":"Soup",\
        "adv_campaign_owner":"o","adv_campaign_owner_contact":"oc","adv_campaign_datetime_start":1,\
        "adv_campaign_datetime_end":2,"client_id":"%s","datetime_created":3,\
        "trigger_datetime_created":4}"""
        .formatted(client);
  }

  void row(String client) {
    database.execute(insert(client));
  }

  static String insert(String client) {
    return "INSERT INTO subscribers_feedback (restaurant_id, adv_campaign_id, adv_campaign_content,"
        + " adv_campaign_owner, adv_campaign_owner_contact, adv_campaign_datetime_start,"
        + " adv_campaign_datetime_end, datetime_created, client_id, trigger_datetime_created)"
        + " VALUES ('r', 'c', 'Soup', 'o', 'oc', 1, 2, 3, '"
        + client
        + "', 4)";
  }

  void send(String topic, String key, String value) throws Exception {
    producer
        .send(
            new ProducerRecord<>(
                prefix + topic,
                key == null ? null : key.getBytes(UTF_8),
                value == null ? null : value.getBytes(UTF_8)))
        .get();
  }

  List<String> read(String topic, int messages) {
    List<String> read = new ArrayList<>();
    try (KafkaConsumer<String, String> consumer =
        new KafkaConsumer<>(
            Map.of("bootstrap.servers", TestBroker.get().bootstrapServers()),
            new StringDeserializer(),
            new StringDeserializer())) {
      List<TopicPartition> partitions = List.of(new TopicPartition(prefix + topic, 0));
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      while (read.size() < messages) {
        consumer.poll(Duration.ofSeconds(1)).forEach(message -> read.add(message.value()));
      }
    }
    return read;
  }

  /** A job that always runs. The test completes its checkpoints. */
  static final class FakeEngine implements Engine {

    final AtomicInteger checkpoints = new AtomicInteger(1);
    final List<String> faults = new CopyOnWriteArrayList<>();

    @Override
    public Flow flow() {
      return new Flow("RUNNING", 14, 14, 0, 0, 0, 0, 0, 0, 0, null, checkpoints.get(), 1, 1);
    }

    @Override
    public String preview(byte[] promo) {
      return "{\"promo\":" + new String(promo, UTF_8) + "}";
    }

    @Override
    public void killTaskManager() {
      faults.add("kill");
    }

    @Override
    public void restartDatabase() {
      faults.add("restart");
    }
  }
}
