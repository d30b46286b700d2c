package io.promostream.feedback;

import io.promostream.config.JobConfig;
import io.promostream.config.JobConfig.OnLostTransaction;
import io.promostream.delivery.DeliveryBatch;
import java.io.IOException;
import java.util.Collection;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.api.connector.sink2.CommitterInitContext;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.StatefulSinkWriter;
import org.apache.flink.api.connector.sink2.SupportsCommitter;
import org.apache.flink.api.connector.sink2.SupportsWriterState;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/**
 * Writes a feedback row for each notification, exactly once: what comes between two checkpoints
 * goes into one transaction per subtask, which the checkpoint prepares ({@code PREPARE
 * TRANSACTION}) and its completion commits. Postgres 13 or later, with {@code
 * max_prepared_transactions} of at least 4 x parallelism.
 *
 * <p>A job that starts without a checkpoint rolls back what stands prepared under its prefix; one
 * that restores a checkpoint commits what belongs to that and rolls back the rest.
 */
public final class FeedbackSink
    implements Sink<DeliveryBatch>,
        SupportsCommitter<FeedbackCommittable>,
        SupportsWriterState<DeliveryBatch, FeedbackCommittable> {

  private final FeedbackTarget target;
  private final OnLostTransaction onLostTransaction;
  private final String prefix;

  /**
   * A sink into a table.
   *
   * @param prefix letters, digits, {@code -}, {@code _}, {@code .}, at most 100; distinct for every
   *     job that shares the database
   */
  public FeedbackSink(JobConfig.Feedback feedback, String prefix) {
    target = new FeedbackTarget(feedback.database(), feedback.table());
    onLostTransaction = feedback.onLostTransaction();
    this.prefix = prefix;
  }

  /** A writer with its own connection, and its subtask's lock. */
  @Override
  public StatefulSinkWriter<DeliveryBatch, FeedbackCommittable> createWriter(
      WriterInitContext context) throws IOException {
    try {
      return new FeedbackWriter(target, prefix, context);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  @Override
  public StatefulSinkWriter<DeliveryBatch, FeedbackCommittable> restoreWriter(
      WriterInitContext context, Collection<FeedbackCommittable> states) throws IOException {
    return createWriter(context);
  }

  @Override
  public Committer<FeedbackCommittable> createCommitter(CommitterInitContext context) {
    return new FeedbackCommitter(target, onLostTransaction, context);
  }

  @Override
  public SimpleVersionedSerializer<FeedbackCommittable> getCommittableSerializer() {
    return new FeedbackCommittable.Serializer();
  }

  /** For a state that is always empty, see {@link FeedbackWriter#snapshotState}. */
  @Override
  public SimpleVersionedSerializer<FeedbackCommittable> getWriterStateSerializer() {
    return new FeedbackCommittable.Serializer();
  }
}
