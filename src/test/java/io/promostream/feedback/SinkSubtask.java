package io.promostream.feedback;

import io.promostream.delivery.DeliveryBatch;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.OptionalLong;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.JobInfo;
import org.apache.flink.api.common.JobInfoImpl;
import org.apache.flink.api.common.TaskInfo;
import org.apache.flink.api.common.TaskInfoImpl;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.api.common.operators.ProcessingTimeService;
import org.apache.flink.api.common.serialization.SerializationSchema.InitializationContext;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.api.connector.sink2.CommitterInitContext;
import org.apache.flink.api.connector.sink2.InitContext;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.groups.SinkCommitterMetricGroup;
import org.apache.flink.metrics.groups.SinkWriterMetricGroup;
import org.apache.flink.runtime.metrics.groups.InternalSinkCommitterMetricGroup;
import org.apache.flink.runtime.metrics.groups.InternalSinkWriterMetricGroup;
import org.apache.flink.runtime.metrics.util.InterceptingOperatorMetricGroup;
import org.apache.flink.streaming.runtime.tasks.TestProcessingTimeService;
import org.apache.flink.util.UserCodeClassLoader;
import org.jspecify.annotations.Nullable;

/** One subtask of one attempt of a sink, as Flink would run it. */
final class SinkSubtask {

  /** Of a batch of which nobody knows since when it has been due. */
  static final SinkWriter.Context NO_TIME = time(null);

  final InterceptingOperatorMetricGroup metrics = new InterceptingOperatorMetricGroup();
  final TestProcessingTimeService clock = new TestProcessingTimeService();
  private final JobID job;
  private final int index;
  private final int parallelism;
  private final OptionalLong restored;

  SinkSubtask(JobID job, int index, int parallelism, OptionalLong restored) {
    this.job = job;
    this.index = index;
    this.parallelism = parallelism;
    this.restored = restored;
  }

  long counter(String name) {
    return ((Counter) metrics.get(name)).getCount();
  }

  long gauge(String name) {
    return ((Number) ((Gauge<?>) metrics.get(name)).getValue()).longValue();
  }

  FeedbackWriter writer(FeedbackSink sink) throws IOException {
    return (FeedbackWriter)
        (restored.isPresent()
            ? sink.restoreWriter(new WriterContext(), List.of())
            : sink.createWriter(new WriterContext()));
  }

  SinkWriter<DeliveryBatch> writer(AtLeastOnceFeedbackSink sink) throws IOException {
    return sink.createWriter(new WriterContext());
  }

  Committer<FeedbackCommittable> committer(FeedbackSink sink) {
    return sink.createCommitter(new CommitterContext());
  }

  /** Of a batch that has been due since a moment, epoch milliseconds. */
  static SinkWriter.Context time(@Nullable Long due) {
    return new SinkWriter.Context() {
      @Override
      public long currentWatermark() {
        return Long.MIN_VALUE;
      }

      @Override
      public @Nullable Long timestamp() {
        return due;
      }
    };
  }

  /** Hands a batch to the writer, and has it sent to the database. */
  static void send(FeedbackWriter writer, DeliveryBatch batch) throws IOException {
    writer.write(batch, NO_TIME);
    writer.flush(false);
  }

  /** What the writer's subtask does at a checkpoint. */
  static Collection<FeedbackCommittable> checkpoint(FeedbackWriter writer, long id)
      throws IOException {
    writer.flush(false);
    Collection<FeedbackCommittable> committables = writer.prepareCommit();
    writer.snapshotState(id);
    return committables;
  }

  /** What Flink makes of a commit: each request, with what became of it. */
  static List<Request> commit(
      Committer<FeedbackCommittable> committer, Collection<FeedbackCommittable> committables)
      throws Exception {
    List<Request> requests = committables.stream().map(Request::new).toList();
    committer.commit(new ArrayList<>(requests));
    return requests;
  }

  /** A commit request that remembers what the committer said. */
  static final class Request implements Committer.CommitRequest<FeedbackCommittable> {

    private final FeedbackCommittable committable;
    private int retries;
    String outcome = "committed";
    @Nullable Throwable reason;

    Request(FeedbackCommittable committable) {
      this.committable = committable;
    }

    @Override
    public FeedbackCommittable getCommittable() {
      return committable;
    }

    @Override
    public int getNumberOfRetries() {
      return retries;
    }

    @Override
    public void signalFailedWithKnownReason(Throwable t) {
      outcome = "failed";
      reason = t;
    }

    @Override
    public void signalFailedWithUnknownReason(Throwable t) {
      throw new AssertionError(t);
    }

    @Override
    public void retryLater() {
      outcome = "retry";
      retries++;
    }

    @Override
    public void updateAndRetryLater(FeedbackCommittable updated) {
      throw new AssertionError(updated);
    }

    @Override
    public void signalAlreadyCommitted() {
      outcome = "already committed";
    }
  }

  private abstract class Context implements InitContext {

    @Override
    public OptionalLong getRestoredCheckpointId() {
      return restored;
    }

    @Override
    public JobInfo getJobInfo() {
      return new JobInfoImpl(job, "test");
    }

    @Override
    public TaskInfo getTaskInfo() {
      return new TaskInfoImpl("sink", 128, index, parallelism, 0);
    }
  }

  private final class CommitterContext extends Context implements CommitterInitContext {

    @Override
    public SinkCommitterMetricGroup metricGroup() {
      return InternalSinkCommitterMetricGroup.wrap(metrics);
    }
  }

  private final class WriterContext extends Context implements WriterInitContext {

    @Override
    public SinkWriterMetricGroup metricGroup() {
      return InternalSinkWriterMetricGroup.wrap(metrics);
    }

    @Override
    public ProcessingTimeService getProcessingTimeService() {
      return clock;
    }

    @Override
    public boolean isObjectReuseEnabled() {
      return false;
    }

    @Override
    @SuppressWarnings("unchecked") // the only type that the sinks take
    public <T> TypeSerializer<T> createInputSerializer() {
      return (TypeSerializer<T>) new DeliveryBatch.Serializer();
    }

    @Override
    public UserCodeClassLoader getUserCodeClassLoader() {
      throw new UnsupportedOperationException();
    }

    @Override
    public MailboxExecutor getMailboxExecutor() {
      throw new UnsupportedOperationException();
    }

    @Override
    public InitializationContext asSerializationSchemaInitializationContext() {
      throw new UnsupportedOperationException();
    }
  }
}
