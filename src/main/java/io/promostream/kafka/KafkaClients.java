package io.promostream.kafka;

import io.promostream.config.JobConfig;
import java.util.Properties;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Creates the job's Kafka clients from the configuration. */
public final class KafkaClients {

  /**
   * What the producers are given unless the configuration says otherwise: larger batches than
   * Kafka's own spare the broker up to half of its work (figures in
   * src/site/markdown/performance.md).
   */
  private static final int BATCH_BYTES = 64 << 10;

  /** Lets batches fill: a commit sends what is left at once, so nothing waits for this long. */
  private static final String TRANSACTIONAL_LINGER_MILLIS = "100";

  private KafkaClients() {}

  /** What every client is given. */
  public static Properties properties(JobConfig.Kafka kafka) {
    Properties properties = new Properties();
    properties.putAll(kafka.properties());
    properties.put(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, kafka.bootstrapServers());
    return properties;
  }

  /** What the job's producers are given. */
  public static Properties producerProperties(JobConfig config) {
    return producerProperties(config, config.kafka().maxRecordSize());
  }

  /**
   * Likewise, for certain topics.
   *
   * @param largest message that their topics take: a producer that has to split a batch which the
   *     broker finds too large gets stuck in a transaction (seen with Kafka 4.1)
   */
  static Properties producerProperties(JobConfig config, int largest) {
    Properties properties = new Properties();
    properties.put(ProducerConfig.BATCH_SIZE_CONFIG, BATCH_BYTES);
    properties.putAll(properties(config.kafka()));
    int batch =
        Integer.parseInt(properties.get(ProducerConfig.BATCH_SIZE_CONFIG).toString().strip());
    properties.put(ProducerConfig.BATCH_SIZE_CONFIG, Math.min(batch, largest));
    return properties;
  }

  /**
   * A producer that has yet to fence its predecessors.
   *
   * @param id its transactional id
   */
  static KafkaProducer<byte[], byte[]> transactionalProducer(
      JobConfig config, String id, int largest) {
    Properties properties = new Properties();
    properties.put(ProducerConfig.LINGER_MS_CONFIG, TRANSACTIONAL_LINGER_MILLIS);
    properties.putAll(producerProperties(config, largest));
    properties.put(ProducerConfig.TRANSACTIONAL_ID_CONFIG, id);
    return new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
  }

  /**
   * A consumer group without consumers, whose offsets are marks. Kafka 4.2 deprecates this
   * constructor for {@code KafkaConsumer.groupMetadata()}, which needs a consumer.
   */
  @SuppressWarnings("removal")
  static ConsumerGroupMetadata group(String id) {
    return new ConsumerGroupMetadata(id);
  }

  /** The connector's at-least-once sink. */
  public static Sink<Message> atLeastOnce(JobConfig config, String topic) {
    return KafkaSink.<Message>builder()
        .setKafkaProducerConfig(producerProperties(config))
        .setDeliveryGuarantee(DeliveryGuarantee.AT_LEAST_ONCE)
        .setRecordSerializer(new MessageToTopic(topic, config.rejectedTopic()))
        .build();
  }
}
