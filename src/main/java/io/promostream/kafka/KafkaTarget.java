package io.promostream.kafka;

import io.promostream.config.JobConfig;
import io.promostream.config.JobConfig.OnLostTransaction;
import io.promostream.metrics.JobMetric;
import io.promostream.replay.LeaseException;
import io.promostream.replay.Replayer;
import io.promostream.replay.Target;
import io.promostream.serialization.ValueSerializer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.streaming.api.lineage.LineageDataset;
import org.apache.kafka.common.TopicPartition;

/**
 * A topic as a target of the replay. Messages that the topic refuses go to the rejected topic.
 *
 * @param name the name of the sink in transactional ids and groups
 * @param written the metric that counts the written messages
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

  /** The name of the sink of reports. */
  public static final String REPORTS = "reports";

  /** The broker's setting for how long it keeps a mark. */
  public static final String MARK_RETENTION = "offsets.retention.minutes";

  private static final String LEASE = "lease";

  /**
   * A broker takes this many notifications in about 0.2 s. With 5,000 messages and rows in a
   * transaction, the job made 7 % fewer deliveries a second, and with 5,000 rows alone 2 % fewer.
   */
  private static final int TRANSACTION_MESSAGES = 30_000;

  /** The prefixes of the transactional ids and groups of a job: one per sink, and the lease. */
  public static List<String> idPrefixes(JobConfig config) {
    List<String> prefixes =
        new ArrayList<>(
            List.of(
                idPrefix(config, NOTIFICATIONS) + "/",
                idPrefix(config, REJECTED) + "/",
                idPrefix(config, LEASE)));
    if (config.reports().topic() != null) {
      prefixes.add(idPrefix(config, REPORTS) + "/");
    }
    return prefixes;
  }

  /**
   * Separates with a slash. A transaction prefix contains none, so no job's names match another's.
   */
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
  public int maxRecords() {
    return TRANSACTION_MESSAGES;
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
  public LineageDataset dataset() {
    return TopicLineage.dataset(config.kafka(), topic);
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

  /** The prefix of the transactional ids and groups of this sink's writers. */
  String idPrefix() {
    return idPrefix(config, name) + "/";
  }

  /** The partition for which marks are stored as offsets. The choice has no meaning. */
  TopicPartition markPartition() {
    return new TopicPartition(topic, 0);
  }

  /** The partition for which the lease is stored as an offset. All sinks share one lease. */
  TopicPartition leasePartition() {
    return new TopicPartition(config.notificationsTopic(), 0);
  }

  /** The group that stores the job's lease, and the transactional id that takes the lease. */
  String leaseGroup() {
    return idPrefix(config, LEASE);
  }
}
