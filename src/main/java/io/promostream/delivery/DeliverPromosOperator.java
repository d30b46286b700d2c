package io.promostream.delivery;

import io.promostream.promo.Promo;
import io.promostream.replay.Backlog;
import io.promostream.subscribers.ListUpdate;
import io.promostream.subscribers.ListUpdate.AudiencePart;
import java.util.Arrays;
import org.apache.flink.api.common.TaskInfo;
import org.apache.flink.runtime.io.network.api.writer.ResultPartitionWriter;
import org.apache.flink.runtime.io.network.partition.ResultPartition;
import org.apache.flink.runtime.state.KeyGroupRange;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.streaming.api.operators.co.KeyedCoProcessOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.jspecify.annotations.Nullable;

/**
 * Runs {@link DeliverPromos}, and tells it whether there is room in front of the sinks, which a
 * function is not told. What waits there is in the way of other restaurants' promos and of
 * checkpoints, so the slices of a large audience had better wait in state.
 *
 * <p>The list comes by broadcast or by key. Of a broadcast list, each subtask takes the parts whose
 * key groups it owns. It must do so itself: an operator before it would hand the parts over by a
 * forward edge, and the list would be lost in part when only one of the two is rescaled.
 */
public class DeliverPromosOperator
    extends KeyedCoProcessOperator<String, Promo, ListUpdate, DeliveryBatch>
    implements DeliverPromos.Downstream {

  private static final long serialVersionUID = 1;

  /** Network buffers per sink subtask: one to be read and one to be filled keep it busy. */
  private static final int BUFFERS = 2;

  private final DeliverPromos promos;
  private final long roomWithoutReports;
  private transient @Nullable Backlog backlog;

  private transient int maxParallelism;
  private transient KeyGroupRange owned;

  /**
   * Makes an operator.
   *
   * @param roomWithoutReports as in {@link Backlog#watching}
   */
  public DeliverPromosOperator(DeliverPromos promos, long roomWithoutReports) {
    super(promos);
    this.promos = promos;
    this.roomWithoutReports = roomWithoutReports;
  }

  @Override
  public void open() throws Exception {
    backlog =
        Backlog.watching(
            getContainingTask().getEnvironment().getGlobalAggregateManager(), roomWithoutReports);
    promos.sendTo(this);
    TaskInfo task = getRuntimeContext().getTaskInfo();
    maxParallelism = task.getMaxNumberOfParallelSubtasks();
    owned =
        KeyGroupRangeAssignment.computeKeyGroupRangeForOperatorIndex(
            maxParallelism, task.getNumberOfParallelSubtasks(), task.getIndexOfThisSubtask());
    super.open();
  }

  @Override
  public void close() throws Exception {
    if (backlog != null) {
      backlog.close();
    }
    super.close();
  }

  @Override
  public boolean takesMore() {
    return !backlog.isFull();
  }

  @Override
  public void sent(long bytes) {
    backlog.sent(bytes);
  }

  @Override
  public void processElement2(StreamRecord<ListUpdate> element) throws Exception {
    if (element.getValue() instanceof AudiencePart part) {
      String key = part.restaurantId();
      if (!owned.contains(KeyGroupRangeAssignment.assignToKeyGroup(key, maxParallelism))) {
        return;
      }
      // A broadcast has no key, so Flink has not set it.
      setCurrentKey(key);
    }
    super.processElement2(element);
  }

  /** Whether a slice would neither wait for a free buffer nor behind many others. */
  @Override
  public boolean hasRoom() {
    return Arrays.stream(getContainingTask().getEnvironment().getAllWriters())
        .allMatch(DeliverPromosOperator::hasRoom);
  }

  private static boolean hasRoom(ResultPartitionWriter output) {
    return output.isAvailable()
        && (!(output instanceof ResultPartition queue)
            || queue.getNumberOfQueuedBuffers() < BUFFERS * queue.getNumberOfSubpartitions());
  }
}
