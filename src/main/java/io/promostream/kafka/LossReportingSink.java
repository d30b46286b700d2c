package io.promostream.kafka;

import io.promostream.config.JobConfig.OnLostTransaction;
import io.promostream.config.KafkaAdvice;
import io.promostream.feedback.PrefixGuard;
import io.promostream.metrics.JobMetric;
import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.Properties;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.api.connector.sink2.CommitterInitContext;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.StatefulSinkWriter;
import org.apache.flink.api.connector.sink2.SupportsCommitter;
import org.apache.flink.api.connector.sink2.SupportsWriterState;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.connector.kafka.sink.ExactlyOnceWriterStart;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.sink.KafkaWriterState;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.streaming.api.connector.sink2.CommittableMessage;
import org.apache.flink.streaming.api.connector.sink2.SupportsPostCommitTopology;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.lineage.LineageVertex;
import org.apache.flink.streaming.api.lineage.LineageVertexProvider;
import org.apache.kafka.clients.CommonClientConfigs;

/**
 * The connector's exactly-once sink, which also says when transactions are lost: by the counter
 * {@code transactionsLost} of its committer and an ERROR in the log. A transaction is lost when
 * Kafka aborts it after the checkpoint that it belongs to completed, and before it is committed; by
 * itself, the connector logs the same WARN for this and for a commit repeated after a restore, and
 * goes on.
 *
 * <p>Its state is the connector's own.
 */
final class LossReportingSink
    implements Sink<Message>,
        SupportsCommitter<KafkaCommittable>,
        SupportsWriterState<Message, KafkaWriterState>,
        SupportsPostCommitTopology<KafkaCommittable>,
        LineageVertexProvider {

  private final KafkaSink<Message> connectors;
  private final ExactlyOnceWriterStart<Message> start;
  private final Properties properties;
  private final String topic;
  private final OnLostTransaction onForgotten;
  private final PrefixGuard guard;

  /**
   * A sink around the connector's.
   *
   * @param start of its writers
   * @param properties to ask the broker with
   * @param onForgotten what to do where Kafka can't tell any more how a transaction ended
   * @param guard what keeps a second job on the same prefix out before the connector begins
   */
  LossReportingSink(
      ExactlyOnceWriterStart<Message> start,
      Properties properties,
      String topic,
      OnLostTransaction onForgotten,
      PrefixGuard guard) {
    this.connectors = start.sink();
    this.start = start;
    this.properties = properties;
    this.topic = topic;
    this.onForgotten = onForgotten;
    this.guard = guard;
  }

  @Override
  public Committer<KafkaCommittable> createCommitter(CommitterInitContext context)
      throws IOException {
    guard.await(context.getJobInfo().getJobId());
    return new LossReportingCommitter(
        connectors.createCommitter(context),
        properties,
        topic,
        onForgotten,
        JobMetric.TRANSACTIONS_LOST.counter(context.metricGroup()));
  }

  @Override
  public SimpleVersionedSerializer<KafkaCommittable> getCommittableSerializer() {
    return connectors.getCommittableSerializer();
  }

  @Override
  public StatefulSinkWriter<Message, KafkaWriterState> createWriter(WriterInitContext context)
      throws IOException {
    return restoreWriter(context, List.of());
  }

  @Override
  public StatefulSinkWriter<Message, KafkaWriterState> restoreWriter(
      WriterInitContext context, Collection<KafkaWriterState> restored) throws IOException {
    guard.await(context.getJobInfo().getJobId());
    try {
      return start.run(context, restored);
    } catch (IOException | RuntimeException e) {
      throw new IOException(
          "the sink of topic %s did not start at %s: %s"
              .formatted(
                  topic,
                  properties.get(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG),
                  KafkaAdvice.causeAndAdvice(e)),
          e);
    }
  }

  @Override
  public SimpleVersionedSerializer<KafkaWriterState> getWriterStateSerializer() {
    return connectors.getWriterStateSerializer();
  }

  @Override
  public void addPostCommitTopology(DataStream<CommittableMessage<KafkaCommittable>> committed) {
    connectors.addPostCommitTopology(committed);
  }

  @Override
  public LineageVertex getLineageVertex() {
    return connectors.getLineageVertex();
  }
}
