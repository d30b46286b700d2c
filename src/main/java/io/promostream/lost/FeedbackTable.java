package io.promostream.lost;

import io.promostream.config.JobConfig;
import io.promostream.promo.Promo;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.function.Consumer;

/** The feedback rows of a window, read twice through a cursor and never held. */
final class FeedbackTable implements AutoCloseable {

  /** What a row says of a delivery. */
  record Row(Promo promo, String clientId, long matchedAt) {
    long hash() {
      return Hashes.of(promo.restaurantId(), promo.campaignId(), clientId);
    }
  }

  private interface Reader {
    void read(ResultSet row) throws SQLException;
  }

  private static final int FETCH_ROWS = 5_000;

  private final Connection connection;
  private final String rows;

  FeedbackTable(JobConfig.Feedback feedback, Window window) throws SQLException {
    connection = feedback.database().connect("promo-stream lost notifications");
    // The first row of a large table without an index may take its time.
    connection.setNetworkTimeout(Runnable::run, 0);
    connection.setReadOnly(true);
    connection.setAutoCommit(false);
    rows =
        " FROM %s WHERE trigger_datetime_created BETWEEN %d AND %d"
            .formatted(
                feedback.table().quoted(),
                window.from().getEpochSecond(),
                window.to().getEpochSecond());
  }

  /** What identifies each, sorted. */
  long[] hashes() throws SQLException {
    Hashes hashes = new Hashes();
    read(
        "restaurant_id, adv_campaign_id, client_id",
        row -> hashes.add(Hashes.of(row.getString(1), row.getString(2), row.getString(3))));
    return hashes.sorted();
  }

  void forEach(Consumer<Row> consumer) throws SQLException {
    read(
        "restaurant_id, adv_campaign_id, adv_campaign_content, adv_campaign_owner,"
            + " adv_campaign_owner_contact, adv_campaign_datetime_start, adv_campaign_datetime_end,"
            + " datetime_created, client_id, trigger_datetime_created",
        row ->
            consumer.accept(
                new Row(
                    new Promo(
                        row.getString(1),
                        row.getString(2),
                        row.getString(3),
                        row.getString(4),
                        row.getString(5),
                        row.getLong(6),
                        row.getLong(7),
                        row.getLong(8)),
                    row.getString(9),
                    row.getLong(10))));
  }

  private void read(String columns, Reader reader) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.setFetchSize(FETCH_ROWS);
      try (ResultSet result = statement.executeQuery("SELECT " + columns + rows)) {
        while (result.next()) {
          reader.read(result);
        }
      }
    } finally {
      connection.rollback();
    }
  }

  @Override
  public void close() throws SQLException {
    connection.close();
  }
}
