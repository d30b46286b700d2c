package io.promostream.subscribers;

import io.promostream.subscribers.ListUpdate.RefreshCompleted;
import org.apache.flink.api.common.TaskInfo;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.runtime.state.KeyGroupRange;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.util.Collector;

/**
 * Between the broadcast list and a keyed operator of the same parallelism: passes on the parts
 * whose restaurants' keys the operator's subtask owns, and each {@link RefreshCompleted} once per
 * key group that it owns. So what comes out is partitioned as {@code keyBy(ListUpdate::key)} would.
 */
public final class OwnShare extends RichFlatMapFunction<ListUpdate, ListUpdate> {

  private final int maxParallelism;
  private transient KeyGroups keyGroups;
  private transient KeyGroupRange own;

  /**
   * @param maxParallelism of the keyed operator
   */
  public OwnShare(int maxParallelism) {
    this.maxParallelism = maxParallelism;
  }

  @Override
  public void open(OpenContext context) {
    TaskInfo task = getRuntimeContext().getTaskInfo();
    keyGroups = new KeyGroups(maxParallelism);
    own =
        KeyGroupRangeAssignment.computeKeyGroupRangeForOperatorIndex(
            maxParallelism, task.getNumberOfParallelSubtasks(), task.getIndexOfThisSubtask());
  }

  @Override
  public void flatMap(ListUpdate update, Collector<ListUpdate> out) {
    if (update instanceof RefreshCompleted refresh) {
      keyGroups.tell(refresh, own, out);
    } else if (own.contains(
        KeyGroupRangeAssignment.assignToKeyGroup(update.key(), maxParallelism))) {
      out.collect(update);
    }
  }
}
