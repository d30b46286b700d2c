package io.promostream.local;

import io.promostream.metrics.JobMetric;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.OptionalLong;
import org.apache.flink.runtime.checkpoint.CompletedCheckpointStats;

/**
 * The job's progress: its metrics, and what readers of the topic and of the table see as committed.
 */
final class Progress implements AutoCloseable {

  private final LocalCluster cluster;
  private final Notifications notifications;
  private final FeedbackRows rows;
  private final Instant started = Instant.now();
  private long notificationsSeen;

  Progress(LocalServices services, LocalCluster cluster) throws SQLException {
    this.cluster = cluster;
    this.rows =
        new FeedbackRows(services.asOwner(LocalServices.FEEDBACK), LocalServices.FEEDBACK_TABLE);
    this.notifications =
        new Notifications(services.bootstrapServers(), LocalServices.NOTIFICATIONS);
  }

  Status status() throws Exception {
    notifications.read(notification -> notificationsSeen++);
    OptionalLong listAge = LocalMetrics.max(JobMetric.LIST_AGE);
    Instant now = Instant.now();
    return new Status(
        Duration.between(started, now),
        LocalMetrics.sum(JobMetric.PROMOS_READ),
        LocalMetrics.sum(JobMetric.CAMPAIGNS_WAITING),
        LocalMetrics.sum(JobMetric.CAMPAIGNS_LIVE),
        LocalMetrics.sum(JobMetric.PROMOS_REJECTED),
        LocalMetrics.sum(JobMetric.PROMOS_LATE) + LocalMetrics.sum(JobMetric.PROMOS_MISSED),
        LocalMetrics.sum(JobMetric.SLICES_PENDING),
        LocalMetrics.sum(JobMetric.LIST_RESTAURANTS),
        LocalMetrics.sum(JobMetric.LIST_SUBSCRIPTIONS),
        listAge.isPresent() && listAge.getAsLong() >= 0
            ? Duration.ofSeconds(listAge.getAsLong())
            : null,
        notificationsSeen,
        rows.count(),
        cluster.lastCheckpoint().map(checkpoint -> checkpoint(checkpoint, now)).orElse(null));
  }

  private static Status.Checkpoint checkpoint(CompletedCheckpointStats checkpoint, Instant now) {
    return new Status.Checkpoint(
        checkpoint.getCheckpointId(),
        Duration.between(Instant.ofEpochMilli(checkpoint.getLatestAckTimestamp()), now),
        Duration.ofMillis(checkpoint.getEndToEndDuration()));
  }

  @Override
  public void close() throws SQLException {
    notifications.close();
    rows.close();
  }
}
