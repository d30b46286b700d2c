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
   * The default batch size of the producers. It is larger than Kafka's default and saves up to half
   * of the broker's work (figures in src/site/markdown/performance.md).
   */
  private static final int BATCH_BYTES = 64 << 10;

  /** Lets batches fill. No message waits this long, because a commit sends all batches at once. */
  private static final String TRANSACTIONAL_LINGER_MILLIS = "100";

  private KafkaClients() {}

  /** The properties of every client. */
  public static Properties properties(JobConfig.Kafka kafka) {
    Properties properties = new Properties();
    properties.putAll(kafka.properties());
    properties.put(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, kafka.bootstrapServers());
    return properties;
  }

  /** The properties of the job's producers. */
  public static Properties producerProperties(JobConfig config) {
    return producerProperties(config, config.kafka().maxRecordSize());
  }

  /**
   * The properties of a producer whose batches fit its topics. If the broker refuses a batch as too
   * large, the producer splits it and then gets stuck in its transaction (seen with Kafka 4.1).
   *
   * @param largest the largest message that the topics accept
   */
  static Properties producerProperties(JobConfig config, int largest) {
    Properties properties = new Properties();
    properties.put(ProducerConfig.BATCH_SIZE_CONFIG, BATCH_BYTES);
    properties.put(ProducerConfig.COMPRESSION_TYPE_CONFIG, config.kafka().compression());
    properties.putAll(properties(config.kafka()));
    int batch =
        Integer.parseInt(properties.get(ProducerConfig.BATCH_SIZE_CONFIG).toString().strip());
    properties.put(ProducerConfig.BATCH_SIZE_CONFIG, Math.min(batch, largest));
    return properties;
  }

  /**
   * Creates a producer. The caller must call {@code initTransactions}, which fences earlier
   * producers.
   *
   * @param id the transactional id
   * @param largest the largest message that the topics accept
   */
  static KafkaProducer<byte[], byte[]> transactionalProducer(
      JobConfig config, String id, int largest) {
    NativeLz4.load();
    Properties properties = new Properties();
    properties.put(ProducerConfig.LINGER_MS_CONFIG, TRANSACTIONAL_LINGER_MILLIS);
    properties.putAll(producerProperties(config, largest));
    properties.put(ProducerConfig.TRANSACTIONAL_ID_CONFIG, id);
    return new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
  }

  /**
   * The metadata of a consumer group without consumers, whose offset is a mark or a lease. Kafka
   * 4.2 deprecates this constructor in favor of {@code KafkaConsumer.groupMetadata()}, which needs
   * a consumer.
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
