package io.promostream.kafka;

import io.promostream.config.JobConfig;
import io.promostream.config.JobConfig.OnLostTransaction;
import io.promostream.metrics.JobMetric;
import io.promostream.replay.LeaseException;
import io.promostream.replay.Replayer;
import io.promostream.replay.Target;
import io.promostream.serialization.ValueSerializer;
import java.io.IOException;
import java.util.List;
import org.apache.flink.metrics.MetricGroup;
import org.apache.kafka.common.TopicPartition;

/**
 * A topic to write to, and the rejected topic for messages that the broker refuses.
 *
 * @param name the name of the sink in transactional ids and groups
 * @param written counts the messages
 * @param owner the name of this start of the job in the lease
 */
public record KafkaTarget<T>(
    JobConfig config,
    String topic,
    String name,
    Expansion<T> expansion,
    JobMetric written,
    String owner)
    implements Target<T> {

  /** The name of the sink of notifications. */
  public static final String NOTIFICATIONS = "notifications";

  /** The name of the sink of rejected promos. */
  public static final String REJECTED = "rejected";

  /** The setting of the broker that says how long it keeps a mark. */
  public static final String MARK_RETENTION = "offsets.retention.minutes";

  private static final String LEASE = "lease";

  /** What transactional ids and groups of a job begin with: those of its sinks, and its lease. */
  public static List<String> idPrefixes(JobConfig config) {
    return List.of(
        idPrefix(config, NOTIFICATIONS) + "/",
        idPrefix(config, REJECTED) + "/",
        idPrefix(config, LEASE));
  }

  /** No prefix holds a slash, so none begins another's names. */
  private static String idPrefix(JobConfig config, String name) {
    return config.transactionPrefix() + "/" + name;
  }

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
          "The sink of topic %s cannot start at %s: %s"
              .formatted(
                  topic,
                  config.kafka().bootstrapServers(),
                  e instanceof LeaseException ? e.getMessage() : KafkaAdvice.causeAndAdvice(e)),
          e);
    }
  }

  /** Begins the names of this sink's writers at the broker: transactional ids and groups. */
  String idPrefix() {
    return idPrefix(config, name) + "/";
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
    return idPrefix(config, LEASE);
  }
}
