package io.promostream.local;

import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.OptionalLong;
import org.apache.flink.runtime.checkpoint.CompletedCheckpointStats;

/**
 * How far the job has come: what it says of itself by its metrics, and what it has committed, as
 * readers of the topic and of the table see it.
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
    OptionalLong listAge = LocalMetrics.max("listAgeSeconds");
    Instant now = Instant.now();
    return new Status(
        Duration.between(started, now),
        LocalMetrics.sum("promosRead"),
        LocalMetrics.sum("campaignsWaiting"),
        LocalMetrics.sum("campaignsLive"),
        LocalMetrics.sum("promosRejected"),
        LocalMetrics.sum("promosLate") + LocalMetrics.sum("promosMissed"),
        LocalMetrics.sum("slicesPending"),
        LocalMetrics.sum("listRestaurants"),
        LocalMetrics.sum("listSubscriptions"),
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
