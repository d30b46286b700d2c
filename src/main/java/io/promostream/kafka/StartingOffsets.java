package io.promostream.kafka;

import io.promostream.config.JobConfig.StartFrom;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;
import org.apache.kafka.common.TopicPartition;

/**
 * Where a start without state begins to read, as offsets. The connector's own initializers leave
 * "earliest" and "committed" for the reader to resolve. State then holds that word until the
 * partition gives a record, and a restore asks the consumer group, which may have moved on.
 *
 * <p>An initializer also sets the whole source's {@code auto.offset.reset}. A job whose offsets
 * fell out of retention while it was down continues with the earliest promo there is. With {@code
 * latest} it would lose those still in the topic.
 */
@SuppressWarnings("deprecation") // OffsetResetStrategy: the connector knows no other way yet
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
