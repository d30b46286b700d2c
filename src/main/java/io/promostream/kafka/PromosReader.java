package io.promostream.kafka;

import io.promostream.config.JobConfig.StartFrom;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.base.source.reader.synchronization.FutureCompletingBlockingQueue;
import org.apache.flink.connector.kafka.source.enumerator.KafkaSourceEnumerator.PartitionOffsetsRetrieverImpl;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer.PartitionOffsetsRetriever;
import org.apache.flink.connector.kafka.source.metrics.KafkaSourceReaderMetrics;
import org.apache.flink.connector.kafka.source.reader.KafkaPartitionSplitReader;
import org.apache.flink.connector.kafka.source.reader.KafkaRecordEmitter;
import org.apache.flink.connector.kafka.source.reader.KafkaSourceReader;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.connector.kafka.source.split.KafkaPartitionSplit;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.common.TopicPartition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The connector's reader with two changes: it knows the offset of each partition from the start,
 * and {@link GroupOffsets} commits the offsets of the group.
 */
final class PromosReader<T> extends KafkaSourceReader<T> {

  private static final Logger LOG = LoggerFactory.getLogger(PromosReader.class);

  /**
   * The placeholders that a split may contain instead of an offset. The connector creates such
   * splits for partitions that it discovers after the start. Savepoints of releases up to 0.1.0
   * contain them too.
   */
  private static final Map<Long, StartingOffsets> MARKERS =
      Map.of(
          KafkaPartitionSplit.EARLIEST_OFFSET, new StartingOffsets(StartFrom.EARLIEST),
          KafkaPartitionSplit.COMMITTED_OFFSET, new StartingOffsets(StartFrom.COMMITTED));

  private final PartitionOffsetsRetriever broker;

  private PromosReader(
      GroupOffsets fetchers,
      KafkaRecordDeserializationSchema<T> deserializer,
      SourceReaderContext context,
      KafkaSourceReaderMetrics metrics,
      PartitionOffsetsRetriever broker) {
    super(
        // The reader does not use this queue, because it takes the queue of the fetchers.
        new FutureCompletingBlockingQueue<>(),
        fetchers,
        new KafkaRecordEmitter<>(deserializer),
        new Configuration(),
        context,
        metrics);
    this.broker = broker;
  }

  static <T> PromosReader<T> create(
      Properties consumer,
      Properties client,
      String group,
      KafkaRecordDeserializationSchema<T> deserializer,
      SourceReaderContext context) {
    KafkaSourceReaderMetrics metrics = new KafkaSourceReaderMetrics(context.metricGroup());
    AdminClient admin = AdminClient.create(client);
    GroupOffsets fetchers =
        new GroupOffsets(
            () -> new KafkaPartitionSplitReader(consumer, context, metrics), admin, group);
    return new PromosReader<>(
        fetchers, deserializer, context, metrics, new PartitionOffsetsRetrieverImpl(admin, group));
  }

  @Override
  public void addSplits(List<KafkaPartitionSplit> splits) {
    super.addSplits(splits.stream().map(this::withOffset).toList());
  }

  private KafkaPartitionSplit withOffset(KafkaPartitionSplit split) {
    StartingOffsets start = MARKERS.get(split.getStartingOffset());
    if (start == null) {
      return split;
    }
    TopicPartition partition = split.getTopicPartition();
    long offset = start.getPartitionOffsets(List.of(partition), broker).get(partition);
    LOG.info("The state has no offset for {}. Reading starts at {}.", partition, offset);
    return new KafkaPartitionSplit(partition, offset);
  }
}
