package io.promostream.feedback;

import io.promostream.config.JobConfig;
import io.promostream.config.TransactionSettings;
import io.promostream.delivery.DeliveryBatch;
import io.promostream.metrics.JobMetric;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes feedback rows in transactions that no setting of the role or the database can break.
 * Nothing it does needs the session to be the same between two transactions.
 */
final class FeedbackSession {

  private static final Logger LOG = LoggerFactory.getLogger(FeedbackSession.class);

  /**
   * What a transaction needs. A COMMIT must not return before the WAL is flushed, and its warnings
   * must arrive. A statement and a wait for a lock give up before the driver does (120 s). A client
   * that was stopped in the middle frees its locks after 20 s. Deferred constraints speak up while
   * a row can still be set aside.
   */
  private static final String SETTINGS =
      TransactionSettings.of("ISOLATION LEVEL READ COMMITTED, READ WRITE", "100s", "60s", "20s")
          + """
            SELECT pg_catalog.set_config('synchronous_commit', 'on', true)
            WHERE pg_catalog.current_setting('synchronous_commit') <> 'remote_apply';
            SET LOCAL client_min_messages = warning;
            SET CONSTRAINTS ALL IMMEDIATE
            """;

  /** Rows in one statement: a round trip and a statement's start cost as much as some twenty. */
  private static final int STATEMENT_ROWS = 1_000;

  private final JobConfig.Feedback config;
  private final Connection connection;
  private final String insert;
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
   * Begins to work on a connection. The table is described anew each time: it may have changed.
   *
   * @throws IOException if the feedback table can't take rows
   */
  FeedbackSession(JobConfig.Feedback config, Connection connection, Counters counters)
      throws SQLException, IOException {
    this.config = config;
    this.connection = connection;
    this.counters = counters;
    connection.setAutoCommit(false);
    insert = inTransaction(c -> FeedbackTable.describe(c, config.table()).insert());
  }

  /** Does some work in a transaction of its own, which is durable when this returns. */
  <R> R inTransaction(Work<R> work) throws SQLException, IOException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(SETTINGS);
    }
    R result = work.on(connection);
    connection.clearWarnings();
    connection.commit();
    SQLWarning warning = connection.getWarnings();
    if (warning != null) {
      throw new SQLException(
          "the server committed with a warning, so the commit may not be durable: "
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
    int rows = batches.stream().mapToInt(batch -> batch.clients().size()).sum();
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
      connection.rollback();
      writeWithRefusals(first, batches, rows);
    }
  }

  private int insertAll(Connection c, List<DeliveryBatch> batches) throws SQLException {
    int inserted = 0;
    for (List<DeliveryBatch> statement : statements(batches)) {
      inserted += FeedbackRows.insert(c, insert, statement);
    }
    return inserted;
  }

  private void writeWithRefusals(Work<?> first, List<DeliveryBatch> batches, int rows)
      throws SQLException, IOException {
    RefusedRows careful =
        inTransaction(
            c -> {
              first.on(c);
              RefusedRows refusals = new RefusedRows(c, insert);
              for (List<DeliveryBatch> statement : statements(batches)) {
                refusals.insert(statement);
              }
              refusals.setAside(config.refusedTable());
              return refusals;
            });
    count(rows, careful.inserted(), careful.count());
    if (careful.count() > 0) {
      LOG.error(
          "{} refused {} rows, which are now in {} with their reasons; for example {}",
          config.table(),
          careful.count(),
          config.refusedTable(),
          careful.example());
    }
  }

  private static List<List<DeliveryBatch>> statements(List<DeliveryBatch> batches) {
    List<List<DeliveryBatch>> statements = new ArrayList<>();
    int from = 0;
    int rows = 0;
    for (int i = 0; i < batches.size(); i++) {
      rows += batches.get(i).clients().size();
      if (rows >= STATEMENT_ROWS || i == batches.size() - 1) {
        statements.add(batches.subList(from, i + 1));
        from = i + 1;
        rows = 0;
      }
    }
    return statements;
  }

  private void count(int rows, int inserted, int refused) {
    counters.written().inc(inserted);
    counters.refused().inc(refused);
    counters.alreadyThere().inc(rows - inserted - refused);
  }
}
