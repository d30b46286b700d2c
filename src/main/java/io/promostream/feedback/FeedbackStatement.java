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
 * text, and one row for each client. As fast as {@code COPY}, several times as fast as a batch of
 * rows. It names its columns, so that their order and further nullable ones don't matter, and gives
 * times as int8, which Postgres also assigns to int4.
 */
final class FeedbackStatement {

  private FeedbackStatement() {}

  static String sql(TableName table) {
    return """
        INSERT INTO %s (restaurant_id, adv_campaign_id, adv_campaign_content, adv_campaign_owner, \
        adv_campaign_owner_contact, adv_campaign_datetime_start, adv_campaign_datetime_end, \
        datetime_created, client_id, trigger_datetime_created) \
        SELECT restaurant_id, campaign_id, content, owner, owner_contact, starts, ends, created, \
        unnest(string_to_array(uuids, ',') || texts::text[]), matched_at \
        FROM unnest(?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::int8[], ?::int8[], \
        ?::int8[], ?::text[], ?::text[], ?::int8[]) AS batch (restaurant_id, campaign_id, content, \
        owner, owner_contact, starts, ends, created, uuids, texts, matched_at)"""
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
    List<Clients> clients = batches.stream().map(batch -> Clients.of(batch.clients())).toList();
    bindTexts(statement, 9, clients, Clients::uuids);
    bindTexts(statement, 10, clients, Clients::texts);
    bindNumbers(statement, 11, batches, DeliveryBatch::matchedAt);
  }

  /** As {@code String[]}, and {@code Long[]} below, which the driver sends in binary. */
  private static <T> void bindTexts(
      PreparedStatement statement, int parameter, List<T> rows, Function<T, String> column)
      throws SQLException {
    String[] values = rows.stream().map(column).toArray(String[]::new);
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

  /**
   * A batch's clients.
   *
   * @param uuids with commas between them, which Postgres takes apart faster than an array's text
   * @param texts the others, as Postgres reads an array
   */
  private record Clients(String uuids, String texts) {

    private static final int UUID_AND_COMMA = 37;

    static Clients of(Audience clients) {
      StringBuilder uuids = new StringBuilder(clients.size() * UUID_AND_COMMA);
      StringBuilder texts = new StringBuilder("{");
      clients.forEach(
          (id, plain) -> {
            if (plain) {
              separate(uuids, 0).append(new String(id, ISO_8859_1));
            } else {
              quote(new String(id, UTF_8), separate(texts, 1));
            }
          });
      return new Clients(uuids.toString(), texts.append('}').toString());
    }

    private static StringBuilder separate(StringBuilder ids, int begin) {
      return ids.length() > begin ? ids.append(',') : ids;
    }
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
