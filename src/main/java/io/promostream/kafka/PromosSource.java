package io.promostream.kafka;

import io.promostream.config.JobConfig;
import java.util.Properties;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.api.java.typeutils.ResultTypeQueryable;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.KafkaSourceOptions;
import org.apache.flink.connector.kafka.source.enumerator.KafkaSourceEnumState;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.connector.kafka.source.split.KafkaPartitionSplit;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.streaming.api.lineage.LineageVertexProvider;
import org.apache.flink.streaming.api.lineage.SourceLineageVertex;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Reads the promos topic with Flink's connector and the reader of this package. The connector alone
 * breaks two promises: the state contains an offset for each partition ({@link PromosReader}), and
 * the consumer group follows the checkpoints ({@link GroupOffsets}).
 */
public final class PromosSource<T>
    implements Source<T, KafkaPartitionSplit, KafkaSourceEnumState>,
        ResultTypeQueryable<T>,
        LineageVertexProvider {

  private final KafkaSource<T> delegate;
  private final KafkaRecordDeserializationSchema<T> deserializer;
  private final String group;
  private final JobConfig.Kafka kafka;
  private final String topic;
  private final Properties client;
  private final Properties consumer = new Properties();

  public PromosSource(JobConfig config, KafkaRecordDeserializationSchema<T> deserializer) {
    this.deserializer = deserializer;
    kafka = config.kafka();
    topic = config.promos().topic();
    group = config.promos().groupId();
    client = KafkaClients.properties(kafka);
    // A promo of an aborted transaction was never published.
    consumer.setProperty(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
    consumer.setProperty(KafkaSourceOptions.CLIENT_ID_PREFIX.key(), group);
    consumer.putAll(client);
    String bytes = ByteArrayDeserializer.class.getName();
    consumer.setProperty(ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG, bytes);
    consumer.setProperty(ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG, bytes);
    consumer.setProperty(ConsumerConfig.GROUP_ID_CONFIG, group);
    consumer.setProperty(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
    delegate =
        KafkaSource.<T>builder()
            .setProperties(consumer)
            .setKafkaSubscriber(new SourceTopic(config.kafka(), config.promos().topic()))
            .setStartingOffsets(new StartingOffsets(config.promos().startFrom()))
            .setDeserializer(deserializer)
            .build();
    // Set it only now, because the builder warns if it is already set.
    consumer.setProperty(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
  }

  @Override
  public SourceReader<T, KafkaPartitionSplit> createReader(SourceReaderContext context) {
    return PromosReader.create(consumer, client, group, deserializer, context);
  }

  @Override
  public SplitEnumerator<KafkaPartitionSplit, KafkaSourceEnumState> createEnumerator(
      SplitEnumeratorContext<KafkaPartitionSplit> context) {
    return delegate.createEnumerator(context);
  }

  @Override
  public SplitEnumerator<KafkaPartitionSplit, KafkaSourceEnumState> restoreEnumerator(
      SplitEnumeratorContext<KafkaPartitionSplit> context, KafkaSourceEnumState checkpoint)
      throws Exception {
    return delegate.restoreEnumerator(context, checkpoint);
  }

  @Override
  public Boundedness getBoundedness() {
    return delegate.getBoundedness();
  }

  @Override
  public SimpleVersionedSerializer<KafkaPartitionSplit> getSplitSerializer() {
    return delegate.getSplitSerializer();
  }

  @Override
  public SimpleVersionedSerializer<KafkaSourceEnumState> getEnumeratorCheckpointSerializer() {
    return delegate.getEnumeratorCheckpointSerializer();
  }

  @Override
  public TypeInformation<T> getProducedType() {
    return delegate.getProducedType();
  }

  @Override
  public SourceLineageVertex getLineageVertex() {
    return TopicLineage.source(kafka, topic);
  }
}
