package io.promostream.feedback;

import io.promostream.config.TableName;
import io.promostream.delivery.DeliveryBatch;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/**
 * Sends batches to the database, small ones together: a round trip and a statement's start cost as
 * much as some twenty rows.
 */
final class FeedbackRows {

  private static final int ENOUGH_ROWS = 1_000;

  /** Of what the promos and the ids take, roughly: long texts shall not pile up. */
  private static final long ENOUGH_BYTES = 1 << 20;

  private final PreparedStatement insert;
  private final List<DeliveryBatch> batches = new ArrayList<>();
  private int rows;
  private long bytes;

  FeedbackRows(Connection connection, TableName table) throws SQLException {
    insert = connection.prepareStatement(FeedbackStatement.sql(table));
  }

  /** Takes a batch, which {@link #send} sends. */
  void add(DeliveryBatch batch) {
    batches.add(batch);
    rows += batch.clients().size();
    bytes += batch.promo().textLength() + batch.clients().byteSize();
  }

  boolean areNone() {
    return batches.isEmpty();
  }

  /** Whether waiting for more would be of no more use. */
  boolean areEnough() {
    return rows >= ENOUGH_ROWS || bytes >= ENOUGH_BYTES;
  }

  /**
   * Writes what has been taken.
   *
   * @return how many rows
   */
  int send() throws SQLException {
    FeedbackStatement.bind(insert, batches);
    insert.executeUpdate();
    int sent = rows;
    batches.clear();
    rows = 0;
    bytes = 0;
    return sent;
  }
}
