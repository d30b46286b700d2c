package io.promostream.feedback;

import io.promostream.delivery.DeliveryBatch;
import io.promostream.feedback.PreparedTransactions.Prepared;
import java.io.IOException;
import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Predicate;
import org.apache.flink.api.common.operators.ProcessingTimeService;
import org.apache.flink.api.connector.sink2.CommittingSinkWriter;
import org.apache.flink.api.connector.sink2.StatefulSinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.groups.SinkWriterMetricGroup;
import org.apache.flink.util.IOUtils;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes batches in a transaction, which each checkpoint prepares.
 *
 * <p>It has one connection and never a second: with the connection goes the {@link SubtaskLock},
 * and without that another attempt may be at work, whose transactions are not to be touched. All
 * locks of an attempt are taken before any of its tasks runs, hence before it prepares anything; so
 * an older writer that could mistake the new transactions for leftovers has lost its connection by
 * then, also after the parallelism has changed.
 */
final class FeedbackWriter
    implements CommittingSinkWriter<DeliveryBatch, FeedbackCommittable>,
        StatefulSinkWriter<DeliveryBatch, FeedbackCommittable> {

  private static final Logger LOG = LoggerFactory.getLogger(FeedbackWriter.class);

  private static final long CLEAN_UP_INTERVAL_MILLIS = 60_000;

  /**
   * What the session needs, as far as the server knows it. A transaction stays open and idle for as
   * long as a checkpoint interval. Who waits for a lock on the table shall say so, and not hang
   * until Flink's task.cancellation.timeout (180 s) kills the TaskManager. A dead machine shall
   * free its lock after a minute, not after the kernel's two hours. The name is set here once more,
   * as a URL may hold another.
   */
  private static final String SETTINGS =
      """
      SELECT set_config(name, value, false)
      FROM pg_settings JOIN (VALUES
          ('application_name', ?),
          ('idle_in_transaction_session_timeout', '0'),
          ('transaction_timeout', '0'),
          ('idle_session_timeout', '0'),
          ('default_transaction_isolation', 'read committed'),
          ('lock_timeout', '60s'),
          ('tcp_keepalives_idle', '30'),
          ('tcp_keepalives_interval', '10'),
          ('tcp_keepalives_count', '3')) AS needed (name, value) USING (name)
      """;

  private final FeedbackTarget target;
  private final String prefix;
  private final int subtask;
  private final int parallelism;
  private final String nonce = HexFormat.of().toHexDigits(new SecureRandom().nextLong());
  private final ProcessingTimeService clock;

  private final Counter rowsWritten;
  private final Counter transactionsRolledBack;
  private volatile int transactionsPrepared;
  private volatile long oldestPreparedSeconds;

  private final Connection connection;
  private final FeedbackRows pending;

  /** The last checkpoint that this subtask took part in. */
  private long checkpoint;

  /** In the open transaction; there is one if this is not 0. */
  private long rows;

  private long xid;

  private long transactions;
  private long cleanedUpAt;

  /** Connects, takes the subtask's lock, and rolls back what the restored checkpoint disowns. */
  FeedbackWriter(FeedbackTarget target, String prefix, WriterInitContext context)
      throws IOException, InterruptedException {
    this.target = target;
    this.prefix = prefix;
    subtask = context.getTaskInfo().getIndexOfThisSubtask();
    parallelism = context.getTaskInfo().getNumberOfParallelSubtasks();
    checkpoint = context.getRestoredCheckpointId().orElse(0);
    clock = context.getProcessingTimeService();

    SinkWriterMetricGroup metrics = context.metricGroup();
    rowsWritten = metrics.counter("rowsWritten");
    transactionsRolledBack = metrics.counter("transactionsRolledBack");
    metrics.gauge("transactionsPrepared", () -> transactionsPrepared);
    metrics.gauge("oldestPreparedSeconds", () -> oldestPreparedSeconds);

    String job = SubtaskLock.sessionsOf(context.getJobInfo().getJobId());
    Connection opened = null;
    try {
      opened = target.database().connect(job + subtask);
      prepareSession(opened, job + subtask);
      SubtaskLock.take(opened, prefix, subtask, job);
      pending = new FeedbackRows(opened, target.table());
      connection = opened;
      long restored = checkpoint;
      // Those opened before it belong to the restored checkpoint: its committers commit them.
      cleanUp(transaction -> transaction.openedAfter() >= restored);
    } catch (SQLException e) {
      IOUtils.closeQuietly(opened);
      throw target.failure("the feedback writer did not start", e);
    } catch (IOException e) {
      IOUtils.closeQuietly(opened);
      throw new IOException(
          target.at("the feedback writer did not start") + ": " + e.getMessage(), e);
    } catch (InterruptedException e) {
      IOUtils.closeQuietly(opened);
      throw e;
    }
  }

  private static void prepareSession(Connection connection, String applicationName)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(SETTINGS)) {
      statement.setString(1, applicationName);
      statement.execute();
    }
  }

  @Override
  public void write(DeliveryBatch batch, Context context) throws IOException {
    if (batch.clients().isEmpty()) {
      return;
    }
    pending.add(batch);
    if (pending.areEnough()) {
      sendPending();
    }
  }

  private void sendPending() throws IOException {
    try {
      if (rows == 0) {
        begin();
      }
      int sent = pending.send();
      rows += sent;
      rowsWritten.inc(sent);
    } catch (SQLException e) {
      throw target.failure("feedback rows were not written", e);
    }
  }

  private void begin() throws SQLException {
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery("SELECT pg_current_xact_id()")) {
      result.next();
      xid = result.getLong(1);
    }
  }

  @Override
  public void flush(boolean endOfInput) throws IOException {
    if (!pending.areNone()) {
      sendPending();
    }
  }

  @Override
  public Collection<FeedbackCommittable> prepareCommit() throws IOException {
    if (rows == 0) {
      return List.of();
    }
    FeedbackTransaction transaction =
        new FeedbackTransaction(prefix, subtask, checkpoint, nonce, ++transactions);
    try (Statement statement = connection.createStatement()) {
      statement.execute("PREPARE TRANSACTION '" + transaction.gid() + "'");
      // With autocommit on, what follows opens no transaction.
      connection.setAutoCommit(true);
      // In a failed transaction PREPARE reports success, and has rolled it back.
      if (!PreparedTransactions.exists(connection, transaction)) {
        throw new IOException(
            target.at("feedback transaction %s was not prepared".formatted(transaction)));
      }
      FeedbackCommittable committable = new FeedbackCommittable(transaction.gid(), xid, rows);
      rows = 0;
      return List.of(committable);
    } catch (SQLException e) {
      throw target.failure(
          "feedback transaction %s was not prepared".formatted(transaction) + capacityAdvice(e), e);
    }
  }

  /** Says how to size max_prepared_transactions, if it is that. */
  private String capacityAdvice(SQLException e) {
    String state = String.valueOf(e.getSQLState());
    return state.equals(FeedbackTarget.NOT_IN_PREREQUISITE_STATE) || state.equals("53200")
        ? (", set Postgres' max_prepared_transactions to %d or more beyond what others use (4 x parallelism: a subtask holds"
                + " one from the beginning of a checkpoint to its end, and one more for each checkpoint that failed since"
                + " the last completed one)")
            .formatted(4 * parallelism)
        : "";
  }

  /**
   * Notes the checkpoint. There is nothing to keep, but without any state a writer that is not
   * chained to its committer would not be told which checkpoint was restored.
   */
  @Override
  public List<FeedbackCommittable> snapshotState(long checkpointId) throws IOException {
    checkpoint = checkpointId;
    if (clock.getCurrentProcessingTime() - cleanedUpAt >= CLEAN_UP_INTERVAL_MILLIS) {
      try {
        // A checkpoint begins after all committers have committed what they restored: whatever
        // another attempt left here belongs to no checkpoint that this job can still go back to.
        cleanUp(transaction -> !transaction.nonce().equals(nonce));
      } catch (SQLException e) {
        throw target.failure("prepared transactions could not be looked after", e);
      }
    }
    return List.of();
  }

  /**
   * Rolls back those of this subtask's transactions that nobody will commit. Its own are all whose
   * subtask is its own modulo the parallelism: after a change of parallelism too, each has exactly
   * one owner.
   */
  private void cleanUp(Predicate<FeedbackTransaction> abandoned) throws SQLException {
    int prepared = 0;
    long oldest = 0;
    for (Prepared found : PreparedTransactions.ofPrefix(connection, prefix)) {
      if (found.transaction().subtask() % parallelism == subtask
          && !(abandoned.test(found.transaction()) && rolledBack(found.transaction()))) {
        prepared++;
        oldest = Math.max(oldest, found.ageSeconds());
      }
    }
    transactionsPrepared = prepared;
    oldestPreparedSeconds = oldest;
    cleanedUpAt = clock.getCurrentProcessingTime();
  }

  /** Rolls a transaction back; false if it still stands, which the gauges then show. */
  private boolean rolledBack(FeedbackTransaction transaction) throws SQLException {
    try {
      PreparedTransactions.rollBack(connection, transaction);
      transactionsRolledBack.inc();
      LOG.info("rolled back {}, left prepared by an earlier attempt", transaction);
      return true;
    } catch (SQLException e) {
      switch (String.valueOf(e.getSQLState())) {
        case FeedbackTarget.UNDEFINED_OBJECT -> {
          return true;
        }
        // Another session is at it this moment.
        case FeedbackTarget.NOT_IN_PREREQUISITE_STATE -> {
          return false;
        }
        case FeedbackTarget.INSUFFICIENT_PRIVILEGE -> {
          LOG.error(
              "{} was left prepared by an earlier attempt and can't be rolled back by this role. It holds back vacuum:"
                  + " run ROLLBACK PREPARED '{}' in this database as the role that prepared it, or as superuser",
              transaction,
              transaction,
              e);
          return false;
        }
        default -> throw e;
      }
    }
  }

  /** Never throws: Flink takes an error from here for fatal to the whole TaskManager. */
  @Override
  public void close() {
    IOUtils.closeQuietly(connection);
  }
}
