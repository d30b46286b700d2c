package io.promostream.feedback;

import static java.util.stream.Collectors.joining;

import io.promostream.config.TableName;
import io.promostream.promo.Promo;
import java.io.IOException;
import java.io.Serializable;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The feedback table as the catalog has it: how a value gets into each column that the job writes,
 * and which values a column can't hold.
 *
 * @param columns by name, those that the job writes
 * @param conflictTarget columns of a unique index by which a row is the same delivery; null if
 *     there is no such index
 */
public record FeedbackTable(
    TableName name, Map<String, Column> columns, @Nullable List<String> conflictTarget)
    implements Serializable {

  /** What a column is for. */
  enum Role {
    ID,
    TEXT,
    TIME
  }

  /** The columns that the job writes, in the order of the contract. */
  static final Map<String, Role> WRITTEN = written();

  private static final Pattern UUID =
      Pattern.compile("(?i)[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}");

  private static Map<String, Role> written() {
    Map<String, Role> written = new LinkedHashMap<>();
    written.put("restaurant_id", Role.ID);
    written.put("adv_campaign_id", Role.ID);
    written.put("adv_campaign_content", Role.TEXT);
    written.put("adv_campaign_owner", Role.TEXT);
    written.put("adv_campaign_owner_contact", Role.TEXT);
    written.put("adv_campaign_datetime_start", Role.TIME);
    written.put("adv_campaign_datetime_end", Role.TIME);
    written.put("datetime_created", Role.TIME);
    written.put("client_id", Role.ID);
    written.put("trigger_datetime_created", Role.TIME);
    return written;
  }

  /**
   * A column of the table.
   *
   * @param type its base type's internal name: {@code int8}, {@code varchar}
   * @param length the greatest length in characters of a text, 0 where there is none
   */
  public record Column(String type, int length) implements Serializable {

    /** The value as SQL, made of one that comes as text or as int8 seconds. */
    private Optional<String> expression(Role role, String value) {
      if (role == Role.TIME) {
        return switch (type) {
          case "int8", "int4", "numeric" -> Optional.of(value);
          case "timestamptz" -> Optional.of("pg_catalog.to_timestamp(" + value + ")");
          case "timestamp" ->
              Optional.of("(pg_catalog.to_timestamp(" + value + ") AT TIME ZONE 'UTC')");
          default -> Optional.empty();
        };
      }
      return switch (type) {
        case "text", "varchar", "bpchar", "citext" -> Optional.of(value);
        case "uuid" -> Optional.of(value + "::uuid");
        default -> Optional.empty();
      };
    }

    /** Why a text can't be stored; null if it can. */
    @Nullable String whyNot(String text) {
      if (type.equals("uuid")) {
        return UUID.matcher(text).matches() ? null : "is no UUID";
      }
      return length > 0 && text.codePointCount(0, text.length()) > length
          ? "is longer than %d characters".formatted(length)
          : null;
    }

    /** Why a time can't be stored; null if it can. */
    private @Nullable String whyNot(long seconds) {
      return type.equals("int4") && seconds > Integer.MAX_VALUE
          ? "is greater than an integer holds"
          : null;
    }
  }

  private static final String COLUMNS =
      """
      SELECT a.attname, coalesce(base.typname, t.typname) AS type,
             CASE WHEN coalesce(base.typname, t.typname) IN ('varchar', 'bpchar')
                  THEN greatest(0, coalesce(nullif(a.atttypmod, -1), t.typtypmod) - 4)
                  ELSE 0 END AS length
      FROM pg_catalog.pg_attribute a
      JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
      LEFT JOIN pg_catalog.pg_type base ON base.oid = t.typbasetype
      WHERE a.attrelid = pg_catalog.to_regclass(?) AND a.attnum > 0 AND NOT a.attisdropped
      """;

  /** Unique indexes over plain columns, without a predicate. */
  private static final String UNIQUE_INDEXES =
      """
      SELECT i.indexrelid, array_agg(a.attname ORDER BY k.ord)::text[] AS columns
      FROM pg_catalog.pg_index i
      CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, ord)
      JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
      WHERE i.indrelid = pg_catalog.to_regclass(?) AND i.indisunique AND i.indisvalid
        AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL AND k.ord <= i.indnkeyatts
      GROUP BY i.indexrelid
      """;

  /**
   * Reads the catalog.
   *
   * @throws IOException if the table can't take rows, saying why and what to do
   */
  public static FeedbackTable describe(Connection connection, TableName name)
      throws SQLException, IOException {
    Map<String, Column> columns = new LinkedHashMap<>();
    try (PreparedStatement statement = connection.prepareStatement(COLUMNS)) {
      statement.setString(1, name.quoted());
      try (ResultSet row = statement.executeQuery()) {
        while (row.next()) {
          if (WRITTEN.containsKey(row.getString("attname"))) {
            columns.put(
                row.getString("attname"), new Column(row.getString("type"), row.getInt("length")));
          }
        }
      }
    }
    FeedbackTable table = new FeedbackTable(name, columns, conflictTarget(connection, name));
    List<String> problems = table.problems();
    if (!problems.isEmpty()) {
      throw new IOException(
          "table %s can't take feedback rows: %s. --check says more"
              .formatted(name, String.join("; ", problems)));
    }
    return table;
  }

  private List<String> problems() {
    List<String> problems = new ArrayList<>();
    WRITTEN.forEach(
        (column, role) -> {
          Column found = columns.get(column);
          if (found == null) {
            problems.add("it has no column " + column);
          } else if (found.expression(role, "").isEmpty()) {
            problems.add("column %s is of type %s".formatted(column, found.type()));
          }
        });
    return problems;
  }

  /** A row is the same delivery if restaurant, campaign and client are the same. */
  private static @Nullable List<String> conflictTarget(Connection connection, TableName name)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(UNIQUE_INDEXES)) {
      statement.setString(1, name.quoted());
      try (ResultSet row = statement.executeQuery()) {
        while (row.next()) {
          List<String> columns = List.of((String[]) row.getArray("columns").getArray());
          if (columns.containsAll(List.of("restaurant_id", "adv_campaign_id", "client_id"))) {
            return columns;
          }
        }
      }
    }
    return null;
  }

  /**
   * The statement that inserts a row for each client of some batches. It takes the batches' promos,
   * each once, and their clients as text: as fast as {@code COPY}, several times as fast as a batch
   * of rows. It names its columns, so their order and further nullable ones don't matter.
   */
  String insert() {
    String into =
        "INSERT INTO %s (%s) SELECT ".formatted(name.quoted(), String.join(", ", WRITTEN.keySet()));
    String select =
        WRITTEN.entrySet().stream()
            .map(
                column ->
                    columns
                        .get(column.getKey())
                        .expression(column.getValue(), "row." + column.getKey())
                        .orElseThrow())
            .collect(joining(", "));
    String from =
        """
         FROM (SELECT restaurant_id, adv_campaign_id, adv_campaign_content, adv_campaign_owner, \
        adv_campaign_owner_contact, adv_campaign_datetime_start, adv_campaign_datetime_end, \
        datetime_created, pg_catalog.unnest(pg_catalog.string_to_array(uuids, ',') || texts::text[]) \
        AS client_id, trigger_datetime_created \
        FROM ROWS FROM (pg_catalog.unnest(?::text[]), pg_catalog.unnest(?::text[]), \
        pg_catalog.unnest(?::text[]), pg_catalog.unnest(?::text[]), pg_catalog.unnest(?::text[]), \
        pg_catalog.unnest(?::int8[]), pg_catalog.unnest(?::int8[]), pg_catalog.unnest(?::int8[]), \
        pg_catalog.unnest(?::text[]), pg_catalog.unnest(?::text[]), pg_catalog.unnest(?::int8[])) \
        AS batch (restaurant_id, adv_campaign_id, adv_campaign_content, adv_campaign_owner, \
        adv_campaign_owner_contact, adv_campaign_datetime_start, adv_campaign_datetime_end, \
        datetime_created, uuids, texts, trigger_datetime_created)) AS row""";
    String conflict =
        conflictTarget == null
            ? ""
            : conflictTarget.stream()
                .map(column -> '"' + column.replace("\"", "\"\"") + '"')
                .collect(joining(", ", " ON CONFLICT (", ") DO NOTHING"));
    return into + select + from + conflict;
  }

  /** Why the table can't hold a promo's row, whoever the client is; null if it can. */
  public @Nullable String whyNot(Promo promo) {
    Map<String, String> texts = new LinkedHashMap<>();
    texts.put("restaurant_id", promo.restaurantId());
    texts.put("adv_campaign_id", promo.campaignId());
    texts.put("adv_campaign_content", promo.content());
    texts.put("adv_campaign_owner", promo.owner());
    texts.put("adv_campaign_owner_contact", promo.ownerContact());
    Map<String, Long> times = new LinkedHashMap<>();
    times.put("adv_campaign_datetime_start", promo.start());
    times.put("adv_campaign_datetime_end", promo.end());
    times.put("datetime_created", promo.created());
    for (Map.Entry<String, String> text : texts.entrySet()) {
      String why = columns.get(text.getKey()).whyNot(text.getValue());
      if (why != null) {
        return text.getKey() + " " + why;
      }
    }
    for (Map.Entry<String, Long> time : times.entrySet()) {
      String why = columns.get(time.getKey()).whyNot(time.getValue());
      if (why != null) {
        return time.getKey() + " " + why;
      }
    }
    return null;
  }

  /** The column that holds the client's id. */
  public Column clientId() {
    return columns.get("client_id");
  }
}
