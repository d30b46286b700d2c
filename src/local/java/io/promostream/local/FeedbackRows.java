package io.promostream.local;

import io.promostream.config.Database;
import io.promostream.config.TableName;
import io.promostream.postgres.Connections;
import io.promostream.postgres.Identifiers;
import io.promostream.promo.Promo;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/** The committed rows of a feedback table. */
public final class FeedbackRows implements AutoCloseable {

  private final Connection connection;
  private final String table;

  private long settledRows;
  private long settledId;
  private long nextSettledId;
  private long settledWhenXminIs = Long.MAX_VALUE;

  public FeedbackRows(Database database, TableName table) throws SQLException {
    this.connection = Connections.open(database, "promo-stream rows");
    this.table = Identifiers.quote(table);
  }

  /**
   * Counts the rows. Does not count old rows again, so that it can run every second. The condition
   * {@code id > last} alone would miss rows of a transaction that took its ids early and committed
   * late. So ids up to a row count as settled only after the end of all transactions that ran when
   * the row was first seen.
   */
  public long count() throws SQLException {
    try (PreparedStatement query =
        connection.prepareStatement(
            "SELECT count(*), count(*) FILTER (WHERE id <= ?), coalesce(max(id), 0),"
                + " pg_snapshot_xmin(pg_current_snapshot())::text::bigint,"
                + " pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
                + " FROM "
                + table
                + " WHERE id > ?")) {
      query.setLong(1, nextSettledId);
      query.setLong(2, settledId);
      try (ResultSet result = query.executeQuery()) {
        result.next();
        long rows = settledRows + result.getLong(1);
        boolean settled = result.getLong(4) >= settledWhenXminIs;
        if (settled) {
          settledRows += result.getLong(2);
          settledId = nextSettledId;
        }
        if (settled || settledWhenXminIs == Long.MAX_VALUE) {
          nextSettledId = Math.max(settledId, result.getLong(3));
          settledWhenXminIs = result.getLong(5);
        }
        return rows;
      }
    }
  }

  /** Reads all rows into memory, for tests. */
  public List<Delivery> read() throws SQLException {
    List<Delivery> deliveries = new ArrayList<>();
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("SELECT * FROM " + table + " ORDER BY id")) {
      while (row.next()) {
        deliveries.add(
            new Delivery(
                new Promo(
                    row.getString("restaurant_id"),
                    row.getString("adv_campaign_id"),
                    row.getString("adv_campaign_content"),
                    row.getString("adv_campaign_owner"),
                    row.getString("adv_campaign_owner_contact"),
                    row.getLong("adv_campaign_datetime_start"),
                    row.getLong("adv_campaign_datetime_end"),
                    row.getLong("datetime_created")),
                row.getString("client_id"),
                row.getLong("trigger_datetime_created")));
      }
    }
    return deliveries;
  }

  @Override
  public void close() throws SQLException {
    connection.close();
  }
}
