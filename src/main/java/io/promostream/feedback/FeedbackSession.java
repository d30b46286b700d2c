package io.promostream.feedback;

import io.promostream.config.JobConfig;
import io.promostream.delivery.DeliveryBatch;
import io.promostream.metrics.JobMetric;
import io.promostream.postgres.TransactionSettings;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.util.List;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes feedback rows in transactions that no setting of the role or the database can break.
 * Behind a pooler, two transactions may run in different server sessions.
 */
final class FeedbackSession {

  private static final Logger LOG = LoggerFactory.getLogger(FeedbackSession.class);

  /**
   * Rows per statement. A round trip and the start of a statement cost as much as about 20 rows.
   */
  private static final int STATEMENT_ROWS = 1_000;

  private final JobConfig.Feedback config;
  private final Connection connection;
  private final FeedbackTable table;
  private final Counters counters;

  /**
   * Counts the outcomes of rows. The counters belong to the task, because it outlives a session.
   */
  record Counters(Counter written, Counter refused, Counter alreadyThere) {

    static Counters of(MetricGroup metrics) {
      return new Counters(
          JobMetric.ROWS_WRITTEN.counter(metrics),
          JobMetric.ROWS_REFUSED.counter(metrics),
          JobMetric.ROWS_ALREADY_THERE.counter(metrics));
    }
  }

  /** The statements of a transaction. */
  interface Work<R> {
    R on(Connection connection) throws SQLException, IOException;
  }

  /**
   * Creates a session on a connection. It reads the definitions of the tables again, because they
   * may have changed.
   *
   * @throws IOException if the feedback table or the table of refused rows cannot take rows
   */
  FeedbackSession(JobConfig.Feedback config, Connection connection, Counters counters)
      throws SQLException, IOException {
    this.config = config;
    this.connection = connection;
    this.counters = counters;
    table =
        inTransaction(
            c -> {
              FeedbackTable.requireAcceptsRefusedRows(c, config.refusedTable());
              return FeedbackTable.describe(c, config.table());
            });
  }

  /**
   * Runs statements in one transaction. The transaction is durable when this method returns, and
   * rolled back if the method throws an exception.
   */
  <R> R inTransaction(Work<R> work) throws SQLException, IOException {
    try {
      return runAndCommit(work);
    } catch (SQLException | IOException | RuntimeException e) {
      try {
        connection.rollback();
      } catch (SQLException suppressed) {
        e.addSuppressed(suppressed);
      }
      throw e;
    }
  }

  /**
   * Begins a transaction with these settings:
   *
   * <ul>
   *   <li>{@code synchronous_commit} is at least {@code on}, so a COMMIT returns only after the WAL
   *       is flushed.
   *   <li>{@code client_min_messages} lets the warnings of a COMMIT through.
   *   <li>A statement and a wait for a lock time out before the driver does (120 s).
   *   <li>If a client stops during a transaction, the server ends the transaction after 20 s, which
   *       frees its locks.
   *   <li>Deferred constraints are checked at once, while the row can still be set aside.
   * </ul>
   */
  private void begin() throws SQLException {
    TransactionSettings.begin(
        connection,
        "ISOLATION LEVEL READ COMMITTED, READ WRITE",
        "100s",
        "60s",
        "20s",
        """
        SELECT pg_catalog.set_config('synchronous_commit', 'on', true)
        WHERE pg_catalog.current_setting('synchronous_commit') <> 'remote_apply';
        SET LOCAL client_min_messages = warning;
        SET CONSTRAINTS ALL IMMEDIATE
        """);
  }

  private <R> R runAndCommit(Work<R> work) throws SQLException, IOException {
    begin();
    R result = work.on(connection);
    connection.clearWarnings();
    connection.commit();
    SQLWarning warning = connection.getWarnings();
    if (warning != null) {
      throw new SQLException(
          "The server committed with a warning, so the commit may not be durable: "
              + warning.getMessage());
    }
    return result;
  }

  /**
   * Writes the rows of the batches in one transaction. Refused rows are set aside in the same
   * transaction.
   *
   * @param first the statements that the transaction runs before it writes the rows
   */
  void write(Work<?> first, List<DeliveryBatch> batches) throws SQLException, IOException {
    int rows = FeedbackRows.count(batches);
    try {
      int inserted =
          inTransaction(
              c -> {
                first.on(c);
                return insertAll(c, batches);
              });
      count(rows, inserted, 0);
    } catch (SQLException e) {
      if (!RefusedRows.isRefusal(e)) {
        throw e;
      }
      writeWithRefusals(first, batches, rows);
    }
  }

  private int insertAll(Connection c, List<DeliveryBatch> batches) throws SQLException {
    int inserted = 0;
    for (List<DeliveryBatch> piece : FeedbackRows.pieces(batches, STATEMENT_ROWS)) {
      inserted += FeedbackRows.insert(c, table.insert(), piece);
    }
    return inserted;
  }

  private void writeWithRefusals(Work<?> first, List<DeliveryBatch> batches, int rows)
      throws SQLException, IOException {
    RefusedRows refusals =
        inTransaction(
            c -> {
              first.on(c);
              RefusedRows found = new RefusedRows(c, table, config.refusedTable());
              found.insert(FeedbackRows.pieces(batches, STATEMENT_ROWS));
              if (found.hasUncertainRefusal()) {
                // Fail if somebody revoked a privilege or dropped a column during the transaction.
                FeedbackTable.describe(c, config.table());
              }
              return found;
            });
    count(rows, refusals.inserted(), refusals.count());
    if (refusals.count() > 0) {
      LOG.error(
          "Table {} refused {} rows. They are now in table {}, each with its reason. One of the reasons: {}",
          config.table(),
          refusals.count(),
          config.refusedTable(),
          refusals.example());
    }
  }

  /**
   * Counts the outcomes. Without ON CONFLICT, no row can be there already: a row that was not
   * inserted and not refused was redirected by a trigger, and counts as written.
   */
  private void count(int rows, int inserted, int refused) {
    int written = table.conflictTarget() == null ? rows - refused : inserted;
    counters.written().inc(written);
    counters.refused().inc(refused);
    counters.alreadyThere().inc(rows - written - refused);
  }
}
