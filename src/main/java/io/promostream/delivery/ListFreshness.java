package io.promostream.delivery;

import io.promostream.metrics.JobMetric;
import io.promostream.subscribers.ListUpdate.RefreshCompleted;
import java.util.List;
import java.util.function.LongSupplier;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.metrics.MetricGroup;

/**
 * Since when a subtask has the whole subscriber list, and how old that is. All subtasks hear of the
 * same refreshes, so any one's knowledge, as of a checkpoint, is everyone's.
 */
final class ListFreshness {

  private static final long NEVER = Long.MAX_VALUE;

  private long version;
  private long asOf;
  private long completeSince = NEVER;

  /**
   * Shows version and age.
   *
   * @param now tells the time, epoch milliseconds
   */
  void register(MetricGroup metrics, LongSupplier now) {
    JobMetric.LIST_VERSION.gauge(metrics, () -> version);
    JobMetric.LIST_AGE.gauge(
        metrics, () -> completeSince == NEVER ? -1 : (now.getAsLong() - asOf) / 1000);
  }

  void completed(RefreshCompleted refresh, long now) {
    version = refresh.version();
    asOf = refresh.asOf();
    completeSince = Math.min(completeSince, now);
  }

  /** When the list was complete for the first time, epoch ms; the end of time if it never was. */
  long completeSince() {
    return completeSince;
  }

  void restore(ListState<long[]> state) throws Exception {
    for (long[] known : state.get()) {
      version = Math.max(version, known[0]);
      asOf = Math.max(asOf, known[1]);
      completeSince = Math.min(completeSince, known[2]);
    }
  }

  void snapshot(ListState<long[]> state) throws Exception {
    state.update(List.of(new long[] {version, asOf, completeSince}));
  }
}
