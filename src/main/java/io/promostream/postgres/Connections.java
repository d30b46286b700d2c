package io.promostream.postgres;

import io.promostream.config.Database;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Properties;
import javax.net.ssl.SSLException;
import org.apache.flink.util.ExceptionUtils;
import org.postgresql.Driver;
import org.postgresql.PGProperty;
import org.postgresql.util.PSQLException;

/** Opens Postgres connections with timeouts, and explains what to do when one cannot be opened. */
public final class Connections {

  static {
    deregisterDriver();
  }

  private Connections() {}

  /**
   * Deregisters the JDBC driver from the JVM. A driver loaded by the job's classloader registers
   * itself with {@code DriverManager}, which leaked one classloader per restart.
   */
  private static void deregisterDriver() {
    if (Driver.class.getClassLoader() != ClassLoader.getSystemClassLoader()) {
      try {
        Driver.deregister();
      } catch (SQLException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /**
   * Opens a connection that does not hang when the server disappears. The timeouts are 10 s to
   * connect, 20 s to log in and 2 min to read an answer. All are shorter than Flink's {@code
   * task.cancellation.timeout} of 3 min. After that timeout Flink kills a TaskManager whose task is
   * still blocked.
   *
   * @param applicationName the name shown in {@code pg_stat_activity}, at most 63 bytes
   * @throws SQLException if the connection fails; the message names the URL and the remedy
   */
  public static Connection open(Database database, String applicationName) throws SQLException {
    Properties properties = new Properties();
    try {
      PGProperty.USER.set(properties, database.user());
      PGProperty.PASSWORD.set(properties, database.password().reveal());
      PGProperty.APPLICATION_NAME.set(properties, applicationName);
      PGProperty.CONNECT_TIMEOUT.set(properties, 10);
      PGProperty.LOGIN_TIMEOUT.set(properties, 20);
      PGProperty.SOCKET_TIMEOUT.set(properties, 120);
      PGProperty.TCP_KEEP_ALIVE.set(properties, true);
      // By default the driver prepares a statement on its fifth use. A pooler in transaction mode
      // may run the next transaction in another session, which lacks that prepared statement.
      PGProperty.PREPARE_THRESHOLD.set(properties, 0);
      Connection connection = new Driver().connect(database.url(), properties);
      if (connection == null) {
        throw new SQLException("the Postgres driver does not accept this URL");
      }
      return connection;
    } catch (IOException e) {
      throw new SQLException(
          "cannot connect to %s as %s: %s. Check the password file"
              .formatted(database.url(), database.user(), e.getMessage()),
          e);
    } catch (SQLException e) {
      throw new SQLException(
          "cannot connect to %s as %s: %s. %s"
              .formatted(database.url(), database.user(), e.getMessage(), advice(e)),
          e.getSQLState(),
          e);
    }
  }

  private static String advice(SQLException e) {
    if (ExceptionUtils.findThrowable(e, SSLException.class).isPresent()) {
      return "Check sslmode and sslrootcert in the URL: that CA must have signed the server's"
          + " certificate, and the certificate must name the host of the URL";
    }
    String message = String.valueOf(e.getMessage());
    return switch (String.valueOf(e.getSQLState())) {
      case SqlState.INVALID_AUTHORIZATION, SqlState.INVALID_PASSWORD ->
          "Check the user, its password, and the server's pg_hba.conf";
      case SqlState.CONNECTION_REJECTED -> "Check the user, its password, and sslmode in the URL";
      case SqlState.INVALID_CATALOG_NAME -> "Check the database name in the URL";
      case SqlState.INSUFFICIENT_PRIVILEGE -> "Grant the user CONNECT on the database";
      case SqlState.TOO_MANY_CONNECTIONS ->
          "Raise max_connections or the CONNECTION LIMIT of the user or the database, or close other"
              + " connections";
      case SqlState.CANNOT_CONNECT_NOW -> "Wait until the server has started";
      default -> {
        if (message.contains("\"TimeZone\"")) {
          yield "The driver sends the time zone of this JVM: start the JVM with"
              + " -Duser.timezone=UTC (in Flink through env.java.opts.all)";
        }
        boolean answered =
            e instanceof PSQLException refusal && refusal.getServerErrorMessage() != null;
        yield answered
            ? "The server refused the connection: correct the cause that it names"
            : "Check the URL, the network and the server";
      }
    };
  }
}
