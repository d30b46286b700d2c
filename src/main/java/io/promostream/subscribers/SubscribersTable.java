package io.promostream.subscribers;

import io.promostream.config.TableName;
import io.promostream.postgres.Identifiers;
import io.promostream.postgres.TransactionSettings;
import io.promostream.promo.Promo;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import org.postgresql.PGConnection;

/**
 * Reads the subscriber list in short READ ONLY transactions. Each transaction sees one snapshot of
 * the table. The role needs SELECT on the two columns and nothing else. Postgres must be version 14
 * or later, which looks up the thousands of ids of {@code = ANY} by hash.
 */
final class SubscribersTable {

  /** Longer than for other statements, because the network limits how fast the rows arrive. */
  private static final String TIMEOUT_FOR_ROWS = "SET LOCAL statement_timeout = '10min'";

  /**
   * Memory for the groups of the fingerprints. If it does not suffice, Postgres spills them to disk
   * or sorts the whole table.
   */
  private static final String WORK_MEM = "SET LOCAL work_mem = '64MB'";

  // Compared as texts: types such as uuid or citext treat different texts as equal.
  private static final String RESTAURANT_ID = "restaurant_id::text";
  private static final String CLIENT_ID = "client_id::text";

  /** Valid UTF-8, byte by byte (RFC 3629). */
  private static final String UTF_8 =
      "^(?:[\\x01-\\x7F]|[\\xC2-\\xDF][\\x80-\\xBF]|\\xE0[\\xA0-\\xBF][\\x80-\\xBF]"
          + "|[\\xE1-\\xEC\\xEE\\xEF][\\x80-\\xBF]{2}|\\xED[\\x80-\\x9F][\\x80-\\xBF]"
          + "|\\xF0[\\x90-\\xBF][\\x80-\\xBF]{2}|[\\xF1-\\xF3][\\x80-\\xBF]{3}"
          + "|\\xF4[\\x80-\\x8F][\\x80-\\xBF]{2})*$";

  /**
   * The ids as SQL expressions. In a {@code SQL_ASCII} database a text may be any bytes. Postgres
   * refuses to send a text that is not UTF-8, which fails the whole query. So NULL replaces such a
   * text.
   *
   * @param restaurant in collation "C", where only equal bytes are equal ids, unlike in some other
   *     collations
   * @param usable whether the client's id is not empty, not too long, and of a form that the
   *     feedback table can store. {@code octet_length} does not decode the text: with {@code
   *     char_length} alone the fingerprints take three times as long.
   */
  private record Ids(String restaurant, String client, String usable) {

    static Ids in(Connection connection, ClientIds clientIds) throws SQLException {
      boolean anyBytes =
          "SQL_ASCII"
              .equals(connection.unwrap(PGConnection.class).getParameterStatus("server_encoding"));
      String client = anyBytes ? utf8OrNull(CLIENT_ID) : CLIENT_ID;
      String characters =
          (anyBytes ? "length(convert_to(%s, 'SQL_ASCII'), 'UTF8')" : "char_length(%s)")
              .formatted(client);
      return new Ids(
          (anyBytes ? utf8OrNull(RESTAURANT_ID) : RESTAURANT_ID) + " COLLATE \"C\"",
          client,
          "octet_length(%2$s) > 0 AND (octet_length(%2$s) <= %1$d OR %3$s <= %1$d)"
                  .formatted(maxChars(clientIds), client, characters)
              + clientIds.condition(client));
    }

    private static String utf8OrNull(String id) {
      return "CASE WHEN %1$s COLLATE \"C\" ~ '%2$s' THEN %1$s END".formatted(id, UTF_8);
    }

    String hash(int seed) {
      return "hashtextextended(%s COLLATE \"C\", %d)".formatted(CLIENT_ID, seed);
    }
  }

  /**
   * Finds a relation that was truncated, rewritten or created after this transaction's snapshot.
   * The query sees {@code pg_class} as of the snapshot, but {@code pg_relation_filenode} returns
   * the current file. It looks at the relations that this transaction has locked, because these can
   * no longer change: the table, or the tables of a view, but not the catalog.
   */
  private static final String REWRITTEN =
      """
      SELECT locked.relation::regclass FROM pg_locks locked LEFT JOIN pg_class seen ON seen.oid = locked.relation \
      WHERE locked.pid = pg_backend_pid() AND locked.relation >= 16384 \
      AND NULLIF(seen.relfilenode, 0) IS DISTINCT FROM pg_relation_filenode(locked.relation)""";

  private final TableName name;
  private final ClientIds clientIds;

  SubscribersTable(TableName name, ClientIds clientIds) {
    this.name = name;
    this.clientIds = clientIds;
  }

  /**
   * Every restaurant with subscribers.
   *
   * @param rowsSkipped rows with an id that is empty, too long or not UTF-8, or with a client id
   *     that the feedback table cannot store
   */
  record Overview(Map<String, Fingerprint> restaurants, long rowsSkipped) {}

  /**
   * All subscribers that fit into memory.
   *
   * @param rowsSkipped rows with an id that is empty, too long or not UTF-8, or with a client id
   *     that the feedback table cannot store
   */
  record Everything(SubscribersByRestaurant restaurants, long rowsSkipped) {}

  /**
   * Begins a transaction for one or more of the reads below. The first read takes the snapshot.
   *
   * <p>The server ends a statement before the client gives up on it, which is after 2 min without a
   * byte (see Database). Otherwise statements that wait for a lock would pile up there.
   */
  void begin(Connection connection) throws SQLException {
    TransactionSettings.begin(
        connection, "ISOLATION LEVEL REPEATABLE READ, READ ONLY", "100s", "100s", "100s", WORK_MEM);
  }

