package io.promostream.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.promostream.local.EmbeddedDatabase;
import io.promostream.processes.BrokerServer;
import io.promostream.processes.FlinkCluster;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.flink.api.common.JobID;
import org.apache.kafka.common.TopicPartition;

/**
 * The installation that runs the job: a broker, a database server with the durability of
 * production, and a Flink cluster of one TaskManager, each in its own process.
 */
final class Installation implements AutoCloseable {

  static final String PROMOS = "restaurant.promos";
  static final String NOTIFICATIONS = "subscriber.promos";
  static final String REJECTED = "restaurant.promos.rejected";
  static final int PARTITIONS = 4;

  /** Changes to flink-conf/ for frequent checkpoints. */
  static final Map<String, String> CHECKPOINT_EACH_SECOND =
      Map.of(
          "execution.checkpointing.interval", "1 s",
          "execution.checkpointing.min-pause", "0 ms");

  private static final String DATABASE = "promo_stream";

  /** EmbeddedPostgres turns the first two off. */
  private static final Map<String, String> CAREFUL_DATABASE =
      Map.of("fsync", "on", "synchronous_commit", "on", "max_wal_size", "8GB");

  private final List<AutoCloseable> running = new ArrayList<>();
  private final Path directory;
  private final Map<String, String> settings = new HashMap<>();
  private final BrokerServer broker;
  private final EmbeddedDatabase database;
  private final FlinkCluster cluster;

  /**
   * Starts everything except the job.
   *
   * @param directory for all that is written, except by the database
   * @param flink changes to flink-conf/, beyond addresses, paths and sizes
   */
  Installation(Path directory, Map<String, String> flink) throws Exception {
    this(directory, flink, Map.of());
  }

  /**
   * Starts everything except the job.
   *
   * @param directory for all that is written, except by the database
   * @param flink changes to flink-conf/, beyond addresses, paths and sizes
   * @param server settings of the database server, beyond its durability
   */
  Installation(Path directory, Map<String, String> flink, Map<String, String> server)
      throws Exception {
    this.directory = directory;
    try {
      broker = closedInTheEnd(BrokerServer.start(directory.resolve("kafka")));
      broker.createTopic(PROMOS, PARTITIONS);
      broker.createTopic(NOTIFICATIONS, PARTITIONS);
      broker.createTopic(REJECTED, 1);
      broker.createTopic("campaign.reports", PARTITIONS);
      broker.createTopic("campaign.control", 1);
      Map<String, String> all = new HashMap<>(CAREFUL_DATABASE);
      all.putAll(server);
      database = closedInTheEnd(EmbeddedDatabase.start(all));
      database.createDatabase(DATABASE);
      execute(resource("/subscribers.sql"), resource("/feedback.sql"));
      settings.put("taskmanager.memory.process.size", "3g");
      settings.put("taskmanager.numberOfTaskSlots", "2");
      // Who asks is told what is so, not what was so three seconds ago.
      settings.put("rest.cache.checkpoint-statistics.timeout", "1 ms");
      settings.put("web.refresh-interval", "1 ms");
      settings.putAll(flink);
      cluster = startCluster("flink");
    } catch (Exception e) {
      close();
      throw e;
    }
  }

  /** Starts a cluster like that of the job. */
  FlinkCluster startCluster(String name) throws Exception {
    return closedInTheEnd(FlinkCluster.start(directory.resolve(name), 1, settings));
  }

  private <T extends AutoCloseable> T closedInTheEnd(T started) {
    running.add(0, started);
    return started;
  }

  private static String resource(String name) throws IOException {
    try (InputStream resource = Installation.class.getResourceAsStream(name)) {
      return new String(resource.readAllBytes(), UTF_8);
    }
  }

  BrokerServer broker() {
    return broker;
  }

  FlinkCluster cluster() {
    return cluster;
  }

  static List<TopicPartition> notificationPartitions() {
    return IntStream.range(0, PARTITIONS)
        .mapToObj(partition -> new TopicPartition(NOTIFICATIONS, partition))
        .toList();
  }

  /** Of the database that holds both tables. */
  String databaseUrl() {
    return database.url(DATABASE);
  }

  /** A connection as superuser to the database that holds both tables. */
  Connection connect() throws SQLException {
    return database.connect(DATABASE);
  }

  void execute(String... sql) throws SQLException {
    try (Connection connection = connect();
        Statement statement = connection.createStatement()) {
      for (String one : sql) {
        statement.execute(one);
      }
    }
  }

  /** The result of a query that returns one number. */
  long number(String sql) throws SQLException {
    try (Connection connection = connect();
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      result.next();
      return result.getLong(1);
    }
  }

  /** The process that all of the job's tasks run in. */
  long taskManagerPid() {
    return cluster.taskManagers().values().iterator().next().pid();
  }

  /**
   * Starts the job; it runs when this returns.
   *
   * @param arguments beyond addresses
   */
  JobID submit(int parallelism, List<String> arguments) throws Exception {
    return submit(parallelism, List.of(), arguments);
  }

  /**
   * Starts the job; it runs when this returns.
   *
   * @param options of {@code flink run}
   * @param arguments beyond addresses
   */
  JobID submit(int parallelism, List<String> options, List<String> arguments) throws Exception {
    List<String> run = new ArrayList<>(List.of("-p", "" + parallelism));
    run.addAll(options);
    List<String> all =
        new ArrayList<>(
            List.of(
                "--kafka.bootstrap-servers",
                broker.bootstrapServers(),
                "--subscribers.db.url",
                databaseUrl(),
                "--subscribers.db.user",
                EmbeddedDatabase.SUPERUSER,
                "--feedback.db.url",
                databaseUrl(),
                "--feedback.db.user",
                EmbeddedDatabase.SUPERUSER));
    all.addAll(arguments);
    JobID job = cluster.submit(Map.of(), run, all);
    cluster.awaitRunning(job);
    return job;
  }

  void cancel(JobID job) throws Exception {
    cluster.flink(Map.of(), List.of("cancel", "-t", "remote", job.toString()));
  }

  @Override
  public void close() throws Exception {
    for (AutoCloseable one : running) {
      one.close();
    }
  }
}
