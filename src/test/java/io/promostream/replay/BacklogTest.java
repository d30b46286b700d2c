package io.promostream.replay;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.testing.Waiting;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.runtime.taskexecutor.GlobalAggregateManager;
import org.junit.jupiter.api.Test;

/** What a sender may send between two looks at the sinks' reports. */
class BacklogTest {

  private final JobMaster jobMaster = new JobMaster();

  @Test
  void mayFillTheLeastRoomOnceForEachLook() throws Exception {
    AtomicLong room = new AtomicLong(100);
    try (Backlog large = Backlog.reporting(jobMaster, "a", () -> 1_000);
        Backlog small = Backlog.reporting(jobMaster, "b", room::get);
        Backlog sender = watchAfterReports(2)) {
      sender.sent(49);
      assertThat(sender.isFull()).isFalse();
      sender.sent(1);
      assertThat(sender.isFull()).isTrue();
      jobMaster.awaitLook();
      Waiting.until("room anew", () -> !sender.isFull());
      room.set(-1);
      Waiting.until("no room", sender::isFull);
    }
  }

  @Test
  void isGivenSomeRoomBeforeAnySinkHasReported() throws Exception {
    try (Backlog sender = Backlog.watching(jobMaster, 10)) {
      assertThat(sender.isFull()).isFalse();
      jobMaster.awaitLook();
      sender.sent(10);
      assertThat(sender.isFull()).isTrue();
    }
  }

  private Backlog watchAfterReports(int reports) throws Exception {
    Waiting.until("reports", () -> jobMaster.reporters() == reports);
    Backlog sender = Backlog.watching(jobMaster, 0);
    jobMaster.awaitLook();
    Waiting.until("room", () -> !sender.isFull());
    return sender;
  }

  /** Does what Flink's JobMaster does, without the wire. */
  private static final class JobMaster implements GlobalAggregateManager {

    private final Map<String, Object> accumulators = new HashMap<>();
    private final AtomicInteger looks = new AtomicInteger();

    @Override
    @SuppressWarnings("unchecked")
    public synchronized <I, A, O> O updateGlobalAggregate(
        String name, Object value, AggregateFunction<I, A, O> function) {
      A before = (A) accumulators.computeIfAbsent(name, absent -> function.createAccumulator());
      A after = function.add((I) value, before);
      accumulators.put(name, after);
      if (((Map<?, ?>) value).isEmpty()) {
        looks.incrementAndGet();
      }
      return function.getResult(after);
    }

    synchronized int reporters() {
      return accumulators.values().stream().mapToInt(map -> ((Map<?, ?>) map).size()).sum();
    }

    void awaitLook() throws Exception {
      int before = looks.get();
      Waiting.until("a look", () -> looks.get() > before);
    }
  }
}