  /** Reads one row per restaurant. */
  Overview overview(Connection connection) throws SQLException {
    Map<String, Fingerprint> restaurants = new HashMap<>();
    long rowsSkipped = 0;
    CopyRows groups = new CopyRows(connection, fingerprints(connection), 5);
    while (groups.next()) {
      for (int group = 0; group < groups.size(); group++) {
        long rows = isUsable(groups, group, 0, Promo.MAX_ID_CHARS) ? groups.number(group, 1) : 0;
        rowsSkipped += groups.number(group, 4) - rows;
        if (rows > 0) {
          restaurants.put(
              groups.text(group, 0),
              new Fingerprint(rows, wrapped(groups, group, 2), wrapped(groups, group, 3)));
        }
      }
    }
    refuseRewritten(connection);
    return new Overview(restaurants, rowsSkipped);
  }

  /** The query of {@link #overview}. */
  String fingerprints(Connection connection) throws SQLException {
    Ids ids = Ids.in(connection, clientIds);
    return """
    SELECT %5$s, count(*) FILTER (WHERE %1$s), sum(%2$s) FILTER (WHERE %1$s)::text, \
    sum(%3$s) FILTER (WHERE %1$s)::text, count(*) FROM %4$s GROUP BY 1"""
        .formatted(ids.usable, ids.hash(0), ids.hash(1), Identifiers.quote(name), ids.restaurant);
  }

  private static int maxChars(ClientIds clientIds) {
    return Math.min(Promo.MAX_ID_CHARS, clientIds.maxChars());
  }

  /** The rule of {@link Ids}, applied to both ids of a row. */
  private boolean isUsable(CopyRows rows, int row) {
    return isUsable(rows, row, 0, Promo.MAX_ID_CHARS)
        && isUsable(rows, row, 1, maxChars(clientIds))
        && clientIds.hasAllowedForm(rows, row, 1);
  }

  private static boolean isUsable(CopyRows rows, int row, int column, int maxChars) {
    int bytes = rows.length(row, column);
    return bytes > 0 && (bytes <= maxChars || rows.characters(row, column) <= maxChars);
  }

  /** Reduces a sum of 64-bit numbers to 64 bits, because Postgres returns it without overflow. */
  private static long wrapped(CopyRows rows, int row, int column) {
    int start = rows.start(row, column);
    boolean negative = rows.bytes(row)[start] == '-';
    long sum = 0;
    for (int i = negative ? 1 : 0; i < rows.length(row, column); i++) {
      sum = 10 * sum + rows.bytes(row)[start + i] - '0';
    }
    return negative ? -sum : sum;
  }

  /**
   * Reads all subscribers. At the first refresh this saves one scan, compared with {@link
   * #overview} and then {@link #subscribers}.
   *
   * @param maxBytes of memory; if the rows need more, some restaurants are left out
   */
  Everything everything(Connection connection, long maxBytes) throws SQLException {
    SubscribersByRestaurant restaurants = new SubscribersByRestaurant(maxBytes);
    long rowsSkipped = 0;
    CopyRows rows = rows(connection, Ids.in(connection, clientIds), "");
    while (rows.next()) {
      rowsSkipped += rows.size();
      rows.keep(row -> isUsable(rows, row));
      rowsSkipped -= rows.size();
      restaurants.add(rows);
    }
    refuseRewritten(connection);
    return new Everything(restaurants, rowsSkipped);
  }

  /**
   * Reads the subscribers of some restaurants.
   *
   * @param restaurantIds the restaurants to read
   * @param all whether these are all restaurants of the table, so that the query needs no filter
   * @param maxBytes of memory; if the rows need more, some restaurants are left out
   * @return every restaurant that was not left out; its audience is empty if it has no rows now
   */
  SubscribersByRestaurant subscribers(
      Connection connection, Collection<String> restaurantIds, boolean all, long maxBytes)
      throws SQLException {
    SubscribersByRestaurant restaurants = new SubscribersByRestaurant(maxBytes);
    restaurants.expect(restaurantIds);
    Ids ids = Ids.in(connection, clientIds);
    String which = " WHERE " + ids.usable;
    if (!all) {
      String array = connection.createArrayOf("text", restaurantIds.toArray()).toString();
      String literal = connection.unwrap(PGConnection.class).escapeLiteral(array);
      which += " AND %s = ANY('%s')".formatted(RESTAURANT_ID, literal);
    }
    CopyRows rows = rows(connection, ids, which);
    while (rows.next()) {
      // A restaurant that was added since the overview waits for the next refresh.
      restaurants.addExpected(rows);
    }
    refuseRewritten(connection);
    return restaurants;
  }

  private CopyRows rows(Connection connection, Ids ids, String which) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(TIMEOUT_FOR_ROWS);
    }
    String query =
        "SELECT %s, %s FROM %s".formatted(ids.restaurant, ids.client, Identifiers.quote(name));
    return new CopyRows(connection, query + which, 2);
  }

  /**
   * A query that waited for a lock on the table uses a snapshot from before the wait. If {@code
   * TRUNCATE} or {@code ALTER TABLE} replaced the table's file meanwhile, the table looks empty in
   * that snapshot.
   */
  private void refuseRewritten(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet rewritten = statement.executeQuery(REWRITTEN)) {
      if (rewritten.next()) {
        throw new SQLException(
            "%s was truncated or rewritten before %s was read, so the job reads it again"
                .formatted(rewritten.getString(1), name));
      }
    }
  }
}
