package io.promostream.delivery;

import io.promostream.metrics.JobMetric;
import java.util.List;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.metrics.MetricGroup;
import org.jspecify.annotations.Nullable;

/**
 * The numbers of campaigns, recipients and slices in the keyed state. Keyed state cannot be
 * counted, so each change is. Operator state keeps the numbers across restarts. After a rescale
 * only their sums over all subtasks are right.
 */
final class Population {

  private static final int WAITING = 0;
  private static final int LIVE = 1;
  private static final int REMEMBERED = 2;
  private static final int RECIPIENTS = 3;
  private static final int SLICES = 4;

  private final long[] counts = new long[5];

  void register(MetricGroup metrics) {
    gauge(JobMetric.CAMPAIGNS_WAITING, metrics, WAITING);
    gauge(JobMetric.CAMPAIGNS_LIVE, metrics, LIVE);
    gauge(JobMetric.CAMPAIGNS_REMEMBERED, metrics, REMEMBERED);
    gauge(JobMetric.RECIPIENTS_REMEMBERED, metrics, RECIPIENTS);
    gauge(JobMetric.SLICES_PENDING, metrics, SLICES);
  }

  private void gauge(JobMetric metric, MetricGroup metrics, int index) {
    metric.gauge(metrics, () -> counts[index]);
  }

  /** Notes that a campaign changes. Null means no campaign. */
  void changed(@Nullable Campaign before, @Nullable Campaign after) {
    count(before, -1);
    count(after, 1);
  }

  private void count(@Nullable Campaign campaign, int by) {
    if (campaign instanceof Campaign.Running running) {
      counts[running.opened() ? LIVE : WAITING] += by;
    } else if (campaign != null) {
      counts[REMEMBERED] += by;
    }
  }

  void recipients(int by) {
    counts[RECIPIENTS] += by;
  }

  void slices(int by) {
    counts[SLICES] += by;
  }

  void restore(ListState<long[]> state) throws Exception {
    for (long[] part : state.get()) {
      for (int i = 0; i < counts.length; i++) {
        counts[i] += part[i];
      }
    }
  }

  void snapshot(ListState<long[]> state) throws Exception {
    state.update(List.of(counts.clone()));
  }
}
