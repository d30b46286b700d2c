package io.promostream.subscribers;

import io.promostream.metrics.JobMetric;
import io.promostream.subscribers.ListUpdate.RefreshCompleted;
import java.time.Clock;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.metrics.ThreadSafeSimpleCounter;

/** The metrics of the subscriber list: written by task and fetcher, read by reporters. */
final class ListMetrics {

  /** Successful refreshes. */
  final Counter refreshes;

  final Counter refreshFailures;

  /** Subscriptions that were read. A refresh without changes reads none. */
  final Counter rowsRead;

  /** Duration of the last refresh, until everything was read; -1 before the first. */
  volatile long refreshDurationMillis = -1;

  volatile long refreshConsecutiveFailures;

  /** Rows with an unusable id, at the last refresh. */
  volatile long rowsSkipped;

  /** The last refresh that was emitted completely. */
  volatile RefreshCompleted completed = SubscriberListSplit.NOTHING_SENT.completed();

  ListMetrics(MetricGroup group, Clock clock) {
    refreshes = JobMetric.REFRESHES.counter(group, new ThreadSafeSimpleCounter());
    refreshFailures = JobMetric.REFRESH_FAILURES.counter(group, new ThreadSafeSimpleCounter());
    rowsRead = JobMetric.ROWS_READ.counter(group, new ThreadSafeSimpleCounter());
    JobMetric.LIST_RESTAURANTS.gauge(group, () -> completed.restaurants());
    JobMetric.LIST_SUBSCRIPTIONS.gauge(group, () -> completed.subscriptions());
    JobMetric.LIST_AGE.gauge(group, () -> ageSeconds(clock));
    JobMetric.REFRESH_DURATION.gauge(group, () -> refreshDurationMillis);
    JobMetric.REFRESH_CONSECUTIVE_FAILURES.gauge(group, () -> refreshConsecutiveFailures);
    JobMetric.ROWS_SKIPPED.gauge(group, () -> rowsSkipped);
  }

  /** -1 before the first refresh. */
  private long ageSeconds(Clock clock) {
    RefreshCompleted last = completed;
    return last.version() == 0 ? -1 : Math.max(0, clock.millis() - last.asOf()) / 1000;
  }
}
