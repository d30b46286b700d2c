package io.promostream.config;

/** What a transaction sets first, so that no setting of its role or database can break it. */
public final class TransactionSettings {

  private TransactionSettings() {}

  /**
   * Statements to begin a transaction with; more may follow. They need no session of their own, so
   * a pooler in transaction mode does not pass them on to others.
   *
   * @param characteristics as {@code SET TRANSACTION} takes them; the statement comes before the
   *     first query
   * @param statementTimeout set first, or a small one would end the others
   */
  public static String of(
      String characteristics, String statementTimeout, String lockTimeout, String idleTimeout) {
    // transaction_timeout came with Postgres 17.
    return """
        SET LOCAL statement_timeout = '%s';
        SET TRANSACTION %s;
        SET LOCAL idle_in_transaction_session_timeout = '%s';
        SET LOCAL lock_timeout = '%s';
        SET LOCAL row_security = on;
        SELECT pg_catalog.set_config('transaction_timeout', '0', true)
        WHERE pg_catalog.current_setting('server_version_num')::pg_catalog.int4 >= 170000;
        """
        .formatted(statementTimeout, characteristics, idleTimeout, lockTimeout);
  }
}
