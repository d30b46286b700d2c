package io.promostream.kafka;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.promostream.config.JobConfig;
import io.promostream.testing.TestBroker;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Kafka accepts messages just within the limit, and refuses larger ones. */
class TopicLimitsIT {

  @ParameterizedTest
  @CsvSource({
    "2000000, 33554432, 1000, 1000",
    "2000, 33554432, 1000000, 2000",
    "2000000, 3000, 1000000, 3000"
  })
  void smallestOfThreeLimitsApplies(int requestSize, long memory, int topicSize, int limit)
      throws Exception {
    String topic = "limited-by-" + limit;
    TestBroker.get().createTopic(topic, 1, Map.of("max.message.bytes", "" + topicSize));
    JobConfig.Kafka kafka =
        new JobConfig.Kafka(
            TestBroker.get().bootstrapServers(),
            Map.of(
                "max.request.size",
                "" + requestSize,
                "buffer.memory",
                "" + memory,
                "batch.size",
                "1",
                "compression.type",
                "none"));
    assertThat(TopicLimits.ofBroker(kafka, topic).maxMessageBytes(topic)).isEqualTo(limit);
    Properties properties = KafkaClients.properties(kafka);
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer())) {
      send(producer, topic, limit);
      // The topic counts a few bytes less than the calculated maximum for the frame.
      assertThatThrownBy(() -> send(producer, topic, limit + 100))
          .hasCauseInstanceOf(RecordTooLargeException.class);
    }
  }

  /** Random data grows by compression, whether the producer or the broker compresses it. */
  @ParameterizedTest
  @CsvSource({
    "gzip, none",
    "lz4, none",
    "snappy, none",
    "zstd, none",
    "uncompressed, none",
    "producer, gzip"
  })
  void limitLeavesRoomForCompressionOverhead(String topicCodec, String producerCodec)
      throws Exception {
    int most = 100_000;
    String topic = "compressed-by-%s-%s".formatted(topicCodec, producerCodec);
    TestBroker.get()
        .createTopic(
            topic, 1, Map.of("max.message.bytes", "" + most, "compression.type", topicCodec));
    JobConfig.Kafka kafka =
        new JobConfig.Kafka(
            TestBroker.get().bootstrapServers(), Map.of("compression.type", producerCodec));
    int limit = TopicLimits.ofBroker(kafka, topic).maxMessageBytes(topic);
    assertThat(most - limit).isBetween(0, most / 100);
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(
            KafkaClients.properties(kafka), new ByteArraySerializer(), new ByteArraySerializer())) {
      send(producer, topic, limit);
    }
  }

  private static void send(KafkaProducer<byte[], byte[]> producer, String topic, int size)
      throws Exception {
    int frame = TopicLimits.sizeOf(new Message(null, new byte[size], List.of())) - size;
    byte[] value = new byte[size - frame];
    new Random(1).nextBytes(value);
    assertThat(TopicLimits.sizeOf(new Message(null, value, List.of()))).isEqualTo(size);
    producer.send(new ProducerRecord<>(topic, value)).get(60, SECONDS);
  }
}
