package io.promostream.feedback;

import io.promostream.delivery.DeliveryBatch;
import io.promostream.feedback.PreparedTransactions.Prepared;
import io.promostream.feedback.PreparedTransactions.Slots;
import io.promostream.metrics.JobMetric;
import io.promostream.metrics.RecentMax;
import java.io.IOException;
import java.security.SecureRandom;
import java.sql.Connection;
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
import org.apache.flink.metrics.MetricGroup;
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
  private static final long LOOK_INTERVAL_MILLIS = 15_000;

  /** No moment. */
  private static final long NONE = Long.MAX_VALUE;

  /**
   * What stood prepared when last looked at, for gauges.
   *
   * @param oldestSince when this subtask's oldest was prepared, by this machine's clock, epoch
   *     milliseconds; {@link #NONE} if there was none
   */
  private record Look(long prepared, long oldestSince, Slots slots) {}

  private final FeedbackTarget target;
  private final String prefix;
  private final int subtask;
  private final int parallelism;
  private final String nonce = HexFormat.of().toHexDigits(new SecureRandom().nextLong());
  private final ProcessingTimeService clock;

  private final Counter rowsWritten;
  private final Counter transactionsRolledBack;
  private final RecentMax deliveryDelay;

  private volatile Look look = new Look(0, NONE, new Slots(0, 0));

  private final Connection connection;
  private final FeedbackRows pending;

  /** The last checkpoint that this subtask took part in. */
  private long checkpoint;

  /** In the open transaction; there is one if this is not 0. */
  private long rows;

  private long xid;

  /** Since when the first of what is pending has been due, epoch milliseconds. */
  private long dueSince = NONE;

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

    MetricGroup metrics = context.metricGroup();
    rowsWritten = JobMetric.ROWS_WRITTEN.counter(metrics);
    deliveryDelay = JobMetric.DELIVERY_DELAY.recentMax(metrics);
    transactionsRolledBack = JobMetric.TRANSACTIONS_ROLLED_BACK.counter(metrics);
    JobMetric.TRANSACTIONS_PREPARED.gauge(metrics, () -> look.prepared());
    JobMetric.OLDEST_PREPARED.gauge(metrics, this::oldestPreparedSeconds);
    JobMetric.PREPARED_SLOTS.gauge(metrics, () -> look.slots().all());
    JobMetric.PREPARED_SLOTS_USED.gauge(metrics, () -> look.slots().used());

    String job = SubtaskLock.sessionsOf(context.getJobInfo().getJobId());
    Connection opened = null;
    try {
      opened = FeedbackSession.open(target.database(), job + subtask);
      SubtaskLock.take(opened, prefix, subtask, job);
      pending = new FeedbackRows(opened, target.table());
      connection = opened;
      long restored = checkpoint;
      // Those opened before it belong to the restored checkpoint: its committers commit them.
      cleanUp(transaction -> transaction.openedAfter() >= restored);
      lookLater();
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

  @Override
  public void write(DeliveryBatch batch, Context context) throws IOException {
    if (batch.clients().isEmpty()) {
      return;
    }
    pending.add(batch);
    Long due = context.timestamp();
    if (due != null) {
      dueSince = Math.min(dueSince, due);
    }
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
      if (dueSince != NONE) {
        deliveryDelay.note(clock.getCurrentProcessingTime() - dueSince);
        dueSince = NONE;
      }
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
    for (Prepared found : ofThisSubtask()) {
      if (abandoned.test(found.transaction())) {
        rollBack(found.transaction());
      }
    }
    cleanedUpAt = clock.getCurrentProcessingTime();
    look();
  }

  private List<Prepared> ofThisSubtask() throws SQLException {
    return PreparedTransactions.ofPrefix(connection, prefix).stream()
        .filter(found -> found.transaction().subtask() % parallelism == subtask)
        .toList();
  }

  /** Sees what the gauges show. */
  private void look() throws SQLException {
    List<Prepared> standing = ofThisSubtask();
    long oldestSince =
        standing.stream()
            .mapToLong(found -> clock.getCurrentProcessingTime() - found.ageSeconds() * 1000)
            .min()
            .orElse(NONE);
    look = new Look(standing.size(), oldestSince, PreparedTransactions.slots(connection));
  }

  /** By a timer, as the gauges matter most when checkpoints do not come. */
  private void lookLater() {
    var unused =
        clock.registerTimer(
            clock.getCurrentProcessingTime() + LOOK_INTERVAL_MILLIS,
            time -> {
              try {
                look();
              } catch (SQLException e) {
                throw target.failure("prepared transactions could not be looked after", e);
              }
              lookLater();
            });
  }

  /** As of now: it goes on growing where the subtask is blocked and does not look. */
  private long oldestPreparedSeconds() {
    long since = look.oldestSince();
    return since == NONE ? 0 : (clock.getCurrentProcessingTime() - since) / 1000;
  }

  /** Rolls a transaction back, unless it can't be: then it stands, which the gauges show. */
  private void rollBack(FeedbackTransaction transaction) throws SQLException {
    try {
      PreparedTransactions.rollBack(connection, transaction);
      transactionsRolledBack.inc();
      LOG.info("rolled back {}, left prepared by an earlier attempt", transaction);
    } catch (SQLException e) {
      switch (String.valueOf(e.getSQLState())) {
        // Gone, or another session is at it this moment.
        case FeedbackTarget.UNDEFINED_OBJECT, FeedbackTarget.NOT_IN_PREREQUISITE_STATE -> {}
        case FeedbackTarget.INSUFFICIENT_PRIVILEGE ->
            LOG.error(
                "{} was left prepared by an earlier attempt and can't be rolled back by this role. It holds back vacuum:"
                    + " run ROLLBACK PREPARED '{}' in this database as the role that prepared it, or as superuser",
                transaction,
                transaction,
                e);
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
