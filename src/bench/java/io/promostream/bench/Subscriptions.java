package io.promostream.bench;

import java.sql.SQLException;

/**
 * A table of subscriptions of a hundredth as many restaurants, whose sizes follow a power law: of
 * ten million the largest has half a million, the smallest have 25. The server fills it, always
 * with the same rows.
 *
 * @param count how many
 * @param mixed whether every other client's id is a short text; else all are UUIDs
 */
record Subscriptions(long count, boolean mixed) {

  static final String TABLE = "public.subscribers_restaurants";

  /** One subscription of each restaurant. */
  static final String THIN_TABLE = "public.subscribers_thin";

  static final String EMPTY_TABLE = "public.subscribers_none";

  long restaurants() {
    return Math.max(1, count / 100);
  }

  void fill(Installation installation) throws SQLException {
    // The multiples of the golden ratio fill the unit interval evenly.
    String even = "(i * 0.6180339887498949::float8 - floor(i * 0.6180339887498949::float8))";
    String rank = "floor(power(" + even + ", 4) * " + restaurants() + ")::bigint";
    String client = "md5('c' || i)::uuid::text";
    if (mixed) {
      client = "CASE WHEN i % 2 = 0 THEN " + client + " ELSE 'client-' || i END";
    }
    String columns = "(client_id, restaurant_id)";
    installation.execute(
        "ALTER TABLE " + TABLE + " DROP CONSTRAINT pk_id",
        "INSERT INTO %s %s SELECT %s, %s FROM generate_series(1, %d) i"
            .formatted(TABLE, columns, client, restaurant(rank), count),
        "ALTER TABLE " + TABLE + " ADD CONSTRAINT pk_id PRIMARY KEY (id)",
        "CREATE TABLE " + EMPTY_TABLE + " (LIKE " + TABLE + ")",
        "CREATE TABLE "
            + THIN_TABLE
            + " (client_id varchar NOT NULL, restaurant_id varchar NOT NULL)",
        "INSERT INTO %s %s SELECT md5('c' || i)::uuid::text, %s FROM generate_series(0, %d) i"
            .formatted(THIN_TABLE, columns, restaurant("i"), restaurants() - 1),
        "VACUUM ANALYZE " + TABLE,
        "VACUUM ANALYZE " + THIN_TABLE,
        "CHECKPOINT");
  }

  /** The id, in SQL, of the restaurant of a rank: 0 is the largest. */
  private static String restaurant(String rank) {
    return "md5('r' || " + rank + ")::uuid::text";
  }

  /**
   * Adds a subscription to one restaurant in so many, of all sizes but the very largest.
   *
   * @return the rows of these restaurants
   */
  long change(Installation installation, long oneIn) throws SQLException {
    String ids =
        "SELECT %s FROM generate_series(%d, %d, %d) i"
            .formatted(restaurant("i"), oneIn / 2, restaurants() - 1, oneIn);
    installation.execute(
        "INSERT INTO %s (client_id, restaurant_id) SELECT gen_random_uuid()::text, id FROM (%s) r (id)"
            .formatted(TABLE, ids));
    return installation.number(
        "SELECT count(*) FROM %s WHERE restaurant_id IN (%s)".formatted(TABLE, ids));
  }

  /** The size of all packed audiences in bytes. Each text takes four more for its end. */
  long packedBytes(Installation installation) throws SQLException {
    return installation.number(
        "SELECT sum(CASE WHEN octet_length(client_id) = 36 THEN 16 ELSE octet_length(client_id) + 4 END) FROM "
            + TABLE);
  }
}
