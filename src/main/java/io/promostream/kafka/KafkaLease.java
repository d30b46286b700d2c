package io.promostream.kafka;

import io.promostream.replay.Lease;
import io.promostream.replay.Lease.Holder;
import java.util.Map;
import java.util.Objects;
import org.apache.flink.util.ExceptionUtils;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.jspecify.annotations.Nullable;

/**
 * Stores the lease as the offset of a group, with the owner as its metadata.
 *
 * <p>Kafka has no compare-and-set for offsets, so a new owner is written in a transaction. If
 * several jobs want the lease, only the job with the newest producer can commit. That job reads the
 * lease again after it has fenced the others. A renewal does not change the owner and needs no
 * transaction.
 */
record KafkaLease(KafkaTarget<?> target, Admin admin) implements Lease.Store {

  @Override
  public @Nullable Holder read() throws Exception {
    OffsetAndMetadata found =
        KafkaReplayer.offset(admin, target.leaseGroup(), target.leasePartition());
    return found == null ? null : new Holder(found.metadata(), found.offset());
  }

  @Override
  public void replace(@Nullable Holder expected, Holder next) throws Exception {
    Map<TopicPartition, OffsetAndMetadata> lease =
        Map.of(target.leasePartition(), new OffsetAndMetadata(next.renewals(), next.owner()));
    if (!next.owner().equals(target.owner())
        || (expected != null && expected.owner().equals(target.owner()))) {
      KafkaReplayer.get(admin.alterConsumerGroupOffsets(target.leaseGroup(), lease).all());
      return;
    }
    try (KafkaProducer<byte[], byte[]> producer =
        KafkaClients.transactionalProducer(
            target.config(), target.leaseGroup(), target.config().kafka().maxRecordSize())) {
      producer.initTransactions();
      if (Objects.equals(expected, read())) {
        producer.beginTransaction();
        producer.sendOffsetsToTransaction(lease, KafkaClients.group(target.leaseGroup()));
        producer.commitTransaction();
      }
    } catch (KafkaException e) {
      if (ExceptionUtils.findThrowable(e, ProducerFencedException.class).isEmpty()
          && ExceptionUtils.findThrowable(e, InvalidProducerEpochException.class).isEmpty()) {
        throw e;
      }
      // Another job took the lease at the same moment. The caller reads the lease again.
    }
  }

  @Override
  public String describe() {
    return target.leaseGroup() + " at " + target.config().kafka().bootstrapServers();
  }
}
