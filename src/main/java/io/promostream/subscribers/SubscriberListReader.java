package io.promostream.subscribers;

import io.promostream.subscribers.ListUpdate.AudiencePart;
import io.promostream.subscribers.ListUpdate.RefreshCompleted;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.connector.base.source.reader.SingleThreadMultiplexSourceReaderBase;
import org.apache.flink.connector.base.source.reader.splitreader.SplitReader;
import org.jspecify.annotations.Nullable;

/** Emits the updates from {@link ListFetcher}, and stores in the split what it emitted. */
@SuppressWarnings("try") // Flink declares that close() may throw InterruptedException
final class SubscriberListReader
    extends SingleThreadMultiplexSourceReaderBase<
        ListChange, ListUpdate, SubscriberListSplit, SubscriberListReader.Emitted> {

  private final ListMetrics metrics;

  SubscriberListReader(
      Supplier<SplitReader<ListChange, SubscriberListSplit>> fetcher,
      ListMetrics metrics,
      SourceReaderContext context) {
    super(
        fetcher,
        (change, output, emitted) -> {
          output.collect(change.update());
          emitted.add(change);
          metrics.completed = emitted.completed;
        },
        context.getConfiguration(),
        context);
    this.metrics = metrics;
  }

  /** The changes that the task thread has emitted. */
  static final class Emitted {

    private RefreshCompleted completed;
    private final Map<String, Fingerprint> fingerprints;
    private @Nullable SubscriberListSplit snapshot;

    Emitted(SubscriberListSplit split) {
      completed = split.completed();
      fingerprints = new HashMap<>(split.fingerprints());
    }

    void add(ListChange change) {
      snapshot = null;
      if (change.update() instanceof RefreshCompleted refresh) {
        completed = refresh;
      } else if (change.update() instanceof AudiencePart part) {
        ListFetcher.remember(fingerprints, part.restaurantId(), change.fingerprint());
      }
    }

    /**
     * Returns an immutable split, and the same one until another change is emitted, so that the
     * serializer can reuse its bytes.
     *
     * <p>The copy is a {@code HashMap}. {@code Map.copyOf} takes hash codes as they are, so ids
     * with consecutive numbers collide. In a profile with 200,000 of them and a refresh every 30 s,
     * its maps took an eighth of the TaskManager's processor time.
     */
    SubscriberListSplit snapshot() {
      if (snapshot == null) {
        snapshot =
            new SubscriberListSplit(
                completed, Collections.unmodifiableMap(new HashMap<>(fingerprints)));
      }
      return snapshot;
    }
  }

  @Override
  protected Emitted initializedState(SubscriberListSplit split) {
    metrics.completed = split.completed();
    return new Emitted(split);
  }

  @Override
  protected SubscriberListSplit toSplitType(String splitId, Emitted emitted) {
    return emitted.snapshot();
  }

  @Override
  protected void onSplitFinished(Map<String, Emitted> finished) {
    throw new IllegalStateException(
        "The split of the subscriber list ended, although it is unbounded.");
  }
}
