package io.promostream.lost;

import static java.util.concurrent.TimeUnit.SECONDS;
import static java.util.stream.Collectors.toMap;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.promostream.config.JobConfig;
import io.promostream.kafka.KafkaClients;
import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** The committed notifications, from a moment on to the topic's ends. */
final class NotificationsTopic {

  /** Clocks of different machines differ, and a message's time is its producer's. */
  private static final Duration CLOCKS = Duration.ofMinutes(10);

  private static final Duration SAY_SO = Duration.ofSeconds(2);

  private static final JsonFactory JSON = new JsonFactory();

  private final JobConfig config;
  private final PrintStream out;

  NotificationsTopic(JobConfig config, PrintStream out) {
    this.config = config;
    this.out = out;
  }

  /**
   * What identifies each, sorted. Waits for the transactions that are open when it begins.
   *
   * @throws IOException if the topic no longer goes back that far
   */
  long[] hashesFrom(Instant from)
      throws IOException, ExecutionException, InterruptedException, TimeoutException {
    Properties properties = KafkaClients.properties(config.kafka());
    properties.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
    properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
    properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "none");
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      Map<TopicPartition, Long> left = ends();
      consumer.assign(left.keySet());
      seek(consumer, from.minus(CLOCKS));
      Hashes hashes = new Hashes();
      long quiet = System.nanoTime();
      while (!isRead(consumer, left)) {
        var records = consumer.poll(Duration.ofMillis(200));
        for (ConsumerRecord<byte[], byte[]> record : records) {
          if (record.value() != null) {
            add(record.value(), hashes);
          }
        }
        if (!records.isEmpty()) {
          quiet = System.nanoTime();
        } else if (System.nanoTime() - quiet > SAY_SO.toNanos()) {
          out.printf(
              "waiting for the transactions that are open in %s; Kafka ends them when they time out%n",
              left.keySet());
          quiet = System.nanoTime();
        }
      }
      return hashes.sorted();
    }
  }

  /** Where each partition ends, open transactions included. */
  private Map<TopicPartition, Long> ends()
      throws ExecutionException, InterruptedException, TimeoutException {
    String topic = config.notificationsTopic();
    try (Admin admin = Admin.create(KafkaClients.properties(config.kafka()))) {
      Map<TopicPartition, OffsetSpec> latest =
          admin
              .describeTopics(List.of(topic))
              .topicNameValues()
              .get(topic)
              .get(60, SECONDS)
              .partitions()
              .stream()
              .collect(
                  toMap(
                      partition -> new TopicPartition(topic, partition.partition()),
                      partition -> OffsetSpec.latest()));
      Map<TopicPartition, ListOffsetsResultInfo> ends =
          admin
              .listOffsets(latest, new ListOffsetsOptions(IsolationLevel.READ_UNCOMMITTED))
              .all()
              .get(60, SECONDS);
      return new HashMap<>(
          ends.entrySet().stream().collect(toMap(Map.Entry::getKey, e -> e.getValue().offset())));
    }
  }

  private static boolean isRead(
      KafkaConsumer<byte[], byte[]> consumer, Map<TopicPartition, Long> left) {
    left.entrySet().removeIf(end -> consumer.position(end.getKey()) >= end.getValue());
    return left.isEmpty();
  }

  /** To the first message from then on, of each partition. */
  private static void seek(KafkaConsumer<byte[], byte[]> consumer, Instant from)
      throws IOException {
    Set<TopicPartition> partitions = consumer.assignment();
    Map<TopicPartition, Long> times =
        partitions.stream().collect(toMap(partition -> partition, p -> from.toEpochMilli()));
    Map<TopicPartition, Long> oldest = consumer.beginningOffsets(partitions);
    Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
    for (var found : consumer.offsetsForTimes(times).entrySet()) {
      TopicPartition partition = found.getKey();
      // Without any from then on, all there is is older.
      long first = found.getValue() == null ? ends.get(partition) : found.getValue().offset();
      if (oldest.get(partition) > 0 && first <= oldest.get(partition)) {
        throw new IOException(
            "%s no longer holds what it held at %s: what was deleted since would look lost. Choose a later window"
                .formatted(partition, from));
      }
      consumer.seek(partition, first);
    }
  }

  /** Adds a notification; what is none can't be one that is looked for. */
  private static void add(byte[] notification, Hashes hashes) {
    Map<String, String> texts = new HashMap<>();
    try (JsonParser json = JSON.createParser(notification)) {
      while (json.nextToken() != null) {
        if (json.currentToken() == JsonToken.VALUE_STRING) {
          texts.put(json.currentName(), json.getText());
        }
      }
    } catch (IOException e) {
      return;
    }
    hashes.add(
        Hashes.of(
            texts.getOrDefault("restaurant_id", ""),
            texts.getOrDefault("adv_campaign_id", ""),
            texts.getOrDefault("client_id", "")));
  }
}
