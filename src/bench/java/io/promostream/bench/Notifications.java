package io.promostream.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** The times at which Kafka stored the notifications of each campaign, read at the end. */
final class Notifications {

  private static final String CAMPAIGN = "\"adv_campaign_id\":\"";

  private Notifications() {}

  /**
   * Of one campaign.
   *
   * @param first when the job's producer took the first, epoch milliseconds
   */
  record Written(long count, long first, long last) {

    private static Written at(long time) {
      return new Written(1, time, time);
    }

    private Written and(Written other) {
      return new Written(
          count + other.count, Math.min(first, other.first), Math.max(last, other.last));
    }
  }

  /** Everything that the topic holds, committed or not, by campaign. */
  static Map<String, Written> read(Installation installation) {
    Map<String, Written> campaigns = new HashMap<>();
    readAll(
        installation,
        message ->
            campaigns.merge(
                campaign(message.value()), Written.at(message.timestamp()), Written::and));
    return campaigns;
  }

  /** Shows each message that the topic holds, committed or not. */
  static void readAll(
      Installation installation, Consumer<ConsumerRecord<byte[], byte[]>> messages) {
    List<TopicPartition> partitions = Installation.notificationPartitions();
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(
            Map.of("bootstrap.servers", installation.broker().bootstrapServers()),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer())) {
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      while (ends.entrySet().stream()
          .anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
        for (ConsumerRecord<byte[], byte[]> message : consumer.poll(Duration.ofSeconds(1))) {
          messages.accept(message);
        }
      }
    }
  }

  static String campaign(byte[] notification) {
    String json = new String(notification, UTF_8);
    int start = json.indexOf(CAMPAIGN) + CAMPAIGN.length();
    return json.substring(start, json.indexOf('"', start));
  }
}
