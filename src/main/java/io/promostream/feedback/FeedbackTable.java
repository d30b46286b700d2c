package io.promostream.feedback;

import static java.util.stream.Collectors.joining;

import io.promostream.config.JobConfig;
import io.promostream.config.TableName;
import io.promostream.delivery.DeliveryBatch;
import io.promostream.postgres.Connections;
import io.promostream.postgres.Identifiers;
import io.promostream.postgres.TransactionSettings;
import io.promostream.promo.Promo;
import io.promostream.promo.PromoField;
import io.promostream.subscribers.ClientIds;
import java.io.IOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The definition of the feedback table in the catalog: how to write a value to each column, and
 * which values a column cannot store.
 *
 * @param columns the columns that the job writes, by name
 * @param conflictTarget the columns of a unique index that contains restaurant, campaign and
 *     client; null if the table has no such index. The index decides which values are equal: {@code
 *     citext} ids that differ only in case, and two spellings of one UUID, are the same client
 */
public record FeedbackTable(
    TableName name, Map<String, Column> columns, @Nullable List<String> conflictTarget) {

  /** The kind of values that a column stores. */
  public enum Role {
    TEXT("a text"),
    TIME("a time");

    private final String noun;

    Role(String noun) {
      this.noun = noun;
    }

    /** Whether a column of this type, given by its internal name, can store these values. */
    public boolean accepts(String type) {
      return new Column(type, -1).expression(this, "").isPresent();
    }
  }

  /** The columns that identify a delivery. */
  public static final List<String> KEY =
      List.of(
          PromoField.RESTAURANT_ID.toString(),
          PromoField.ADV_CAMPAIGN_ID.toString(),
          DeliveryBatch.CLIENT_ID);

  /** {@link #KEY} as an array in SQL. */
  public static final String KEY_ARRAY = KEY.stream().collect(joining("', '", "ARRAY['", "']"));

  /** The columns that the job writes, in the order of the contract. */
  public static final Map<String, Role> WRITTEN = written();

  /** Greater than any time of a promo. */
  private static final long ABOVE_ANY_TIME = 1_000_000_000_000L;

  /** The spellings that Postgres accepts as a UUID. */
  private static final Pattern UUID =
      Pattern.compile("(?i)H|\\{H\\}".replace("H", "([0-9a-f]{4}-?){7}[0-9a-f]{4}"));

  private static Map<String, Role> written() {
    Map<String, Role> written = new LinkedHashMap<>();
    for (PromoField field : PromoField.values()) {
      written.put(field.toString(), field.isTime() ? Role.TIME : Role.TEXT);
    }
    written.put(DeliveryBatch.CLIENT_ID, Role.TEXT);
    written.put(DeliveryBatch.MATCHED_AT, Role.TIME);
    return Collections.unmodifiableMap(written);
  }

  /**
   * A column of the table.
   *
   * @param type the internal name of its type, for example {@code int8}; of a domain, its base type
   * @param modifier the type modifier in the catalog, with a length or precision; -1 if it has none
   */
  public record Column(String type, int modifier) {

    /** The catalog stores a length or precision plus four. */
    private static final int MODIFIER_OFFSET = 4;

    /** The SQL expression that converts a text, or int8 seconds, to the type of the column. */
    private Optional<String> expression(Role role, String value) {
      return switch (role) {
        case TEXT ->
            switch (type) {
              case "text", "varchar", "bpchar", "citext" -> Optional.of(value);
              case "uuid" -> Optional.of(value + "::uuid");
              default -> Optional.empty();
            };
        case TIME ->
            switch (type) {
              case "int8", "int4", "numeric" -> Optional.of(value);
              case "timestamptz" -> Optional.of("pg_catalog.to_timestamp(" + value + ")");
              case "timestamp" ->
                  Optional.of("(pg_catalog.to_timestamp(" + value + ") AT TIME ZONE 'UTC')");
              default -> Optional.empty();
            };
      };
    }

    /** Whether the column stores UUIDs. */
    public boolean isUuid() {
      return type.equals("uuid");
    }

    /** The largest number of characters that the column can store. */
    public int maxChars() {
      return (type.equals("varchar") || type.equals("bpchar")) && modifier > 0
          ? modifier - MODIFIER_OFFSET
          : Integer.MAX_VALUE;
    }

    /** The largest number that the column can store. */
    private long maxNumber() {
      if (type.equals("numeric") && modifier > 0) {
        int precision = (modifier - MODIFIER_OFFSET) >> 16;
        int scale = (((modifier - MODIFIER_OFFSET) & 0x7ff) ^ 0x400) - 0x400;
        return (long) Math.pow(10, precision - scale) - 1;
      }
      return type.equals("int4") ? Integer.MAX_VALUE : Long.MAX_VALUE;
    }

    /** Why the column cannot store a text; null if it can. */
    @Nullable String whyNot(String text) {
      if (isUuid()) {
        return UUID.matcher(text).matches() ? null : "is not a UUID";
      }
      return text.codePointCount(0, text.length()) > maxChars()
          ? "is longer than %d characters".formatted(maxChars())
          : null;
    }

    /** Why the column cannot store a time; null if it can. */
    @Nullable String whyNot(long seconds) {
      return seconds > maxNumber() ? "is greater than %d".formatted(maxNumber()) : null;
    }

    /** Whether the column can store every text, or every time as a number. */
    private boolean acceptsAll(Role role) {
      return role == Role.TEXT
          ? !isUuid() && maxChars() == Integer.MAX_VALUE
          : !type.startsWith("timestamp") && maxNumber() > ABOVE_ANY_TIME;
    }
  }

  private static final String RELATION =
      "SELECT oid, relkind FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass(?)";

  /** The columns with the base types of their domains, and whether a row must have a value. */
  private static final String COLUMNS =
      """
      WITH RECURSIVE types (attnum, type, modifier) AS (
        SELECT attnum, atttypid, atttypmod FROM pg_catalog.pg_attribute
        WHERE attrelid = ? AND attnum > 0 AND NOT attisdropped
        UNION ALL
        SELECT types.attnum, t.typbasetype, t.typtypmod
        FROM types JOIN pg_catalog.pg_type t ON t.oid = types.type AND t.typtype = 'd')
      SELECT a.attname, t.typname, types.modifier,
             pg_catalog.format_type(a.atttypid, a.atttypmod) AS declared,
             a.attgenerated <> '' OR a.attidentity = 'a' AS computed,
             pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'INSERT') AS granted,
             a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AND NOT EXISTS (
               SELECT FROM pg_catalog.pg_trigger g
               WHERE g.tgrelid = a.attrelid AND NOT g.tgisinternal AND g.tgtype & 7 = 7) AS needed
      FROM types
      JOIN pg_catalog.pg_type t ON t.oid = types.type AND t.typtype <> 'd'
      JOIN pg_catalog.pg_attribute a ON a.attrelid = ? AND a.attnum = types.attnum
      ORDER BY a.attnum
      """;

  /**
   * The columns of a unique index that ON CONFLICT accepts. Such an index has only plain columns,
   * no predicate, and is not deferrable. Its table has no rules, and the role may SELECT the
   * columns. If several indexes qualify, the one with the fewest columns is used, because a row
   * that conflicts with a wider index conflicts with this one too.
   */
  private static final String CONFLICT_TARGET =
      """
      SELECT pg_catalog.array_agg(a.attname::text ORDER BY k.ord) AS columns
      FROM pg_catalog.pg_index i
      CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, ord)
      JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
      WHERE i.indrelid = ? AND i.indisunique AND i.indisvalid AND i.indimmediate
        AND NOT i.indisexclusion AND i.indpred IS NULL AND i.indexprs IS NULL
        AND k.ord <= i.indnkeyatts
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_rewrite r
                        WHERE r.ev_class = i.indrelid AND r.ev_type IN ('2', '3'))
      GROUP BY i.indexrelid, i.indrelid
      HAVING pg_catalog.array_agg(a.attname::text)
               @> %s
         AND pg_catalog.bool_and(pg_catalog.has_column_privilege(i.indrelid, a.attnum, 'SELECT'))
      ORDER BY pg_catalog.count(*), i.indexrelid
      LIMIT 1
      """
          .formatted(KEY_ARRAY);

  /**
   * Reads the definition of a table from the catalog.
   *
   * @throws IOException if the table cannot take rows; the message lists all problems
   */
  public static FeedbackTable describe(Connection connection, TableName name)
      throws SQLException, IOException {
    List<String> problems = new ArrayList<>();
    long oid = find(connection, name);
    Map<String, Column> columns = columns(connection, oid, WRITTEN, problems);
    requireNoProblems(problems, "feedback rows", name);
    return new FeedbackTable(name, columns, conflictTarget(connection, oid));
  }

  /**
   * Connects and reads the definition of the feedback table from the catalog.
   *
   * @throws IOException if this fails, or if the table cannot take rows
   */
  public static FeedbackTable describe(JobConfig.Feedback config) throws IOException {
    try (Connection connection =
        Connections.open(config.database(), "promo-stream feedback columns")) {
      TransactionSettings.beginCatalog(connection);
      return describe(connection, config.table());
    } catch (SQLException e) {
      throw new IOException(
          "Cannot read the definition of table %s: %s".formatted(config.table(), e.getMessage()),
          e);
    }
  }

  /**
   * Checks the table of refused rows, which must accept every row that the feedback table refuses.
   *
   * @throws IOException if it does not; the message lists all problems
   */
  static void requireAcceptsRefusedRows(Connection connection, TableName name)
      throws SQLException, IOException {
    Map<String, Role> written = new LinkedHashMap<>(WRITTEN);
    written.put("reason", Role.TEXT);
    List<String> problems = new ArrayList<>();
    columns(connection, find(connection, name), written, problems)
        .forEach(
            (column, found) -> {
              Role role = written.get(column);
              if (found.expression(role, "").isPresent() && !found.acceptsAll(role)) {
                problems.add(
                    "column %s cannot store every value, change its type to %s"
                        .formatted(column, role == Role.TEXT ? "text" : "bigint"));
              }
            });
    requireNoProblems(problems, "refused rows", name);
  }

  private static void requireNoProblems(List<String> problems, String what, TableName name)
      throws IOException {
    if (!problems.isEmpty()) {
      throw new IOException(
          "Table %s cannot take %s: %s".formatted(name, what, String.join("; ", problems)));
    }
  }

  private static long find(Connection connection, TableName name) throws SQLException, IOException {
    try (PreparedStatement statement = connection.prepareStatement(RELATION)) {
      statement.setString(1, Identifiers.quote(name));
      try (ResultSet row = statement.executeQuery()) {
        if (!row.next()) {
          throw new IOException(
              "Table %s does not exist. The job creates no tables. Create it with feedback.sql, which is in the jar"
                  .formatted(name));
        }
        if (!"rpvf".contains(row.getString("relkind"))) {
          throw new IOException("%s is not a table or view".formatted(name));
        }
        return row.getLong("oid");
      }
    }
  }

  private static Map<String, Column> columns(
      Connection connection, long oid, Map<String, Role> written, List<String> problems)
      throws SQLException {
    Map<String, Column> columns = new LinkedHashMap<>();
    List<String> notGranted = new ArrayList<>();
    try (PreparedStatement statement = connection.prepareStatement(COLUMNS)) {
      statement.setLong(1, oid);
      statement.setLong(2, oid);
      try (ResultSet row = statement.executeQuery()) {
        while (row.next()) {
          String column = row.getString("attname");
          Role role = written.get(column);
          if (role == null) {
            if (row.getBoolean("needed")) {
              problems.add(
                  "column %s is NOT NULL without a default, and the job does not write it, so give it a default"
                      .formatted(column));
            }
            continue;
          }
          Column found = new Column(row.getString("typname"), row.getInt("modifier"));
          columns.put(column, found);
          if (found.expression(role, "").isEmpty()) {
            problems.add(
                "column %s is %s, which cannot store %s"
                    .formatted(column, row.getString("declared"), role.noun));
          }
          if (row.getBoolean("computed")) {
            problems.add(
                "column %s is GENERATED ALWAYS, so no INSERT may set it".formatted(column));
          }
          if (!row.getBoolean("granted")) {
            notGranted.add(column);
          }
        }
      }
    }
    written.keySet().stream()
        .filter(column -> !columns.containsKey(column))
        .forEach(column -> problems.add("column %s is missing".formatted(column)));
    if (!notGranted.isEmpty()) {
      problems.add("the role lacks INSERT on " + String.join(", ", notGranted));
    }
    return columns;
  }

  private static @Nullable List<String> conflictTarget(Connection connection, long oid)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(CONFLICT_TARGET)) {
      statement.setLong(1, oid);
      try (ResultSet row = statement.executeQuery()) {
        return row.next() ? List.of((String[]) row.getArray("columns").getArray()) : null;
      }
    }
  }

  /**
   * The statement that inserts a row for each client of the batches. Its parameters contain each
   * promo once and the clients as text. It is as fast as {@code COPY}, and several times as fast as
   * a JDBC batch of rows. It names its columns, so the table may have them in another order and may
   * have more nullable columns.
   */
  String insert() {
    String names =
        Arrays.stream(PromoField.values()).map(PromoField::toString).collect(joining(", "));
    String parameters =
        Stream.concat(
                Arrays.stream(PromoField.values()).map(field -> field.isTime() ? "int8" : "text"),
                Stream.of("text", "text", "int8"))
            .map("pg_catalog.unnest(?::%s[])"::formatted)
            .collect(joining(", "));
    return insert(
        """
        (SELECT %1$s, pg_catalog.unnest(pg_catalog.string_to_array(uuids, ',') || texts::text[]) AS %2$s, %3$s \
        FROM ROWS FROM (%4$s) AS batch (%1$s, uuids, texts, %3$s)) AS row"""
            .formatted(names, DeliveryBatch.CLIENT_ID, DeliveryBatch.MATCHED_AT, parameters));
  }

  /**
   * The statement that inserts rows.
   *
   * @param rows the source of the rows, with the alias {@code row}; its times are int8
   */
  String insert(String rows) {
    String select =
        WRITTEN.entrySet().stream()
            .map(
                column ->
                    columns
                        .get(column.getKey())
                        .expression(column.getValue(), "row." + column.getKey())
                        .orElseThrow())
            .collect(joining(", "));
    String conflict =
        conflictTarget == null
            ? ""
            : conflictTarget.stream()
                .map(Identifiers::quote)
                .collect(joining(", ", " ON CONFLICT (", ") DO NOTHING"));
    return "INSERT INTO %s (%s) SELECT %s FROM %s%s"
        .formatted(
            Identifiers.quote(name), String.join(", ", WRITTEN.keySet()), select, rows, conflict);
  }

  /** Why the table cannot store a promo's row for any client; null if it can. */
  public @Nullable String whyNot(Promo promo) {
    for (PromoField field : PromoField.values()) {
      Column column = columns.get(field.toString());
      String why =
          field.isTime() ? column.whyNot(field.time(promo)) : column.whyNot(field.text(promo));
      if (why != null) {
        return field + " " + why;
      }
    }
    return null;
  }

  /** The client ids that the table can store. */
  public ClientIds clientIds() {
    Column column = columns.get(DeliveryBatch.CLIENT_ID);
    return new ClientIds(column.maxChars(), column.isUuid());
  }
}
