package io.promostream.replay;

import io.promostream.metrics.JobMetric;
import java.time.Duration;
import java.util.List;
import org.apache.flink.annotation.VisibleForTesting;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.checkpoint.CheckpointOptions;
import org.apache.flink.runtime.checkpoint.SavepointType;
import org.apache.flink.runtime.state.CheckpointStreamFactory;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.OperatorSnapshotFutures;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.jspecify.annotations.Nullable;

/**
 * Collects the elements for a sink, and replays them when the checkpoint that contains them is
 * complete. The package description explains the procedure.
 *
 * <p>Under at-least-once, the operator passes new elements on. It replays only the committables of
 * a restored checkpoint. So the delivery guarantee can change between any two starts.
 *
 * <p>The operator is not a {@code Sink}. The committer of a sink runs on the task thread, so a slow
 * target would delay checkpoints.
 *
 * @param <T> the element type of the sink
 */
public final class ReplayOperator<T> extends AbstractStreamOperator<T>
    implements OneInputStreamOperator<T, T> {

  private static final long serialVersionUID = 1;

  static final ListStateDescriptor<WriterLog> LOGS =
      new ListStateDescriptor<>("writer-logs", WriterLog.TYPE);

  private static final long NO_CHECKPOINT = -1;

  private static final int BATCH_SINKS = 2;
  private static final long MAX_HELD_BYTES = 128 << 20;

  private final Target<T> target;
  private final boolean passOn;
  private final Duration showLoss;

  private transient ReplayLog<T> log;
  private transient ListState<WriterLog> logs;
  private transient @Nullable ReplayThread<T> thread;
  private transient @Nullable Backlog backlog;

  /** The id of the savepoint with which the job is being stopped. */
  private transient long lastSavepoint;

  private transient boolean stopped;

  /**
   * Creates an operator.
   *
   * @param passOn whether to pass new elements on, and to replay only restored committables
   */
  public ReplayOperator(Target<T> target, boolean passOn) {
    this(target, passOn, ReplayThread.SHOW_LOSS);
  }

  @VisibleForTesting
  ReplayOperator(Target<T> target, boolean passOn, Duration showLoss) {
    this.target = target;
    this.passOn = passOn;
    this.showLoss = showLoss;
  }

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    lastSavepoint = NO_CHECKPOINT;
    log = new ReplayLog<>(target, !passOn, maxHeldBytes());
    logs = context.getOperatorStateStore().getListState(LOGS);
    boolean restored = false;
    for (WriterLog writer : logs.get()) {
      log.restore(writer);
      restored = true;
    }
    if (restored || !passOn) {
      startReplaying();
    }
  }

  private void startReplaying() throws Exception {
    MetricGroup metrics = getMetricGroup();
    JobMetric.REPLAY_HELD_BYTES.gauge(metrics, log::heldBytes);
    JobMetric.REPLAY_DELAY.gauge(
        metrics, () -> log.oldestReleasedMillis(System.currentTimeMillis()) / 1000);
    Replayer<T> replayer = target.open(metrics);
    String name =
        getOperatorConfig().getOperatorName()
            + " "
            + getRuntimeContext().getTaskInfo().getIndexOfThisSubtask();
    thread =
        new ReplayThread<>(
            name,
            log,
            target,
            replayer,
            metrics,
            showLoss,
            getContainingTask().getEnvironment()::failExternally);
    thread.start();
    if (!passOn) {
      backlog =
          Backlog.reporting(
              getContainingTask().getEnvironment().getGlobalAggregateManager(), name, log::room);
    }
  }

  /**
   * How many bytes a subtask may hold. The subtasks of the two sinks that write batches share a
   * fifth of the heap. This limit also bounds the size of a checkpoint.
   */
  private long maxHeldBytes() {
    int slots =
        getContainingTask()
            .getEnvironment()
            .getTaskManagerInfo()
            .getConfiguration()
            .get(TaskManagerOptions.NUM_TASK_SLOTS);
    long share = Runtime.getRuntime().maxMemory() / 5 / BATCH_SINKS / slots;
    return Math.min(MAX_HELD_BYTES, Math.max(Backlog.MIN_ROOM_BYTES, share));
  }

  @Override
  public void processElement(StreamRecord<T> element) throws Exception {
    if (passOn) {
      output.collect(element);
    } else {
      log.add(
          element.getValue(),
          element.hasTimestamp() ? element.getTimestamp() : null,
          System.currentTimeMillis());
    }
  }

  @Override
  public OperatorSnapshotFutures snapshotState(
      long checkpointId,
      long timestamp,
      CheckpointOptions checkpointOptions,
      CheckpointStreamFactory factory)
      throws Exception {
    if (checkpointOptions.getCheckpointType() instanceof SavepointType type
        && type.isSynchronous()) {
      lastSavepoint = checkpointId;
    }
    return super.snapshotState(checkpointId, timestamp, checkpointOptions, factory);
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    logs.update(log.snapshot(context.getCheckpointId(), System.currentTimeMillis()));
  }

  @Override
  public void notifyCheckpointComplete(long checkpointId) throws Exception {
    super.notifyCheckpointComplete(checkpointId);
    log.complete(checkpointId);
    if (checkpointId == lastSavepoint) {
      if (thread != null) {
        log.awaitReplayed();
      }
      stopped = true;
    }
  }

  @Override
  public void close() throws Exception {
    if (backlog != null) {
      backlog.close();
    }
    if (thread != null) {
      thread.close(stopped);
      thread = null;
    }
    super.close();
  }

  /** The logs that a checkpoint would store now. */
  @VisibleForTesting
  List<WriterLog> logs() {
    return log.logs();
  }
}
