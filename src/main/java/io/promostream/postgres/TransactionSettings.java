package io.promostream.postgres;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

/** Begins transactions whose settings override those of the role and of the database. */
public final class TransactionSettings {

  private TransactionSettings() {}

  /**
   * Begins a transaction without taking a snapshot. All settings are {@code SET LOCAL}: a pooler in
   * transaction mode shares sessions, and a session setting would leak to other clients.
   *
   * @param characteristics the transaction modes for {@code SET TRANSACTION}
   * @param statementTimeout set first, because a short timeout of the role could cancel the other
   *     settings
   * @param furtherStatements statements to run in the same round trip
   */
  public static void begin(
      Connection connection,
      String characteristics,
      String statementTimeout,
      String lockTimeout,
      String idleTimeout,
      String furtherStatements)
      throws SQLException {
    connection.setAutoCommit(false);
    boolean since17 = connection.getMetaData().getDatabaseMajorVersion() >= 17;
    String settings =
        """
        SET LOCAL statement_timeout = '%s';
        SET LOCAL idle_in_transaction_session_timeout = '%s';
        SET LOCAL lock_timeout = '%s';
        SET LOCAL row_security = on;
        SET TRANSACTION %s;
        """
            .formatted(statementTimeout, idleTimeout, lockTimeout, characteristics);
    try (Statement statement = connection.createStatement()) {
      statement.execute(
          (since17 ? "SET LOCAL transaction_timeout = 0;" : "") + settings + furtherStatements);
    }
  }

  /** Begins a read-only transaction for catalog queries, with timeouts of 10 s. */
  public static void beginCatalog(Connection connection) throws SQLException {
    begin(connection, "READ ONLY", "10s", "10s", "10s", "");
  }
}
