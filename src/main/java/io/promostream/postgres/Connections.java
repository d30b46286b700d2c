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

/** Opens connections to Postgres. */
public final class Connections {

  static {
    forgetDriverOfJob();
  }

  private Connections() {}

  /**
   * A driver that was loaded for a job registers itself with the JVM, which would keep all of the
   * job's classes for as long as a TaskManager lives, those of each restart apart.
   */
  private static void forgetDriverOfJob() {
    if (Driver.class.getClassLoader() != ClassLoader.getSystemClassLoader()) {
      try {
        Driver.deregister();
      } catch (SQLException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /**
   * Opens a connection that does not hang for ever on a server that has vanished: 10 s to reach it,
   * 20 s until it has let us in, 2 min for an answer: less than the 3 min after which Flink ends a
   * TaskManager with a task that does not (task.cancellation.timeout).
   *
   * @param applicationName what {@code pg_stat_activity} shows, at most 63 bytes
   * @throws SQLException naming the URL, if there is no connection
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
      // A pooler in transaction mode gives the next transaction to another session, which does not
      // have the statements that the driver would prepare on the fifth use.
      PGProperty.PREPARE_THRESHOLD.set(properties, 0);
      Connection connection = new Driver().connect(database.url(), properties);
      if (connection == null) {
        throw new SQLException("not a URL of the Postgres driver");
      }
      return connection;
    } catch (IOException e) {
      throw new SQLException(
          "no connection to %s as %s: %s. Look at the password file"
              .formatted(database.url(), database.user(), e.getMessage()),
          e);
    } catch (SQLException e) {
      throw new SQLException(
          "no connection to %s as %s: %s. %s"
              .formatted(database.url(), database.user(), e.getMessage(), advice(e)),
          e.getSQLState(),
          e);
    }
  }

  private static String advice(SQLException e) {
    if (ExceptionUtils.findThrowable(e, SSLException.class).isPresent()) {
      return "Look at sslmode and sslrootcert in the URL: the CA there must have signed the"
          + " server's certificate, for the URL's host name";
    }
    String message = String.valueOf(e.getMessage());
    return switch (String.valueOf(e.getSQLState())) {
      case "28000", "28P01" -> "Look at the user, its password, and the server's pg_hba.conf";
      // Said by the driver.
      case "08004" -> "Look at the user, its password, and sslmode in the URL";
      case "3D000" -> "Look at the database's name in the URL";
      case "42501" -> "Grant the user CONNECT on the database";
      case "53300" ->
          "Raise max_connections, or the CONNECTION LIMIT of the user or the database, or end other"
              + " connections";
      case "57P03" -> "Wait until the server has started";
      default -> {
        if (message.contains("\"TimeZone\"")) {
          yield "The driver sends the time zone of this JVM: start it with -Duser.timezone=UTC (in"
              + " Flink by env.java.opts.all)";
        }
        boolean answered =
            e instanceof PSQLException refusal && refusal.getServerErrorMessage() != null;
        yield answered
            ? "The server was reached and refused: correct what it names, on the server or in the URL"
            : "Look at the URL, the network and the server";
      }
    };
  }
}
