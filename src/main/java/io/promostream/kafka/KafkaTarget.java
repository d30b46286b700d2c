package io.promostream.kafka;

import io.promostream.config.JobConfig;
import io.promostream.config.JobConfig.OnLostTransaction;
import io.promostream.config.KafkaAdvice;
import io.promostream.metrics.JobMetric;
import io.promostream.replay.LeaseException;
import io.promostream.replay.Replayer;
import io.promostream.replay.Target;
import io.promostream.serialization.ValueSerializer;
import java.io.IOException;
import org.apache.flink.metrics.MetricGroup;
import org.apache.kafka.common.TopicPartition;

/**
 * A topic, with the rejected topic beside it for messages that the broker refuses.
 *
 * @param name tells the job's sinks apart, in transactional ids and groups
 * @param written counts the messages
 * @param owner names this start of the job, in the lease
 */
public record KafkaTarget<T>(
    JobConfig config,
    String topic,
    String name,
    Expansion<T> expansion,
    JobMetric written,
    String owner)
    implements Target<T> {

  @Override
  public ValueSerializer<T> serializer() {
    return expansion.serializer();
  }

  @Override
  public int records(T element) {
    return expansion.messages(element);
  }

  @Override
  public long expandedBytes(T element) {
    return expansion.expandedBytes(element);
  }

  @Override
  public OnLostTransaction onLostCommits() {
    return config.feedback().onLostTransaction();
  }

  @Override
  public Replayer<T> open(MetricGroup metrics) throws IOException, InterruptedException {
    KafkaReplayer<T> replayer = null;
    try {
      replayer = new KafkaReplayer<>(this, metrics);
      replayer.open();
      return replayer;
    } catch (Exception e) {
      if (replayer != null) {
        replayer.close();
      }
      if (e instanceof InterruptedException interrupted) {
        throw interrupted;
      }
      throw new IOException(
          "The sink of topic %s did not start at %s: %s"
              .formatted(
                  topic,
                  config.kafka().bootstrapServers(),
                  e instanceof LeaseException ? e.getMessage() : KafkaAdvice.causeAndAdvice(e)),
          e);
    }
  }

  /** Begins the names of this sink's writers at the broker: transactional ids and groups. */
  String idPrefix() {
    return KafkaClients.idPrefix(config, name) + "/";
  }

  /** The partition that marks are offsets of. It means nothing. */
  TopicPartition markPartition() {
    return new TopicPartition(topic, 0);
  }

  /** The partition that the lease is the offset of: one for all sinks, so that they share it. */
  TopicPartition leasePartition() {
    return new TopicPartition(config.notificationsTopic(), 0);
  }

  /** The group that keeps the job's lease, and the transactional id by which it is taken. */
  String leaseGroup() {
    return KafkaClients.idPrefix(config, "lease");
  }
}
