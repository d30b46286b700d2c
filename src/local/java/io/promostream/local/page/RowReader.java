package io.promostream.local.page;

import io.promostream.config.TableName;
import io.promostream.postgres.Connections;
import io.promostream.postgres.Identifiers;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads each committed row of a table of deliveries once, and reconnects after an outage.
 *
 * <p>The condition {@code id > last} alone would miss rows of a transaction that took its ids early
 * and committed late. So ids count as settled only after the end of all transactions that ran when
 * they were first seen. Later ids are read again, and their rows are skipped.
 */
final class RowReader implements AutoCloseable {

  private final Site site;
  private final DeliveryLedger ledger;
  private final Taker taker;
  private final String query;

  private @Nullable Connection connection;
  private long settledId;
  private final Set<Long> seenUnsettled = new HashSet<>();
  private long nextSettledId;
  private long settledWhenXminIs;

  /** Takes a row, and the second in which it was read. */
  interface Taker {
    void take(CampaignId campaign, String clientId, long second);
  }

  /**
   * Makes a reader of one table.
   *
   * @param ledger may ask for a pause
   */
  RowReader(Site site, TableName table, DeliveryLedger ledger, Taker taker) {
    this.site = site;
    this.ledger = ledger;
    this.taker = taker;
    query =
        "SELECT id, restaurant_id, adv_campaign_id, client_id FROM %s WHERE id > ? ORDER BY id LIMIT %d"
            .formatted(Identifiers.quote(table), DeliveryLedger.MAX_UNDER_WAY);
  }

  /**
   * Passes on the rows that were committed since the last call.
   *
   * @throws SQLException if Postgres is down; the next call connects again
   */
  void read(long second) throws SQLException {
    if (ledger.isFarAhead(Sink.ROWS)) {
      return;
    }
    try {
      if (connection == null) {
        connection = Connections.open(site.feedback(), "promo-stream page");
        connection.setAutoCommit(false);
        // Rows and snapshot must belong together.
        connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
      }
      readNew(connection, second);
      connection.commit();
    } catch (SQLException e) {
      close();
      throw e;
    }
  }

  private void readNew(Connection open, long second) throws SQLException {
    long[] snapshot = snapshot(open);
    long greatest = settledId;
    try (PreparedStatement statement = open.prepareStatement(query)) {
      statement.setLong(1, settledId);
      statement.setFetchSize(10_000);
      try (ResultSet row = statement.executeQuery()) {
        while (row.next()) {
          greatest = row.getLong(1);
          if (seenUnsettled.add(greatest)) {
            taker.take(
                new CampaignId(row.getString(2), row.getString(3)), row.getString(4), second);
          }
        }
      }
    }
    // Only now: this snapshot may be the first to show rows of a transaction that just ended.
    if (nextSettledId > settledId && snapshot[0] >= settledWhenXminIs) {
      settledId = nextSettledId;
      seenUnsettled.removeIf(id -> id <= settledId);
    }
    if (nextSettledId <= settledId) {
      nextSettledId = greatest;
      settledWhenXminIs = snapshot[1];
    }
  }

  /** The oldest running transaction, and the first one that has not begun. */
  private static long[] snapshot(Connection open) throws SQLException {
    try (PreparedStatement statement =
            open.prepareStatement(
                "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint,"
                    + " pg_snapshot_xmax(pg_current_snapshot())::text::bigint");
        ResultSet row = statement.executeQuery()) {
      row.next();
      return new long[] {row.getLong(1), row.getLong(2)};
    }
  }

  @Override
  public void close() {
    if (connection != null) {
      try {
        connection.close();
      } catch (SQLException e) {
        // The connection is broken, so there is nothing to close.
      }
      connection = null;
    }
  }
}
