package io.promostream.feedback;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.promostream.delivery.DeliveryBatch;
import io.promostream.promo.PromoField;
import io.promostream.subscribers.Audience;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToLongFunction;

/** Binds batches as the parameters of {@link FeedbackTable#insert()}. */
final class FeedbackRows {

  private FeedbackRows() {}

  /** How many rows the batches expand to. */
  static int count(List<DeliveryBatch> batches) {
    return batches.stream().mapToInt(batch -> batch.clients().size()).sum();
  }

  /** Splits the batches into pieces of at most {@code maxRows} rows. */
  static List<List<DeliveryBatch>> pieces(List<DeliveryBatch> batches, int maxRows) {
    List<List<DeliveryBatch>> pieces = new ArrayList<>();
    int rows = maxRows;
    for (DeliveryBatch batch : batches) {
      for (Audience clients : batch.clients().slices(maxRows, Integer.MAX_VALUE)) {
        rows += clients.size();
        if (rows > maxRows) {
          pieces.add(new ArrayList<>());
          rows = clients.size();
        }
        pieces
            .get(pieces.size() - 1)
            .add(new DeliveryBatch(batch.promo(), batch.matchedAt(), clients));
      }
    }
    return pieces;
  }

  /**
   * Inserts a row for each client of each batch.
   *
   * @return how many rows were inserted; the table already had the others
   */
  static int insert(Connection connection, String insert, List<DeliveryBatch> batches)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(insert)) {
      bind(statement, batches);
      return statement.executeUpdate();
    }
  }

  static void bind(PreparedStatement statement, List<DeliveryBatch> batches) throws SQLException {
    int parameter = 0;
    for (PromoField field : PromoField.values()) {
      parameter++;
      if (field.isTime()) {
        bindNumbers(statement, parameter, batches, batch -> field.time(batch.promo()));
      } else {
        bindTexts(statement, parameter, batches, batch -> field.text(batch.promo()));
      }
    }
    List<Clients> clients = batches.stream().map(batch -> Clients.of(batch.clients())).toList();
    bindTexts(statement, parameter + 1, clients, Clients::uuids);
    bindTexts(statement, parameter + 2, clients, Clients::texts);
    bindNumbers(statement, parameter + 3, batches, DeliveryBatch::matchedAt);
  }

  /**
   * Binds a {@code String[]}, because the driver sends it in binary, as it does a {@code Long[]}.
   */
  static <T> void bindTexts(
      PreparedStatement statement, int parameter, List<T> rows, Function<T, String> column)
      throws SQLException {
    String[] values = rows.stream().map(column).toArray(String[]::new);
    statement.setArray(parameter, statement.getConnection().createArrayOf("text", values));
  }

  static <T> void bindNumbers(
      PreparedStatement statement, int parameter, List<T> rows, ToLongFunction<T> column)
      throws SQLException {
    Long[] values = rows.stream().mapToLong(column).boxed().toArray(Long[]::new);
    statement.setArray(parameter, statement.getConnection().createArrayOf("int8", values));
  }

  /**
   * The clients of a batch.
   *
   * @param uuids UUIDs separated by commas, which Postgres splits faster than the text of an array
   * @param texts the other client ids as the text of a Postgres array
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
