package io.promostream.replay;

import io.promostream.testing.Waiting;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.streaming.api.operators.StreamingRuntimeContext;
import org.junit.jupiter.api.Test;

/** Every subtask of the sending operator learns about a full sink from the JobMaster. */
class BacklogIT {

  private static final int PARALLELISM = 2;
  private static final AtomicIntegerArray ROOM = new AtomicIntegerArray(new int[] {100, 100});
  private static final AtomicInteger SEE_FULL = new AtomicInteger();
  private static final AtomicInteger ROUNDS = new AtomicInteger();

  @Test
  void sendersSeeBacklogWhileItLasts() throws Exception {
    StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(PARALLELISM);
    env.fromSequence(0, Long.MAX_VALUE)
        .map(new Sender())
        .rebalance()
        .map(new Sink())
        .sinkTo(new DiscardingSink<>());
    JobClient job = env.executeAsync();
    Waiting.until("the job", () -> ROUNDS.get() > 0);
    awaitFullSeen(false);
    ROOM.set(1, -1);
    awaitFullSeen(true);
    ROOM.set(1, 100);
    awaitFullSeen(false);
    // The local cluster ends with its job.
    job.cancel().get();
  }

  private static void awaitFullSeen(boolean full) throws Exception {
    Waiting.until("full: " + full, () -> SEE_FULL.get() == (full ? PARALLELISM : 0));
  }

  private static final class Sender extends RichMapFunction<Long, Long> {

    private static final long serialVersionUID = 1;
    private transient Backlog backlog;
    private transient boolean seen;

    @Override
    public void open(OpenContext context) {
      backlog =
          Backlog.watching(
              ((StreamingRuntimeContext) getRuntimeContext()).getGlobalAggregateManager(), 0);
    }

    @Override
    public Long map(Long value) throws Exception {
      Thread.sleep(20);
      ROUNDS.incrementAndGet();
      if (backlog.isFull() != seen) {
        seen = !seen;
        SEE_FULL.addAndGet(seen ? 1 : -1);
      }
      return value;
    }

    @Override
    public void close() {
      backlog.close();
    }
  }

  private static final class Sink extends RichMapFunction<Long, Long> {

    private static final long serialVersionUID = 1;
    private transient Backlog backlog;

    @Override
    public void open(OpenContext context) {
      int subtask = getRuntimeContext().getTaskInfo().getIndexOfThisSubtask();
      backlog =
          Backlog.reporting(
              ((StreamingRuntimeContext) getRuntimeContext()).getGlobalAggregateManager(),
              "sink " + subtask,
              () -> ROOM.get(subtask));
    }

    @Override
    public Long map(Long value) {
      return value;
    }

    @Override
    public void close() {
      backlog.close();
    }
  }
}
