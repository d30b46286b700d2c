package io.promostream.kafka;

import io.promostream.config.JobConfig;
import io.promostream.config.JobConfig.StartFrom;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.kafka.clients.consumer.ConsumerConfig;

/** Reads the control topic with Flink's connector. */
public final class CommandsSource {

  private CommandsSource() {}

  /**
   * A source that continues after the commands that the job has read, and begins with the first one
   * if it has read none. To read old commands again could stop campaigns that were resumed since.
   */
  public static <T> Source<T, ?, ?> of(
      JobConfig config, KafkaRecordDeserializationSchema<T> deserializer) {
    return KafkaSource.<T>builder()
        .setProperties(KafkaClients.properties(config.kafka()))
        .setProperty(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed")
        .setClientIdPrefix(config.promos().groupId() + "-control")
        .setKafkaSubscriber(new SourceTopic(config.kafka(), config.controlTopic()))
        .setGroupId(config.promos().groupId())
        .setStartingOffsets(new StartingOffsets(StartFrom.COMMITTED))
        .setDeserializer(deserializer)
        .build();
  }
}
