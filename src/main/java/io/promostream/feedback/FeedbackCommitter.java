package io.promostream.feedback;

import io.promostream.config.JobConfig.OnLostTransaction;
import io.promostream.metrics.JobMetric;
import io.promostream.metrics.RecentMax;
import java.io.IOException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Collection;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.api.connector.sink2.CommitterInitContext;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.util.IOUtils;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Commits the transactions of completed checkpoints, on a connection of its own, which it opens
 * when there is something to commit and opens anew after trouble.
 */
final class FeedbackCommitter implements Committer<FeedbackCommittable> {

  private static final Logger LOG = LoggerFactory.getLogger(FeedbackCommitter.class);

  /**
   * As often as Flink repeats at most by default (sink.committer.retries), which it does at once.
   */
  private static final int MAX_RETRIES = 10;

  /** Between two tries: 0.1, 0.2, 0.4, 0.8 s, then this; together about 8 s. */
  private static final long MAX_PAUSE_MILLIS = 1000;

  private final FeedbackTarget target;
  private final OnLostTransaction onLostTransaction;
  private final String applicationName;

  private final Counter rowsCommitted;
  private final RecentMax commitMillis;
  private final Counter transactionsLost;
  private final Counter rowsLost;

  private @Nullable Connection connection;

  FeedbackCommitter(
      FeedbackTarget target, OnLostTransaction onLostTransaction, CommitterInitContext context) {
    this.target = target;
    this.onLostTransaction = onLostTransaction;
    applicationName =
        "promo-stream commits %s %d"
            .formatted(
                context.getJobInfo().getJobId().toHexString(),
                context.getTaskInfo().getIndexOfThisSubtask());
    MetricGroup metrics = context.metricGroup();
    rowsCommitted = JobMetric.ROWS_COMMITTED.counter(metrics);
    commitMillis = JobMetric.COMMIT_MILLIS.recentMax(metrics);
    transactionsLost = JobMetric.TRANSACTIONS_LOST.counter(metrics);
    rowsLost = JobMetric.ROWS_LOST.counter(metrics);
  }

  /**
   * Commits all; what is left over after trouble with the connection or server is to be tried
   * again, after a pause.
   *
   * @throws IOException if trying again is of no use, or has been of none
   */
  @Override
  public void commit(Collection<CommitRequest<FeedbackCommittable>> requests)
      throws IOException, InterruptedException {
    int retries = -1;
    for (CommitRequest<FeedbackCommittable> request : requests) {
      if (retries < 0) {
        try {
          commit(request);
          continue;
        } catch (SQLException e) {
          IOUtils.closeQuietly(connection);
          connection = null;
          retries = request.getNumberOfRetries();
          retryOrThrow(request.getCommittable(), retries, e);
        }
      }
      request.retryLater();
    }
    if (retries >= 0) {
      Thread.sleep(Math.min(MAX_PAUSE_MILLIS, 100L << Math.min(retries, 4)));
    }
  }

  private void retryOrThrow(FeedbackCommittable committable, int retries, SQLException e)
      throws IOException {
    IOException failure =
        target.failure("feedback transaction %s was not committed".formatted(committable.gid()), e);
    switch (String.valueOf(e.getSQLState())) {
      case FeedbackTarget.INSUFFICIENT_PRIVILEGE ->
          throw new IOException(
              target.at(
                      "feedback transaction %s (%d rows) may only be committed by the role that prepared it, or by a superuser"
                          .formatted(committable.gid(), committable.rows()))
                  + ": set feedback.db.user back, or run COMMIT PREPARED '%s' as that role, then restart the job"
                      .formatted(committable.gid()),
              e);
      case FeedbackTarget.FEATURE_NOT_SUPPORTED ->
          throw new IOException(
              target.at(
                      "feedback transaction %s (%d rows) was prepared in another database of this server"
                          .formatted(committable.gid(), committable.rows()))
                  + ": set feedback.db.url back, or run COMMIT PREPARED '%s' there, then restart the job"
                      .formatted(committable.gid()),
              e);
      default -> {
        if (retries >= MAX_RETRIES) {
          throw failure;
        }
        LOG.warn("{}; trying again", failure.getMessage());
      }
    }
  }

  private void commit(CommitRequest<FeedbackCommittable> request) throws SQLException, IOException {
    FeedbackCommittable committable = request.getCommittable();
    if (connection == null) {
      connection = FeedbackSession.open(target.database(), applicationName);
    }
    try (Statement statement = connection.createStatement()) {
      long start = System.nanoTime();
      statement.execute("COMMIT PREPARED '" + committable.gid() + "'");
      commitMillis.note((System.nanoTime() - start) / 1_000_000);
      rowsCommitted.inc(committable.rows());
    } catch (SQLException e) {
      if (!FeedbackTarget.UNDEFINED_OBJECT.equals(e.getSQLState())) {
        throw e;
      }
      findOutHowItEnded(request);
    }
  }

  /** Postgres no longer has the name: the transaction was committed before, or it is lost. */
  private void findOutHowItEnded(CommitRequest<FeedbackCommittable> request)
      throws SQLException, IOException {
    FeedbackCommittable committable = request.getCommittable();
    String status = status(committable.xid());
    switch (status) {
      case "committed" -> request.signalAlreadyCommitted();
      case "in progress" ->
          throw new SQLException(
              "the name is gone, but transaction %d is in progress".formatted(committable.xid()));
      default -> lost(request, status);
    }
  }

  private String status(long xid) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet result =
            statement.executeQuery("SELECT pg_xact_status('%d'::xid8)".formatted(xid))) {
      result.next();
      String status = result.getString(1);
      return status == null ? "too long ago for Postgres to know" : status;
    } catch (SQLException e) {
      if (FeedbackTarget.INVALID_PARAMETER_VALUE.equals(e.getSQLState())) {
        return "unknown to this server, which is not the one that prepared it";
      }
      throw e;
    }
  }

  private void lost(CommitRequest<FeedbackCommittable> request, String status)
      throws LostTransactionException {
    FeedbackCommittable committable = request.getCommittable();
    transactionsLost.inc();
    rowsLost.inc(committable.rows());
    String message =
        target.at(
            "feedback transaction %s (xid %d) with %d rows is lost: it is not prepared any more, its status is: %s"
                .formatted(committable.gid(), committable.xid(), committable.rows(), status));
    if (onLostTransaction == OnLostTransaction.FAIL) {
      throw new LostTransactionException(
          message
              + ". Somebody rolled it back or restored the database, or the job was started from a savepoint or checkpoint"
              + " that is not its last. To go on without these rows, start from the same place with"
              + " feedback.on-lost-transaction: continue");
    }
    LOG.error("{}; going on without them, as feedback.on-lost-transaction says", message);
    request.signalFailedWithKnownReason(new LostTransactionException(message));
  }

  /** Never throws: Flink takes an error from here for fatal to the whole TaskManager. */
  @Override
  public void close() {
    IOUtils.closeQuietly(connection);
  }
}
