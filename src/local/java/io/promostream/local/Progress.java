package io.promostream.local;

import io.promostream.config.Database;
import io.promostream.metrics.JobMetric;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.OptionalLong;
import org.apache.flink.runtime.checkpoint.CompletedCheckpointStats;
import org.jspecify.annotations.Nullable;

/**
 * The job's progress: its metrics, and what readers of the topic and of the table see as committed.
 */
final class Progress implements AutoCloseable {

  private final LocalCluster cluster;
  private final Notifications notifications;
  private final Database feedback;
  private final Instant started = Instant.now();
  private @Nullable FeedbackRows rows;
  private long rowsSeen;
  private long notificationsSeen;

  Progress(LocalServices services, LocalCluster cluster) {
    this.cluster = cluster;
    this.feedback = services.asOwner(LocalServices.FEEDBACK);
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
        rows(),
        cluster.lastCheckpoint().map(checkpoint -> checkpoint(checkpoint, now)).orElse(null));
  }

  /** Counts the rows. While Postgres is down, it returns the last count. */
  private long rows() throws SQLException {
    try {
      if (rows == null) {
        rows = new FeedbackRows(feedback, LocalServices.FEEDBACK_TABLE);
      }
      rowsSeen = rows.count();
    } catch (SQLException e) {
      if (!LocalServices.isOutage(e)) {
        throw e;
      }
      closeRows();
    }
    return rowsSeen;
  }

  private void closeRows() throws SQLException {
    if (rows != null) {
      rows.close();
      rows = null;
    }
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
    closeRows();
  }
}
