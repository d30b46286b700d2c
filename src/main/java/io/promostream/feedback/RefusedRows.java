package io.promostream.feedback;

import io.promostream.config.TableName;
import io.promostream.delivery.DeliveryBatch;
import io.promostream.subscribers.Audience;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Inserts rows of which the table refuses some: finds those by halving, and puts each with its
 * reason into the table of refused rows, within the same transaction. Restaurants whose rows are
 * fine do not notice.
 */
final class RefusedRows {

  /**
   * Classes of SQLSTATE by which a server refuses a row and not the session: data, integrity,
   * triggers, program limits, RAISE. <a
   * href="https://www.postgresql.org/docs/current/errcodes-appendix.html">Their list</a>.
   */
  private static final Set<String> CLASSES =
      Set.of("09", "22", "23", "27", "38", "39", "44", "45", "54", "P0");

  /** A character that the database's encoding lacks. */
  private static final String UNTRANSLATABLE = "22P05";

  private record Refused(DeliveryBatch batch, String client, String reason) {

    /** A text as the table of refused rows can hold it. */
    String storable(String text) {
      if (!reason.startsWith(UNTRANSLATABLE)) {
        return text;
      }
      StringBuilder ascii = new StringBuilder();
      text.chars()
          .forEach(c -> ascii.append(c < 0x7f ? Character.toString(c) : "\\u%04x".formatted(c)));
      return ascii.toString();
    }
  }

  private final Connection connection;
  private final String insert;
  private final List<Refused> refused = new ArrayList<>();
  private int inserted;

  RefusedRows(Connection connection, String insert) {
    this.connection = connection;
    this.insert = insert;
  }

  /** Whether an error is about rows. */
  static boolean isRefusal(SQLException e) {
    String state = e.getSQLState();
    return state != null && state.length() == 5 && CLASSES.contains(state.substring(0, 2));
  }

  /** Inserts the rows that the table takes, and notes the others. */
  void insert(List<DeliveryBatch> batches) throws SQLException {
    if (batches.isEmpty()) {
      return;
    }
    Savepoint before = connection.setSavepoint();
    try {
      inserted += FeedbackRows.insert(connection, insert, batches);
      connection.releaseSavepoint(before);
    } catch (SQLException e) {
      if (!isRefusal(e)) {
        throw e;
      }
      connection.rollback(before);
      if (batches.size() > 1) {
        insert(batches.subList(0, batches.size() / 2));
        insert(batches.subList(batches.size() / 2, batches.size()));
      } else {
        halve(batches.get(0), e);
      }
    }
  }

  private void halve(DeliveryBatch batch, SQLException e) throws SQLException {
    Audience clients = batch.clients();
    if (clients.size() == 1) {
      String reason = e.getSQLState() + " " + e.getMessage();
      refused.add(new Refused(batch, clients.clientIds().get(0), reason));
      return;
    }
    for (Audience half : clients.slices((clients.size() + 1) / 2, Integer.MAX_VALUE)) {
      insert(List.of(new DeliveryBatch(batch.promo(), batch.matchedAt(), half)));
    }
  }

  /** How many rows came in. */
  int inserted() {
    return inserted;
  }

  /** How many rows the table refuses. */
  int count() {
    return refused.size();
  }

  /** The first refusal, for the log. */
  String example() {
    Refused first = refused.get(0);
    return "restaurant %s, campaign %s, client %s: %s"
        .formatted(
            first.batch().promo().restaurantId(),
            first.batch().promo().campaignId(),
            first.client(),
            first.reason());
  }

  /** Puts the refused rows aside. */
  void setAside(TableName table) throws SQLException {
    if (refused.isEmpty()) {
      return;
    }
    String sql =
        """
        INSERT INTO %s (restaurant_id, adv_campaign_id, adv_campaign_content, adv_campaign_owner, \
        adv_campaign_owner_contact, adv_campaign_datetime_start, adv_campaign_datetime_end, \
        datetime_created, client_id, trigger_datetime_created, reason) \
        SELECT * FROM ROWS FROM (pg_catalog.unnest(?::text[]), pg_catalog.unnest(?::text[]), \
        pg_catalog.unnest(?::text[]), pg_catalog.unnest(?::text[]), pg_catalog.unnest(?::text[]), \
        pg_catalog.unnest(?::int8[]), pg_catalog.unnest(?::int8[]), pg_catalog.unnest(?::int8[]), \
        pg_catalog.unnest(?::text[]), pg_catalog.unnest(?::int8[]), pg_catalog.unnest(?::text[]))"""
            .formatted(table.quoted());
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      FeedbackRows.bindTexts(
          statement, 1, refused, row -> row.storable(row.batch().promo().restaurantId()));
      FeedbackRows.bindTexts(
          statement, 2, refused, row -> row.storable(row.batch().promo().campaignId()));
      FeedbackRows.bindTexts(
          statement, 3, refused, row -> row.storable(row.batch().promo().content()));
      FeedbackRows.bindTexts(
          statement, 4, refused, row -> row.storable(row.batch().promo().owner()));
      FeedbackRows.bindTexts(
          statement, 5, refused, row -> row.storable(row.batch().promo().ownerContact()));
      FeedbackRows.bindNumbers(statement, 6, refused, row -> row.batch().promo().start());
      FeedbackRows.bindNumbers(statement, 7, refused, row -> row.batch().promo().end());
      FeedbackRows.bindNumbers(statement, 8, refused, row -> row.batch().promo().created());
      FeedbackRows.bindTexts(statement, 9, refused, row -> row.storable(row.client()));
      FeedbackRows.bindNumbers(statement, 10, refused, row -> row.batch().matchedAt());
      FeedbackRows.bindTexts(statement, 11, refused, row -> row.storable(row.reason()));
      statement.executeUpdate();
    }
  }
}
