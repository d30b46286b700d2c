package io.promostream.subscribers;

import java.io.IOException;
import java.util.List;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.jspecify.annotations.Nullable;

/** Assigns the only split to the first reader. The job has only one reader. */
final class SubscriberListEnumerator
    implements SplitEnumerator<SubscriberListSplit, SubscriberListEnumerator.State> {

  private final SplitEnumeratorContext<SubscriberListSplit> context;
  private State state;

  SubscriberListEnumerator(SplitEnumeratorContext<SubscriberListSplit> context, State state) {
    this.context = context;
    this.state = state;
  }

  /**
   * The enumerator's state in a checkpoint.
   *
   * @param unassigned the split, null while a reader has it
   */
  record State(@Nullable SubscriberListSplit unassigned) {}

  @Override
  public void start() {
    // Flink calls addReader when the reader has started.
  }

  @Override
  public void handleSplitRequest(int subtask, @Nullable String host) {
    // The reader requests no splits: addReader assigns the only one.
  }

  @Override
  public void addReader(int subtask) {
    if (state.unassigned != null) {
      context.assignSplit(state.unassigned, subtask);
      state = new State(null);
    }
  }

  /** The reader failed before a checkpoint contained the split. The next reader gets it. */
  @Override
  public void addSplitsBack(List<SubscriberListSplit> splits, int subtask) {
    if (!splits.isEmpty()) {
      state = new State(splits.get(0));
    }
  }

  @Override
  public State snapshotState(long checkpointId) {
    return state;
  }

  @Override
  public void close() {}

  /** Writes the enumerator's state into checkpoints. */
  static final class Serializer implements SimpleVersionedSerializer<State> {

    private static final byte[] ASSIGNED = {};

    private final SubscriberListSplit.Serializer split = new SubscriberListSplit.Serializer();

    /** The state is a split or nothing, so its format is the split's. */
    @Override
    public int getVersion() {
      return split.getVersion();
    }

    @Override
    public byte[] serialize(State state) throws IOException {
      return state.unassigned == null ? ASSIGNED : split.serialize(state.unassigned);
    }

    @Override
    public State deserialize(int format, byte[] bytes) throws IOException {
      SubscriberListSplit.Serializer.requireKnown(format, getVersion());
      return new State(bytes.length == 0 ? null : split.deserialize(format, bytes));
    }
  }
}
