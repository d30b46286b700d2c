package io.promostream.feedback;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What stands prepared in the database of a connection. A transaction may be open on it, whose
 * snapshot is of no account here, but which only {@code clock_timestamp()} does not stop for.
 */
final class PreparedTransactions {

  /**
   * A feedback sink's transaction that stands prepared.
   *
   * @param ageSeconds since it was prepared, by the server's clock
   */
  record Prepared(FeedbackTransaction transaction, long ageSeconds) {}

  /**
   * The server's room for prepared transactions, whoever's they are.
   *
   * @param all {@code max_prepared_transactions}
   */
  record Slots(long all, long used) {}

  private PreparedTransactions() {}

  static Slots slots(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet result =
            statement.executeQuery(
                "SELECT current_setting('max_prepared_transactions')::int8, count(*) FROM pg_prepared_xacts")) {
      result.next();
      return new Slots(result.getLong(1), result.getLong(2));
    }
  }

  /** Those of the prefix, in the current database: in others they could not be ended. */
  static List<Prepared> ofPrefix(Connection connection, String prefix) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet result =
            statement.executeQuery(
                "SELECT gid, extract(epoch FROM clock_timestamp() - prepared)::int8 FROM pg_prepared_xacts"
                    + " WHERE database = current_database()")) {
      List<Prepared> prepared = new ArrayList<>();
      while (result.next()) {
        Optional<FeedbackTransaction> transaction = FeedbackTransaction.parse(result.getString(1));
        if (transaction.isPresent() && transaction.get().prefix().equals(prefix)) {
          prepared.add(new Prepared(transaction.get(), result.getLong(2)));
        }
      }
      return prepared;
    }
  }

  static boolean exists(Connection connection, FeedbackTransaction transaction)
      throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet result =
            statement.executeQuery(
                "SELECT 1 FROM pg_prepared_xacts WHERE gid = '%s' AND database = current_database()"
                    .formatted(transaction.gid()))) {
      return result.next();
    }
  }

  static void rollBack(Connection connection, FeedbackTransaction transaction) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("ROLLBACK PREPARED '" + transaction.gid() + "'");
    }
  }
}
