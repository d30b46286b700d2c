package io.promostream.testing;

import io.promostream.config.Database;
import io.promostream.config.Secret;
import io.promostream.local.EmbeddedDatabase;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A database of its own for one test, on the server that the tests of one JVM share.
 *
 * @param name unique in this JVM
 */
public record TestDatabase(String name) {

  /** Of the feedback table as it stands at the existing installation, with serial id and int4. */
  public static final String EXISTING_FEEDBACK_COLUMNS =
      """
      id serial4 NOT NULL, restaurant_id text NOT NULL, adv_campaign_id text NOT NULL,
      adv_campaign_content text NOT NULL, adv_campaign_owner text NOT NULL,
      adv_campaign_owner_contact text NOT NULL, adv_campaign_datetime_start int8 NOT NULL,
      adv_campaign_datetime_end int8 NOT NULL, datetime_created int8 NOT NULL,
      client_id text NOT NULL, trigger_datetime_created int4 NOT NULL, feedback varchar NULL,
      CONSTRAINT id_pk PRIMARY KEY (id)""";

  private static final AtomicInteger COUNT = new AtomicInteger();
  private static EmbeddedDatabase server;

  /** An empty database; the server is started with the first and stopped with the JVM. */
  public static TestDatabase create() {
    return create("");
  }

  /** An empty database in another encoding. */
  public static TestDatabase inEncoding(String encoding) {
    return create("ENCODING '%s' LOCALE 'C' TEMPLATE template0".formatted(encoding));
  }

  private static TestDatabase create(String options) {
    TestDatabase database = new TestDatabase("test_" + COUNT.incrementAndGet());
    database.onServer("CREATE DATABASE %s %s".formatted(database.name, options));
    return database;
  }

  private void onServer(String sql) {
    try (Connection connection = server().connect("postgres");
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    } catch (SQLException e) {
      throw new IllegalStateException(sql, e);
    }
  }

  private static synchronized EmbeddedDatabase server() {
    if (server == null) {
      try {
        server = EmbeddedDatabase.start(Map.of());
      } catch (IOException e) {
        throw new UncheckedIOException("the embedded Postgres did not start", e);
      }
    }
    return server;
  }

  /**
   * Restarts the server, of all databases, as after a crash.
   *
   * @param outage how long it is gone in between
   */
  public static void restartServer(Duration outage) throws Exception {
    server().restart(outage);
  }

  /** Ends all connections to this database and lets none in, or does so again. */
  public void shutOut(boolean out) {
    onServer("ALTER DATABASE %s ALLOW_CONNECTIONS %s".formatted(name, !out));
    if (out) {
      onServer(
          "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '%s'"
              .formatted(name));
    }
  }

  /** Keeps a copy of the database as it is now. */
  public void copy() {
    shutOut(true);
    onServer("CREATE DATABASE %s_copy TEMPLATE %s".formatted(name, name));
    shutOut(false);
  }

  /** Puts the copy in the place of the database, as a restored backup. */
  public void replaceByCopy() {
    shutOut(true);
    onServer("DROP DATABASE " + name);
    onServer("ALTER DATABASE %s_copy RENAME TO %s".formatted(name, name));
  }

  public String url() {
    return server().url(name);
  }

  /** The database as the job connects to it, with all rights. */
  public Database asSuperuser() {
    return as(EmbeddedDatabase.SUPERUSER, EmbeddedDatabase.SUPERUSER);
  }

  /** The database as a role sees it. */
  public Database as(String user, String password) {
    return new Database(url(), user, new Secret(password, null));
  }

  /** Makes a role's settings in this database these, as far as the server's version has them. */
  public void alterRole(String role, Map<String, String> settings) {
    for (String name : query("SELECT name FROM pg_settings")) {
      if (settings.containsKey(name)) {
        execute(
            "ALTER ROLE %s IN DATABASE %s SET %s = %s"
                .formatted(role, this.name, name, settings.get(name)));
      }
    }
  }

  /** Creates the feedback table by the project's own DDL. */
  public TestDatabase withFeedbackTable() {
    execute(feedbackTable());
    return this;
  }

  /** The project's own DDL of the feedback table and those beside it. */
  public static String feedbackTable() {
    return ddl("/feedback.sql");
  }

  /** Creates the subscribers' table as the other service has it. */
  public TestDatabase withSubscribersTable() {
    execute(subscribersTable());
    return this;
  }

  /** The subscribers' table as the other service has it. */
  public static String subscribersTable() {
    return ddl("/subscribers.sql");
  }

  private static String ddl(String resource) {
    try (InputStream sql = TestDatabase.class.getResourceAsStream(resource)) {
      return new String(sql.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(resource, e);
    }
  }

  public Connection connect() throws SQLException {
    return server().connect(name);
  }

  /** Runs SQL that returns nothing, statement by statement or several at once. */
  public void execute(String sql) {
    try (Connection connection = connect();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    } catch (SQLException e) {
      throw new IllegalStateException(sql, e);
    }
  }

  /** The rows of a query, each as its columns' texts with a comma between. */
  public List<String> query(String sql) {
    try (Connection connection = connect();
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      List<String> rows = new ArrayList<>();
      while (result.next()) {
        List<String> columns = new ArrayList<>();
        for (int i = 1; i <= result.getMetaData().getColumnCount(); i++) {
          columns.add(String.valueOf(result.getString(i)));
        }
        rows.add(String.join(",", columns));
      }
      return rows;
    } catch (SQLException e) {
      throw new IllegalStateException(sql, e);
    }
  }
}
