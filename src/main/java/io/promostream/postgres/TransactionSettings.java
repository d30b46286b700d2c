package io.promostream.postgres;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

/** Begins transactions, so that no setting of its role or database can break it. */
public final class TransactionSettings {

  private TransactionSettings() {}

  /**
   * Begins a transaction. It needs no session of its own, so a pooler in transaction mode does not
   * pass any setting on to others. It takes no snapshot yet.
   *
   * @param characteristics as {@code SET TRANSACTION} takes them
   * @param statementTimeout set before others, or a small one would end them
   * @param more statements
   */
  public static void begin(
      Connection connection,
      String characteristics,
      String statementTimeout,
      String lockTimeout,
      String idleTimeout,
      String more)
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
      statement.execute((since17 ? "SET LOCAL transaction_timeout = 0;" : "") + settings + more);
    }
  }

  /** Begins to read the catalog, which takes no time. */
  public static void beginCatalog(Connection connection) throws SQLException {
    begin(connection, "READ ONLY", "10s", "10s", "10s", "");
  }
}
