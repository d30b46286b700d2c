package io.promostream.kafka;

import io.promostream.config.JobConfig.StartFrom;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;
import org.apache.kafka.common.TopicPartition;

/**
 * The offsets at which a start without state begins to read. With the connector's own initializers,
 * the reader resolves "earliest" and "committed" later. The state then contains a placeholder until
 * the partition returns a record. A restore would ask the consumer group again, whose offset may
 * have changed.
 *
 * <p>An initializer also sets {@code auto.offset.reset} of the whole source. If retention removed
 * the records at the job's offsets while it was down, the job continues with the earliest promo.
 * With {@code latest} it would lose the promos that are still in the topic.
 */
@SuppressWarnings("deprecation") // the connector's interface requires OffsetResetStrategy
final class StartingOffsets implements OffsetsInitializer {

  private static final long serialVersionUID = 1;

  private final StartFrom from;

  StartingOffsets(StartFrom from) {
    this.from = from;
  }

  @Override
  public Map<TopicPartition, Long> getPartitionOffsets(
      Collection<TopicPartition> partitions, PartitionOffsetsRetriever broker) {
    if (from == StartFrom.LATEST) {
      return broker.endOffsets(partitions);
    }
    Map<TopicPartition, Long> offsets = new HashMap<>(broker.beginningOffsets(partitions));
    if (from == StartFrom.COMMITTED) {
      offsets.putAll(broker.committedOffsets(partitions));
    }
    return offsets;
  }

  @Override
  public OffsetResetStrategy getAutoOffsetResetStrategy() {
    return OffsetResetStrategy.EARLIEST;
  }
}
