package io.promostream.local;

import io.promostream.config.Database;
import io.promostream.config.Secret;
import io.promostream.config.TableName;
import io.promostream.local.page.Site;
import io.promostream.postgres.SqlStateClass;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * A broker with the job's topics and a Postgres server with its two databases, as in an
 * installation. The job's role may read the subscriber list and insert into the feedback table, and
 * has no other rights on them.
 */
final class LocalServices implements AutoCloseable {

  static final String PROMOS = "restaurant.promos";
  static final String NOTIFICATIONS = "subscriber.promos";
  static final String REJECTED = "restaurant.promos.rejected";
  static final String REPORTS = "campaign.reports";
  static final String CONTROL = "campaign.control";
  static final String SUBSCRIBERS = "subscribers";
  static final String FEEDBACK = "feedback";

  static final TableName SUBSCRIBERS_TABLE = TableName.parse("public.subscribers_restaurants");
  static final TableName FEEDBACK_TABLE = TableName.parse("public.subscribers_feedback");
  private static final TableName REFUSED_TABLE =
      TableName.parse("public.subscribers_feedback_refused");

  private static final String JOB_ROLE = "promo_stream";
  private static final int PARTITIONS = 2;

  private final EmbeddedBroker broker;
  private final EmbeddedDatabase database;

  private LocalServices(EmbeddedBroker broker, EmbeddedDatabase database) {
    this.broker = broker;
    this.database = database;
  }

  /** Starts both servers with empty topics and tables. */
  static LocalServices start() throws Exception {
    EmbeddedBroker broker = EmbeddedBroker.start(Map.of());
    try {
      // The page restarts Postgres like a crash, which must not lose commits that Postgres
      // confirmed.
      EmbeddedDatabase database = EmbeddedDatabase.start(Map.of("synchronous_commit", "on"));
      LocalServices services = new LocalServices(broker, database);
      try {
        services.createAll();
        return services;
      } catch (Throwable failure) {
        services.database.close();
        throw failure;
      }
    } catch (Throwable failure) {
      broker.close();
      throw failure;
    }
  }

  private void createAll() throws Exception {
    broker.createTopic(PROMOS, PARTITIONS);
    broker.createTopic(NOTIFICATIONS, PARTITIONS);
    broker.createTopic(REJECTED, PARTITIONS);
    broker.createTopic(REPORTS, PARTITIONS, Map.of("cleanup.policy", "compact"));
    broker.createTopic(CONTROL, 1, Map.of("retention.ms", "-1"));
    database.createDatabase(SUBSCRIBERS);
    database.createDatabase(FEEDBACK);
    execute(
        SUBSCRIBERS,
        "CREATE ROLE " + JOB_ROLE + " LOGIN",
        resource("/subscribers.sql"),
        "GRANT SELECT ON public.subscribers_restaurants TO " + JOB_ROLE);
    execute(
        FEEDBACK,
        resource("/feedback.sql"),
        "GRANT INSERT ON public.subscribers_feedback, public.subscribers_feedback_refused TO "
            + JOB_ROLE,
        "GRANT SELECT, INSERT, UPDATE ON public.promo_stream_commits TO " + JOB_ROLE);
  }

  void execute(String name, String... sql) throws SQLException {
    try (Connection connection = database.connect(name);
        Statement statement = connection.createStatement()) {
      for (String one : sql) {
        statement.execute(one);
      }
    }
  }

  static String resource(String path) throws IOException {
    try (InputStream resource = LocalServices.class.getResourceAsStream(path)) {
      return new String(resource.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  String bootstrapServers() {
    return broker.bootstrapServers();
  }

  /**
   * The arguments of the job. It starts with the first promo, and it refreshes the list more often
   * than in an installation, so that the viewer soon sees changes.
   */
  String[] jobArguments() {
    return new String[] {
      "--kafka.bootstrap-servers",
      broker.bootstrapServers(),
      "--promos.start-from",
      "earliest",
      "--subscribers.db.url",
      database.url(SUBSCRIBERS),
      "--subscribers.db.user",
      JOB_ROLE,
      "--subscribers.refresh-interval",
      "3 s",
      "--reports.topic",
      REPORTS,
      "--reports.interval",
      "1 s",
      "--control.topic",
      CONTROL,
      "--feedback.db.url",
      database.url(FEEDBACK),
      "--feedback.db.user",
      JOB_ROLE
    };
  }

  /** Where the page finds the topics and tables. */
  Site site() {
    return new Site(
        broker.bootstrapServers(),
        PROMOS,
        NOTIFICATIONS,
        REJECTED,
        REPORTS,
        CONTROL,
        asOwner(SUBSCRIBERS),
        SUBSCRIBERS_TABLE,
        asOwner(FEEDBACK),
        FEEDBACK_TABLE,
        REFUSED_TABLE);
  }

  /** A database with the login of the services around the job. */
  Database asOwner(String name) {
    return new Database(
        database.url(name),
        EmbeddedDatabase.SUPERUSER,
        new Secret(EmbeddedDatabase.SUPERUSER, null));
  }

  int databasePort() {
    return database.port();
  }

  /** Stops Postgres like a crash and starts it again after a while. All connections break. */
  void restartDatabase(Duration outage) throws Exception {
    database.restart(outage);
  }

  /** Whether a statement failed because Postgres is down or was restarted. */
  static boolean isOutage(SQLException e) {
    return e.getSQLState() != null
        && List.of(SqlStateClass.CONNECTION_EXCEPTION, SqlStateClass.OPERATOR_INTERVENTION)
            .contains(SqlStateClass.of(e.getSQLState()));
  }

  /** The command that opens a database for a person. */
  String psql(String name) {
    return "psql postgresql://"
        + EmbeddedDatabase.SUPERUSER
        + "@127.0.0.1:"
        + database.port()
        + "/"
        + name;
  }

  @Override
  public void close() throws IOException {
    try {
      database.close();
    } finally {
      broker.close();
    }
  }
}
