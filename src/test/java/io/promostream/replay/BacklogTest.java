package io.promostream.replay;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.runtime.taskexecutor.GlobalAggregateManager;
import org.junit.jupiter.api.Test;

/** The amount that a sender may send between two looks at the sinks' reports. */
class BacklogTest {

  private final JobMaster jobMaster = new JobMaster();

  @Test
  void sendsHalfOfTheLeastRoomBetweenTwoLooks() throws Exception {
    report("a", 1_000);
    report("b", 100);
    Backlog sender = sender(0);
    assertThat(sender.isFull()).as("before the first look").isTrue();
    sender.exchangeReports();
    sender.sent(49);
    assertThat(sender.isFull()).isFalse();
    sender.sent(1);
    assertThat(sender.isFull()).isTrue();
    sender.exchangeReports();
    assertThat(sender.isFull()).as("after the next look").isFalse();
    report("b", -1);
    sender.exchangeReports();
    assertThat(sender.isFull()).as("when one sink has no room").isTrue();
  }

  @Test
  void hasSomeRoomBeforeAnySinkReports() throws Exception {
    Backlog sender = sender(10);
    assertThat(sender.isFull()).isFalse();
    sender.exchangeReports();
    sender.sent(10);
    assertThat(sender.isFull()).isTrue();
  }

  private Backlog sender(long withoutReports) {
    return new Backlog(jobMaster, Map::of, withoutReports);
  }

  private void report(String reporter, long room) throws Exception {
    new Backlog(jobMaster, () -> Map.of(reporter, room), 0).exchangeReports();
  }

  /** Aggregates like Flink's JobMaster, without the network. */
  private static final class JobMaster implements GlobalAggregateManager {

    private final Map<String, Object> accumulators = new HashMap<>();

    @Override
    @SuppressWarnings("unchecked")
    public <I, A, O> O updateGlobalAggregate(
        String name, Object value, AggregateFunction<I, A, O> function) {
      A before = (A) accumulators.computeIfAbsent(name, absent -> function.createAccumulator());
      A after = function.add((I) value, before);
      accumulators.put(name, after);
      return function.getResult(after);
    }
  }
}
