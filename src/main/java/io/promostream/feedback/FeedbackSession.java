package io.promostream.feedback;

import io.promostream.config.Database;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import org.apache.flink.util.IOUtils;

/** A connection to the feedback database that no setting of the server's ends or delays. */
final class FeedbackSession {

  /**
   * What the session needs, as far as the server knows it. A transaction stays open and idle for as
   * long as a checkpoint interval, and so does a session between two commits. Who waits for a lock
   * on the table shall say so, and not hang until Flink's task.cancellation.timeout (180 s) kills
   * the TaskManager. A dead machine shall free its lock after a minute, not after the kernel's two
   * hours. The name is set here once more, as a URL may hold another.
   */
  private static final String SETTINGS =
      """
      SELECT set_config(name, value, false)
      FROM pg_settings JOIN (VALUES
          ('application_name', ?),
          ('idle_in_transaction_session_timeout', '0'),
          ('transaction_timeout', '0'),
          ('idle_session_timeout', '0'),
          ('default_transaction_isolation', 'read committed'),
          ('lock_timeout', '60s'),
          ('tcp_keepalives_idle', '30'),
          ('tcp_keepalives_interval', '10'),
          ('tcp_keepalives_count', '3')) AS needed (name, value) USING (name)
      """;

  private FeedbackSession() {}

  static Connection open(Database database, String applicationName) throws SQLException {
    Connection connection = database.connect(applicationName);
    try (PreparedStatement statement = connection.prepareStatement(SETTINGS)) {
      statement.setString(1, applicationName);
      statement.execute();
      return connection;
    } catch (SQLException e) {
      IOUtils.closeQuietly(connection);
      throw e;
    }
  }
}
