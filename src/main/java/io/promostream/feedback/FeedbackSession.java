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
 * Writes feedback rows in transactions that no setting of the role or the database can break. Two
 * transactions may run in different server sessions, as behind a pooler.
 */
final class FeedbackSession {

  private static final Logger LOG = LoggerFactory.getLogger(FeedbackSession.class);

  /** Rows in one statement: a round trip and a statement's start cost as much as some twenty. */
  private static final int STATEMENT_ROWS = 1_000;

  private final JobConfig.Feedback config;
  private final Connection connection;
  private final FeedbackTable table;
  private final Counters counters;

  /** What has become of rows; on a task's metrics, which outlive a session. */
  record Counters(Counter written, Counter refused, Counter alreadyThere) {

    static Counters of(MetricGroup metrics) {
      return new Counters(
          JobMetric.ROWS_WRITTEN.counter(metrics),
          JobMetric.ROWS_REFUSED.counter(metrics),
          JobMetric.ROWS_ALREADY_THERE.counter(metrics));
    }
  }

  /** Work in a transaction. */
  interface Work<R> {
    R on(Connection connection) throws SQLException, IOException;
  }

  /**
   * Begins to work on a connection. The tables are described anew each time: they may have changed.
   *
   * @throws IOException if the feedback table, or that of refused rows, can't take rows
   */
  FeedbackSession(JobConfig.Feedback config, Connection connection, Counters counters)
      throws SQLException, IOException {
    this.config = config;
    this.connection = connection;
    this.counters = counters;
    table =
        inTransaction(
            c -> {
              FeedbackTable.requireTakesRefusedRows(c, config.refusedTable());
              return FeedbackTable.describe(c, config.table());
            });
  }

  /**
   * Does some work in a transaction of its own, which is durable when this returns, and rolled back
   * if this fails.
   */
  <R> R inTransaction(Work<R> work) throws SQLException, IOException {
    try {
      return committed(work);
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
   * What a transaction needs. A COMMIT must not return before the WAL is flushed, and its warnings
   * must arrive. A statement and a wait for a lock give up before the driver does (120 s). A client
   * that was stopped in the middle frees its locks after 20 s. Deferred constraints speak up while
   * a row can still be set aside.
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

  private <R> R committed(Work<R> work) throws SQLException, IOException {
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
   * Writes the rows of some batches in one transaction. Rows that the table refuses are set aside
   * in the same transaction.
   *
   * @param first what else the transaction does, before it writes
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
              if (found.hasDoubtful()) {
                // Not after a privilege was revoked, or a column dropped, in the middle of it.
                FeedbackTable.describe(c, config.table());
              }
              return found;
            });
    count(rows, refusals.inserted(), refusals.count());
    if (refusals.count() > 0) {
      LOG.error(
          "{} refused {} rows. They are now in {}, each with its reason. One of the reasons: {}",
          config.table(),
          refusals.count(),
          config.refusedTable(),
          refusals.example());
    }
  }

  /** Without ON CONFLICT no row can be there already: one that a trigger took elsewhere is not. */
  private void count(int rows, int inserted, int refused) {
    int taken = table.conflictTarget() == null ? rows - refused : inserted;
    counters.written().inc(taken);
    counters.refused().inc(refused);
    counters.alreadyThere().inc(rows - taken - refused);
  }
}
