package io.promostream.delivery;

import io.promostream.metrics.JobMetric;
import io.promostream.subscribers.ListUpdate.RefreshCompleted;
import java.util.List;
import java.util.function.LongSupplier;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.metrics.MetricGroup;

/**
 * The version and the age of the subscriber list, and since when it has been complete. All subtasks
 * are told of the same refreshes, so a restored subtask may use what any subtask knew.
 */
final class ListFreshness {

  private static final long NEVER = Long.MAX_VALUE;

  private long version;
  private long asOf;
  private long completeSince = NEVER;

  /**
   * Registers the metrics.
   *
   * @param now the clock, epoch milliseconds
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

  /** When the list was first complete, epoch milliseconds; {@link #NEVER} if it never was. */
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
