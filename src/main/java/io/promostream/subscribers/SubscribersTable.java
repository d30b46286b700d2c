package io.promostream.subscribers;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.promostream.config.TableName;
import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.Map;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyOut;

/**
 * What is read of the table of subscriptions. Each method is one statement, so what it returns is
 * of one moment, in a short READ ONLY transaction of its own. Needs SELECT on the two columns and
 * nothing else, and Postgres 14 or later, where {@code = ANY} with thousands of ids looks them up
 * by hash.
 */
final class SubscribersTable {

  private static final int MAX_ID_CHARS = 255;
  private static final int FETCH_ROWS = 5_000;

  /**
   * A statement ends on the server before the client gives up on it (2 min, see Database): or else
   * those that wait for a lock would pile up there.
   */
  private static final String TIMEOUT = "SET LOCAL statement_timeout = '100s'";

  /**
   * {@code octet_length} needs not look into the text: with {@code char_length} alone the
   * fingerprints take three times as long.
   */
  private static final String USABLE =
      "octet_length(client_id) > 0 AND (octet_length(client_id) <= %1$d OR char_length(client_id) <= %1$d)"
          .formatted(MAX_ID_CHARS);

  // In "C" ids are equal byte for byte, whatever the column's collation holds to be equal.
  private static final String HASH_1 = "hashtextextended(client_id COLLATE \"C\", 0)";
  private static final String HASH_2 = "hashtextextended(client_id COLLATE \"C\", 1)";

  /** Length of the header of {@code COPY}'s binary format, without extension, as Postgres sends. */
  private static final int COPY_HEADER_BYTES = 19;

  private final TableName name;

  SubscribersTable(TableName name) {
    this.name = name;
  }

  /**
   * Every restaurant with subscribers.
   *
   * @param rowsSkipped rows with an id that is empty or too long
   */
  record Overview(Map<String, Fingerprint> restaurants, long rowsSkipped) {}

  /** The subscribers of one restaurant, as far as they are read. */
  static final class Subscribers {

    private final Audience.Builder audience;
    private long rows;
    private long hash1;
    private long hash2;

    Subscribers(long expected) {
      audience = new Audience.Builder(expected);
    }

    Audience audience() {
      return audience.build();
    }

    Fingerprint fingerprint() {
      return new Fingerprint(rows, hash1, hash2);
    }

    private void add(byte[] clientId, long clientHash1, long clientHash2) {
      audience.add(clientId);
      rows++;
      hash1 += clientHash1;
      hash2 += clientHash2;
    }
  }

  /**
   * Reads one row per restaurant. Groups by hashing, so without a sort, as long as Postgres expects
   * the groups to fit {@code work_mem}.
   */
  Overview overview(Connection connection) throws SQLException {
    String sql =
        """
        SELECT restaurant_id, count(*) FILTER (WHERE %1$s), sum(%2$s) FILTER (WHERE %1$s), \
        sum(%3$s) FILTER (WHERE %1$s), count(*) FROM %4$s GROUP BY restaurant_id"""
            .formatted(USABLE, HASH_1, HASH_2, name.quoted());
    Map<String, Fingerprint> restaurants = new HashMap<>();
    long rowsSkipped = 0;
    try (Statement statement = begin(connection);
        ResultSet row = statement.executeQuery(sql)) {
      while (row.next()) {
        String restaurantId = row.getString(1);
        long rows = usable(restaurantId) ? row.getLong(2) : 0;
        rowsSkipped += row.getLong(5) - rows;
        if (rows > 0) {
          restaurants.put(restaurantId, new Fingerprint(rows, wrapped(row, 3), wrapped(row, 4)));
        }
      }
    }
    connection.commit();
    return new Overview(restaurants, rowsSkipped);
  }

  private static boolean usable(String restaurantId) {
    return !restaurantId.isEmpty()
        && restaurantId.codePointCount(0, restaurantId.length()) <= MAX_ID_CHARS;
  }

  /** A sum of 64-bit numbers, which Postgres gives in full, reduced to 64 bits again. */
  private static long wrapped(ResultSet row, int column) throws SQLException {
    return row.getBigDecimal(column).toBigInteger().longValue();
  }

  /**
   * Reads the subscribers of some restaurants. By COPY, which streams: a cursor waits for a round
   * trip each few thousand rows.
   *
   * @param overview those to read
   * @param all whether these are all of the table, so that picking them out is wasted work
   * @return each of the restaurants, empty where it has no rows now
   */
  Map<String, Subscribers> subscribers(
      Connection connection, Map<String, Fingerprint> overview, boolean all) throws SQLException {
    Map<String, Subscribers> restaurants = new HashMap<>();
    overview.forEach((id, expected) -> restaurants.put(id, new Subscribers(expected.rows())));
    PGConnection postgres = connection.unwrap(PGConnection.class);
    String ids = connection.createArrayOf("text", overview.keySet().toArray()).toString();
    String sql =
        "COPY (SELECT restaurant_id, client_id, %s, %s FROM %s WHERE %s%s) TO STDOUT (FORMAT binary)"
            .formatted(
                HASH_1,
                HASH_2,
                name.quoted(),
                USABLE,
                all ? "" : " AND restaurant_id = ANY('" + postgres.escapeLiteral(ids) + "')");
    begin(connection).close();
    CopyOut copy = postgres.getCopyAPI().copyOut(sql);
    int header = COPY_HEADER_BYTES;
    for (byte[] message = copy.readFromCopy(); message != null; message = copy.readFromCopy()) {
      ByteBuffer row = ByteBuffer.wrap(message).position(header);
      header = 0;
      // The last "row" has -1 columns.
      if (row.hasRemaining() && row.getShort() > 0) {
        Subscribers subscribers = restaurants.get(new String(field(row), UTF_8));
        // A restaurant that is new since the overview waits for the next one.
        if (subscribers != null) {
          subscribers.add(field(row), hash(row), hash(row));
        }
      }
    }
    connection.commit();
    return restaurants;
  }

  private static byte[] field(ByteBuffer row) {
    byte[] field = new byte[row.getInt()];
    row.get(field);
    return field;
  }

  private static long hash(ByteBuffer row) {
    row.getInt(); // the length, always 8
    return row.getLong();
  }

  private static Statement begin(Connection connection) throws SQLException {
    connection.setAutoCommit(false);
    connection.setReadOnly(true);
    Statement statement = connection.createStatement();
    statement.execute(TIMEOUT);
    statement.setFetchSize(FETCH_ROWS);
    return statement;
  }
}
