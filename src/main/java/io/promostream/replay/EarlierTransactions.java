package io.promostream.replay;

import io.promostream.config.JobConfig.OnLostTransaction;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeutils.base.array.BytePrimitiveArraySerializer;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.runtime.metrics.groups.InternalSinkCommitterMetricGroup;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.util.SimpleVersionedListState;
import org.apache.flink.streaming.runtime.operators.sink.committables.CommittableCollector;
import org.apache.flink.streaming.runtime.operators.sink.committables.CommittableCollectorSerializer;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes the place of the committer of release 0.1. A checkpoint of release 0.1 may contain
 * transactions that are prepared and not committed. This release does not commit them and refuses
 * such a checkpoint. A stop with savepoint leaves no such transaction.
 *
 * @param <T> the type of the elements, which the operator only passes on
 * @param <C> the committable that identifies a transaction
 */
public final class EarlierTransactions<T, C> extends AbstractStreamOperator<T>
    implements OneInputStreamOperator<T, T> {

  private static final long serialVersionUID = 1;

  private static final Logger LOG = LoggerFactory.getLogger(EarlierTransactions.class);

  /** The state name of Flink's committers. */
  private static final ListStateDescriptor<byte[]> COMMITTER_STATE =
      new ListStateDescriptor<>(
          "streaming_committer_raw_states", BytePrimitiveArraySerializer.INSTANCE);

  /** How a transaction ended. */
  public enum Outcome {
    COMMITTED,
    OPEN,
    LOST,
    UNKNOWN
  }

  /**
   * Finds out how the transactions of one target ended.
   *
   * @param <C> the committable that identifies a transaction
   */
  public interface Inspector<C> extends Serializable {

    SimpleVersionedSerializer<C> serializer();

    /** How each transaction ended, in the order given. */
    List<Outcome> outcomes(List<C> transactions) throws Exception;
  }

  private final Inspector<C> inspector;
  private final OnLostTransaction onLost;

  public EarlierTransactions(Inspector<C> inspector, OnLostTransaction onLost) {
    this.inspector = inspector;
    this.onLost = onLost;
  }

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    var metrics = InternalSinkCommitterMetricGroup.wrap(getMetricGroup());
    ListState<CommittableCollector<C>> restored =
        new SimpleVersionedListState<>(
            context.getOperatorStateStore().getListState(COMMITTER_STATE),
            new CommittableCollectorSerializer<>(inspector.serializer(), 0, 1, metrics));
    List<C> transactions = new ArrayList<>();
    for (CommittableCollector<C> collector : restored.get()) {
      for (var checkpoint : collector.getCheckpointCommittablesUpTo(Long.MAX_VALUE)) {
        checkpoint.commit(new Collector<>(transactions), 0);
      }
    }
    requireCommitted(transactions);
    restored.clear();
  }

  private void requireCommitted(List<C> transactions) throws Exception {
    List<Outcome> outcomes = transactions.isEmpty() ? List.of() : inspector.outcomes(transactions);
    for (int i = 0; i < transactions.size(); i++) {
      C transaction = transactions.get(i);
      switch (outcomes.get(i)) {
        case COMMITTED -> LOG.info("{} was committed by release 0.1", transaction);
        case OPEN ->
            throw new IOException(
                "%s of release 0.1 is not committed, because this state was not made by a stop with savepoint. Start release 0.1 from this state, stop it with a savepoint, and start this release from that savepoint"
                    .formatted(transaction));
        case LOST, UNKNOWN -> failOrContinue(transaction, outcomes.get(i));
      }
    }
  }

  private void failOrContinue(C transaction, Outcome outcome) throws IOException {
    String message =
        "%s of release 0.1 %s"
            .formatted(
                transaction,
                outcome == Outcome.LOST
                    ? "is lost: it was rolled back"
                    : "is too old for the server to know whether it was committed");
    if (onLost == OnLostTransaction.FAIL) {
      throw new IOException(
          message
              + ". To continue in either case, start from the same checkpoint with feedback.on-lost-transaction: continue");
    }
    LOG.error("{}. The job continues, as feedback.on-lost-transaction says.", message);
  }

  /** Collects the transactions that Flink would commit. */
  private record Collector<C>(List<C> transactions) implements Committer<C> {

    @Override
    public void commit(Collection<CommitRequest<C>> requests) {
      requests.forEach(request -> transactions.add(request.getCommittable()));
    }

    @Override
    public void close() {}
  }

  @Override
  public void processElement(StreamRecord<T> element) {
    output.collect(element);
  }
}
