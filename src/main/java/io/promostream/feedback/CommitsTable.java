package io.promostream.feedback;

import io.promostream.config.TableName;
import io.promostream.postgres.Identifiers;
import io.promostream.replay.Committable;
import io.promostream.replay.Lease.Holder;
import io.promostream.replay.Mark;
import java.io.IOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * The marks and the lease of one {@code transaction-prefix}. Each writer has a row. The lease is
 * another row, whose sequence is the number of renewals.
 *
 * <p>A commit locks the lease with {@code FOR KEY SHARE}. Renewals change no key, so this lock does
 * not block them. A takeover locks with {@code FOR UPDATE}, so a later commit sees the new owner. A
 * takeover that finds the lease locked gives up, because the owner is slow, not dead.
 */
final class CommitsTable {

  private static final String LEASE = "lease";

  private final TableName name;
  private final String prefix;
  private final String owner;

  CommitsTable(TableName name, String prefix, String owner) {
    this.name = name;
    this.prefix = prefix;
    this.owner = owner;
  }

  /**
   * Checks that the table can store marks durably and only once.
   *
   * @throws IOException if it cannot; the message says why and what to do
   */
  void requireUsable(Connection connection) throws SQLException, IOException {
    try (PreparedStatement statement =
        connection.prepareStatement(
            """
            SELECT relpersistence, EXISTS (
                SELECT FROM pg_catalog.pg_index i
                WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate
                  AND i.indpred IS NULL AND i.indnkeyatts = 2
                  AND ARRAY['prefix', 'writer']::name[] = ARRAY(
                      SELECT a.attname FROM pg_catalog.pg_attribute a
                      WHERE a.attrelid = c.oid AND a.attnum = ANY ((i.indkey::int2[])[0:1])
                      ORDER BY a.attname)) AS keyed
            FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass(?)
            """)) {
      statement.setString(1, Identifiers.quote(name));
      try (ResultSet row = statement.executeQuery()) {
        if (!row.next()) {
          throw new IOException(
              "Table %s does not exist. Create it with feedback.sql, which is in the jar, or set feedback.commits-table"
                  .formatted(name));
        }
        if (!row.getString(1).equals("p")) {
          throw new IOException(
              "Table %s is UNLOGGED or temporary, so a crash of the server would empty it and rows would be written twice."
                      .formatted(name)
                  + " Run ALTER TABLE ... SET LOGGED");
        }
        if (!row.getBoolean("keyed")) {
          throw new IOException(
              "Table %s has no unique index on (prefix, writer), so rows could be written twice. Add PRIMARY KEY (prefix, writer)"
                  .formatted(name));
        }
      }
    }
  }

  /** A writer's mark. */
  Mark mark(Connection connection, String writer) throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement(
            "SELECT sequence, records FROM %s WHERE prefix = ? AND writer = ?"
                .formatted(Identifiers.quote(name)))) {
      statement.setString(1, prefix);
      statement.setString(2, writer);
      try (ResultSet row = statement.executeQuery()) {
        return row.next() ? new Mark(row.getLong(1), row.getLong(2)) : Mark.NONE;
      }
    }
  }

  /**
   * Moves a writer's mark to a committable, if the mark is at the expected position and the job
   * holds the lease.
   *
   * @return whether the mark moved
   */
  boolean move(Connection connection, String writer, Mark from, Committable committable)
      throws SQLException {
    Mark to = from.after(committable);
    String lease =
        "WITH lease AS (SELECT 1 FROM %s WHERE prefix = ? AND writer = '%s' AND owner = ? FOR KEY SHARE) "
            .formatted(Identifiers.quote(name), LEASE);
    String move =
        from.sequence() == 0
            ? "INSERT INTO %s (sequence, records, owner, prefix, writer) SELECT ?, ?, ?, ?, ? FROM lease ON CONFLICT DO NOTHING"
            : "UPDATE %s SET sequence = ?, records = ?, owner = ?, updated_at = now()"
                + " WHERE prefix = ? AND writer = ? AND sequence = ? AND EXISTS (SELECT FROM lease)";
    try (PreparedStatement statement =
        connection.prepareStatement(lease + move.formatted(Identifiers.quote(name)))) {
      statement.setString(1, prefix);
      statement.setString(2, owner);
      statement.setLong(3, to.sequence());
      statement.setLong(4, to.records());
      statement.setString(5, owner);
      statement.setString(6, prefix);
      statement.setString(7, writer);
      if (from.sequence() > 0) {
        statement.setLong(8, from.sequence());
      }
      return statement.executeUpdate() == 1;
    }
  }

  /** Updates the owner and the time of a mark's row. The mark itself does not change. */
  void touch(Connection connection, String writer) throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement(
            "UPDATE %s SET owner = ?, updated_at = now() WHERE prefix = ? AND writer = ?"
                .formatted(Identifiers.quote(name)))) {
      statement.setString(1, owner);
      statement.setString(2, prefix);
      statement.setString(3, writer);
      statement.executeUpdate();
    }
  }

  /** Sets a mark, whatever its current position is. */
  void force(Connection connection, String writer, Mark mark) throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement(
            """
            INSERT INTO %s AS commits (prefix, writer, sequence, records, owner) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (prefix, writer) DO UPDATE
            SET sequence = excluded.sequence, records = excluded.records, owner = excluded.owner,
                updated_at = now()
            """
                .formatted(Identifiers.quote(name)))) {
      statement.setString(1, prefix);
      statement.setString(2, writer);
      statement.setLong(3, mark.sequence());
      statement.setLong(4, mark.records());
      statement.setString(5, owner);
      statement.executeUpdate();
    }
  }

  /**
   * The holder of the lease; null if the lease was never taken, or if {@code forUpdate} is set and
   * another transaction locks the lease.
   */
  @Nullable Holder holder(Connection connection, boolean forUpdate) throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement(
            "SELECT owner, sequence FROM %s WHERE prefix = ? AND writer = '%s'%s"
                .formatted(
                    Identifiers.quote(name), LEASE, forUpdate ? " FOR UPDATE SKIP LOCKED" : ""))) {
      statement.setString(1, prefix);
      try (ResultSet row = statement.executeQuery()) {
        return row.next() ? new Holder(row.getString(1), row.getLong(2)) : null;
      }
    }
  }

  /** Replaces the holder of the lease, if it is still the expected one. */
  void replaceHolder(Connection connection, @Nullable Holder expected, Holder next)
      throws SQLException {
    if (expected != null
        && !expected.owner().equals(next.owner())
        && !expected.equals(holder(connection, true))) {
      return;
    }
    String sql =
        expected == null
            ? "INSERT INTO %s (owner, sequence, records, prefix, writer) VALUES (?, ?, 0, ?, '%s') ON CONFLICT DO NOTHING"
            : "UPDATE %s SET owner = ?, sequence = ?, updated_at = now() WHERE prefix = ? AND writer = '%s' AND owner = ? AND sequence = ?";
    try (PreparedStatement statement =
        connection.prepareStatement(sql.formatted(Identifiers.quote(name), LEASE))) {
      statement.setString(1, next.owner());
      statement.setLong(2, next.renewals());
      statement.setString(3, prefix);
      if (expected != null) {
        statement.setString(4, expected.owner());
        statement.setLong(5, expected.renewals());
      }
      statement.executeUpdate();
    }
  }

  @Override
  public String toString() {
    return "%s in table %s".formatted(prefix, name);
  }
}
