package io.promostream.replay;

import java.util.List;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeutils.base.array.BytePrimitiveArraySerializer;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.metrics.groups.InternalSinkCommitterMetricGroup;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.connector.sink2.CommittableSummary;
import org.apache.flink.streaming.api.connector.sink2.CommittableWithLineage;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.util.SimpleVersionedListState;
import org.apache.flink.streaming.runtime.operators.sink.committables.CommittableCollector;
import org.apache.flink.streaming.runtime.operators.sink.committables.CommittableCollectorSerializer;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;

/** The state of a committer of release 0.1, which left its transactions to it. */
public final class EarlierState {

  private EarlierState() {}

  /** A state that holds these transactions. */
  public static <C> OperatorSubtaskState of(
      EarlierTransactions.Inspector<C> inspector, List<C> transactions) throws Exception {
    try (var harness =
        new OneInputStreamOperatorTestHarness<>(new Committer<>(inspector, transactions))) {
      harness.open();
      return harness.snapshot(1, 0);
    }
  }

  /** Restores a state as this release does. */
  public static <C> void restore(
      EarlierTransactions<String, C> operator, OperatorSubtaskState state) throws Exception {
    try (var harness = new OneInputStreamOperatorTestHarness<>(operator)) {
      harness.setup();
      harness.initializeState(state);
      harness.open();
    }
  }

  /** Keeps its transactions as Flink's committer does. */
  private static final class Committer<C> extends AbstractStreamOperator<String>
      implements OneInputStreamOperator<String, String> {

    private static final long serialVersionUID = 1;

    private final EarlierTransactions.Inspector<C> inspector;
    private final transient List<C> transactions;

    Committer(EarlierTransactions.Inspector<C> inspector, List<C> transactions) {
      this.inspector = inspector;
      this.transactions = transactions;
    }

    @Override
    public void snapshotState(StateSnapshotContext context) throws Exception {
      super.snapshotState(context);
      var metrics = InternalSinkCommitterMetricGroup.wrap(getMetricGroup());
      CommittableCollector<C> collector = CommittableCollector.of(metrics);
      collector.addMessage(new CommittableSummary<>(0, 1, 1L, transactions.size(), 0));
      for (C transaction : transactions) {
        collector.addMessage(new CommittableWithLineage<>(transaction, 1L, 0));
      }
      new SimpleVersionedListState<>(
              getOperatorStateBackend()
                  .getListState(
                      new ListStateDescriptor<>(
                          "streaming_committer_raw_states", BytePrimitiveArraySerializer.INSTANCE)),
              new CommittableCollectorSerializer<>(inspector.serializer(), 0, 1, metrics))
          .update(List.of(collector));
    }

    @Override
    public void processElement(StreamRecord<String> element) {
      output.collect(element);
    }
  }
}
