package io.promostream.feedback;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.promostream.config.TableName;
import io.promostream.delivery.DeliveryBatch;
import io.promostream.subscribers.Audience;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToLongFunction;

/**
 * The one statement that writes feedback rows: some batches' promos, each once, with its clients as
 * the text of an array, and one row for each client. As fast as {@code COPY}, several times as fast
 * as a batch of rows. It names its columns, so that their order and further nullable ones don't
 * matter, and gives times as int8, which Postgres also assigns to int4.
 */
final class FeedbackStatement {

  private FeedbackStatement() {}

  static String sql(TableName table) {
    return """
        INSERT INTO %s (restaurant_id, adv_campaign_id, adv_campaign_content, adv_campaign_owner, \
        adv_campaign_owner_contact, adv_campaign_datetime_start, adv_campaign_datetime_end, \
        datetime_created, client_id, trigger_datetime_created) \
        SELECT restaurant_id, campaign_id, content, owner, owner_contact, starts, ends, created, \
        unnest(clients::text[]), matched_at \
        FROM unnest(?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::int8[], ?::int8[], \
        ?::int8[], ?::text[], ?::int8[]) AS batch (restaurant_id, campaign_id, content, owner, \
        owner_contact, starts, ends, created, clients, matched_at)"""
        .formatted(table.quoted());
  }

  static void bind(PreparedStatement statement, List<DeliveryBatch> batches) throws SQLException {
    bindTexts(statement, 1, batches, batch -> batch.promo().restaurantId());
    bindTexts(statement, 2, batches, batch -> batch.promo().campaignId());
    bindTexts(statement, 3, batches, batch -> batch.promo().content());
    bindTexts(statement, 4, batches, batch -> batch.promo().owner());
    bindTexts(statement, 5, batches, batch -> batch.promo().ownerContact());
    bindNumbers(statement, 6, batches, batch -> batch.promo().start());
    bindNumbers(statement, 7, batches, batch -> batch.promo().end());
    bindNumbers(statement, 8, batches, batch -> batch.promo().created());
    bindTexts(statement, 9, batches, batch -> arrayText(batch.clients()));
    bindNumbers(statement, 10, batches, DeliveryBatch::matchedAt);
  }

  /** As {@code String[]}, and {@code Long[]} below, which the driver sends in binary. */
  private static void bindTexts(
      PreparedStatement statement,
      int parameter,
      List<DeliveryBatch> batches,
      Function<DeliveryBatch, String> column)
      throws SQLException {
    String[] values = batches.stream().map(column).toArray(String[]::new);
    statement.setArray(parameter, statement.getConnection().createArrayOf("text", values));
  }

  private static void bindNumbers(
      PreparedStatement statement,
      int parameter,
      List<DeliveryBatch> batches,
      ToLongFunction<DeliveryBatch> column)
      throws SQLException {
    Long[] values = batches.stream().mapToLong(column).boxed().toArray(Long[]::new);
    statement.setArray(parameter, statement.getConnection().createArrayOf("int8", values));
  }

  /** The clients as Postgres reads an array. */
  private static String arrayText(Audience clients) {
    StringBuilder text = new StringBuilder(clients.size() * 37 + 2).append('{');
    clients.forEach(
        (id, plain) -> {
          if (text.length() > 1) {
            text.append(',');
          }
          if (plain) {
            text.append(new String(id, ISO_8859_1));
          } else {
            quote(new String(id, UTF_8), text);
          }
        });
    return text.append('}').toString();
  }

  private static void quote(String id, StringBuilder text) {
    text.append('"');
    for (int i = 0; i < id.length(); i++) {
      char c = id.charAt(i);
      if (c == '"' || c == '\\') {
        text.append('\\');
      }
      text.append(c);
    }
    text.append('"');
  }
}
