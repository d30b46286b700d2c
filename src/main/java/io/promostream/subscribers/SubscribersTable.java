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
 * What is read of the table of subscriptions, in short READ ONLY transactions, each of which sees
 * the table as of one moment. Needs SELECT on the two columns and nothing else, and Postgres 14 or
 * later, where {@code = ANY} with thousands of ids looks them up by hash.
 */
final class SubscribersTable {

  /** Rows keep coming, as fast as the network lets them. */
  private static final String TIMEOUT_FOR_ROWS = "SET LOCAL statement_timeout = '10min'";

  /**
   * Room for the groups of the fingerprints. With less than these need Postgres spills them to
   * disk, or sorts the whole table.
   */
  private static final String MEMORY = "SET LOCAL work_mem = '64MB'";

  // As texts, which they are: of others, as uuid or citext, Postgres means other things by equal.
  private static final String RESTAURANT_ID = "restaurant_id::text";
  private static final String CLIENT_ID = "client_id::text";

  /** Valid UTF-8, byte by byte (RFC 3629). */
  private static final String UTF_8 =
      "^(?:[\\x01-\\x7F]|[\\xC2-\\xDF][\\x80-\\xBF]|\\xE0[\\xA0-\\xBF][\\x80-\\xBF]"
          + "|[\\xE1-\\xEC\\xEE\\xEF][\\x80-\\xBF]{2}|\\xED[\\x80-\\x9F][\\x80-\\xBF]"
          + "|\\xF0[\\x90-\\xBF][\\x80-\\xBF]{2}|[\\xF1-\\xF3][\\x80-\\xBF]{3}"
          + "|\\xF4[\\x80-\\x8F][\\x80-\\xBF]{2})*$";

  /**
   * How a query names the ids. In a {@code SQL_ASCII} database a text may be any bytes. Postgres
   * refuses to send one that is not UTF-8, and with it the whole list: there NULL takes its place.
   *
   * @param restaurant in "C", where ids are equal byte for byte, whatever the column's collation
   *     holds to be equal
   * @param usable whether the client's id is neither empty nor too long, nor of a form that the
   *     feedback table can't hold. {@code octet_length} needs not look into the text: with {@code
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
   * A relation that was emptied, rewritten or made after this transaction's snapshot: {@code
   * pg_class} is read as of the snapshot, {@code pg_relation_filenode} tells of now. Of all that is
   * locked, and so can't change any more: the table, or what a view reads, and not the catalog.
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
   * @param rowsSkipped rows with an id that is empty, too long or not UTF-8, or a client's id that
   *     the feedback table can't hold
   */
  record Overview(Map<String, Fingerprint> restaurants, long rowsSkipped) {}

  /**
   * All subscribers, as far as they fit.
   *
   * @param rowsSkipped rows with an id that is empty, too long or not UTF-8, or a client's id that
   *     the feedback table can't hold
   */
  record Everything(SubscribersByRestaurant restaurants, long rowsSkipped) {}

  /**
   * Begins a transaction, for one or more of the readings below. It sees the moment of the first.
   *
   * <p>A statement ends on the server before the client gives up on it (2 min without a byte, see
   * Database). Otherwise statements that wait for a lock would pile up there.
   */
  void begin(Connection connection) throws SQLException {
    TransactionSettings.begin(
        connection, "ISOLATION LEVEL REPEATABLE READ, READ ONLY", "100s", "100s", "100s", MEMORY);
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

  /** What {@link Ids} says in SQL, of both ids. */
  private boolean isUsable(CopyRows rows, int row) {
    return isUsable(rows, row, 0, Promo.MAX_ID_CHARS)
        && isUsable(rows, row, 1, maxChars(clientIds))
        && clientIds.isFormOf(rows, row, 1);
  }

  private static boolean isUsable(CopyRows rows, int row, int column, int maxChars) {
    int bytes = rows.length(row, column);
    return bytes > 0 && (bytes <= maxChars || rows.characters(row, column) <= maxChars);
  }

  /** A sum of 64-bit numbers, which Postgres gives in full, reduced to 64 bits again. */
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
   * Reads all subscribers there are: where nothing is known of the table, one scan less than an
   * {@link #overview} and then {@link #subscribers}.
   *
   * @param maxBytes of memory; where the rows would take more, some restaurants are left out
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
   * @param restaurantIds those to read
   * @param all whether these are all of the table, so that picking them out is wasted work
   * @param maxBytes of memory; where the rows would take more, some restaurants are left out
   * @return each of the restaurants but those left out, empty where it has no rows now
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
      // A restaurant that is new since the overview waits for the next one.
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
   * A query that waited for the table's lock reads it as of a moment before. Where it was {@code
   * TRUNCATE}d meanwhile, or an {@code ALTER TABLE} wrote it anew, no row seems to be in it.
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
