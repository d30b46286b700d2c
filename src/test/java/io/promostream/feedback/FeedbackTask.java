package io.promostream.feedback;

import io.promostream.delivery.DeliveryBatch;
import io.promostream.replay.ReplayOperator;
import io.promostream.testing.Metrics;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.jspecify.annotations.Nullable;

/** One attempt of a subtask of the feedback sink, which replays in its own thread. */
final class FeedbackTask implements AutoCloseable {

  private final OneInputStreamOperatorTestHarness<DeliveryBatch, DeliveryBatch> harness;
  private final CompletableFuture<Throwable> failure = new CompletableFuture<>();
  private long checkpoint;

  private FeedbackTask(FeedbackTarget target, @Nullable OperatorSubtaskState restored)
      throws Exception {
    harness =
        new OneInputStreamOperatorTestHarness<>(
            new ReplayOperator<>(target, false), DeliveryBatch.TYPE.createSerializer(null));
    harness.getEnvironment().setExpectedExternalFailureCause(IOException.class);
    harness.getEnvironment().setExternalFailureCauseConsumer(failure::complete);
    harness.setup(DeliveryBatch.TYPE.createSerializer(null));
    if (restored != null) {
      harness.initializeState(restored);
    }
    harness.open();
  }

  static FeedbackTask start(FeedbackTarget target) throws Exception {
    return new FeedbackTask(target, null);
  }

  static FeedbackTask restore(FeedbackTarget target, OperatorSubtaskState state) throws Exception {
    return new FeedbackTask(target, state);
  }

  /** A campaign to the clients a and b, in a checkpoint of its own, whose state is returned. */
  OperatorSubtaskState collect(int campaign) throws Exception {
    harness.processElement(FeedbackFixture.batch("" + campaign, "a", "b"), 0);
    checkpoint++;
    return harness.snapshot(checkpoint, checkpoint);
  }

  /** Completes the last checkpoint, so that the sink writes what it holds. */
  void complete() throws Exception {
    harness.notifyOfCompletedCheckpoint(checkpoint);
  }

  /** A checkpoint's state, without anything new. */
  OperatorSubtaskState snapshot() throws Exception {
    checkpoint++;
    return harness.snapshot(checkpoint, checkpoint);
  }

  long metric(String name) {
    return Metrics.value(harness.getOperator().getMetricGroup(), name);
  }

  /** Whether nothing is left that is not known to be committed. */
  boolean isDone() {
    return metric("replayHeldBytes") == 0;
  }

  /** Why the sink let the task fail, or will. */
  CompletableFuture<Throwable> failure() {
    return failure;
  }

  @Override
  public void close() throws Exception {
    harness.close();
  }
}
