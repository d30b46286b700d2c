package io.promostream.kafka;

import io.promostream.config.JobConfig.StartFrom;
import java.util.Collection;
import java.util.Map;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;
import org.apache.kafka.common.TopicPartition;

/**
 * Where a start without state begins to read, and nothing more: an initializer also sets the whole
 * source's {@code auto.offset.reset}. A job whose offsets fell out of retention while it was down
 * goes on with the earliest promo there is; at the latest it would lose those still in the topic.
 */
@SuppressWarnings("deprecation") // OffsetResetStrategy: the connector knows no other way yet
public final class StartingOffsets implements OffsetsInitializer {

  private static final long serialVersionUID = 1;

  private final OffsetsInitializer connectors;

  public StartingOffsets(StartFrom from) {
    connectors =
        switch (from) {
          case COMMITTED -> OffsetsInitializer.committedOffsets();
          case EARLIEST -> OffsetsInitializer.earliest();
          case LATEST -> OffsetsInitializer.latest();
        };
  }

  @Override
  public Map<TopicPartition, Long> getPartitionOffsets(
      Collection<TopicPartition> partitions, PartitionOffsetsRetriever retriever) {
    return connectors.getPartitionOffsets(partitions, retriever);
  }

  /** Also where a group that is to go on with what it committed has committed nothing. */
  @Override
  public OffsetResetStrategy getAutoOffsetResetStrategy() {
    return OffsetResetStrategy.EARLIEST;
  }
}
