package io.promostream.kafka;

import io.promostream.config.JobConfig;
import io.promostream.feedback.PrefixGuard;
import java.util.Map;
import java.util.Properties;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.ExactlyOnceWriterStart;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.sink.TransactionNamingStrategy;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.producer.ProducerConfig;

/** Makes the Kafka clients of the job from its configuration. */
public final class KafkaClients {

  private static final TransactionNamingStrategy NAMING = TransactionNamingStrategy.POOLING;
  private static final String BATCH_BYTES = "" + (64 << 10);

  private KafkaClients() {}

  /** What every client is given. */
  public static Properties properties(JobConfig.Kafka kafka) {
    Properties properties = new Properties();
    properties.putAll(kafka.properties());
    properties.put(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, kafka.bootstrapServers());
    return properties;
  }

  /**
   * A sink under the configured guarantee. Its transactional ids begin with the prefix, a slash and
   * the sink's name: no prefix holds a slash, so none begins another's ids, which would be aborted
   * with its own.
   *
   * @param name tells the job's sinks apart
   */
  public static Sink<Message> sink(JobConfig config, String topic, String name) {
    KafkaSink<Message> connectors = connectors(config, topic, name);
    return config.guarantee() == DeliveryGuarantee.EXACTLY_ONCE
        ? new LossReportingSink(
            new ExactlyOnceWriterStart<>(
                connectors, idPrefix(config, name), new MessageToTopic(topic), NAMING),
            properties(config.kafka()),
            topic,
            config.feedback().onLostTransaction(),
            new PrefixGuard(config.feedback(), config.transactionPrefix()))
        : connectors;
  }

  /**
   * What the producers are given unless the configuration says otherwise: larger batches than
   * Kafka's own spare the broker up to half of its work (figures in flink-conf/TUNING.md).
   * Exactly-once they may wait to fill, since nobody sees them before the checkpoint.
   */
  public static Map<String, String> producerDefaults(DeliveryGuarantee guarantee) {
    return guarantee == DeliveryGuarantee.EXACTLY_ONCE
        ? Map.of(
            ProducerConfig.BATCH_SIZE_CONFIG, BATCH_BYTES, ProducerConfig.LINGER_MS_CONFIG, "50")
        : Map.of(ProducerConfig.BATCH_SIZE_CONFIG, BATCH_BYTES);
  }

  private static String idPrefix(JobConfig config, String name) {
    return config.transactionPrefix() + "/" + name;
  }

  /** The connector's own sink. */
  static KafkaSink<Message> connectors(JobConfig config, String topic, String name) {
    return KafkaSink.<Message>builder()
        .setKafkaProducerConfig(producerProperties(config))
        .setDeliveryGuarantee(config.guarantee())
        .setTransactionalIdPrefix(idPrefix(config, name))
        .setTransactionNamingStrategy(NAMING)
        .setRecordSerializer(new MessageToTopic(topic))
        .build();
  }

  /** What the job's producers are given. */
  public static Properties producerProperties(JobConfig config) {
    Properties properties = new Properties();
    properties.putAll(producerDefaults(config.guarantee()));
    properties.put(
        ProducerConfig.TRANSACTION_TIMEOUT_CONFIG,
        String.valueOf(config.kafka().transactionTimeout().toMillis()));
    properties.putAll(properties(config.kafka()));
    return properties;
  }
}
