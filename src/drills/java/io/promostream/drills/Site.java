package io.promostream.drills;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.promostream.config.Database;
import io.promostream.config.Secret;
import io.promostream.local.EmbeddedDatabase;
import io.promostream.processes.ApplicationCluster;
import io.promostream.processes.BrokerServer;
import io.promostream.processes.FlinkCluster;
import io.promostream.processes.Program;
import io.promostream.testing.OpenTransactions;
import io.promostream.testing.Waiting;
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
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.api.common.JobID;
import org.apache.kafka.clients.admin.Admin;

/**
 * A small installation like one in production. A broker, a database server for the subscribers,
 * another one for the feedback and a Flink cluster run in separate processes, and the job's jar
 * runs on the cluster.
 */
final class Site implements AutoCloseable {

  static final String PROMOS = "restaurant.promos";
  static final String NOTIFICATIONS = "subscriber.promos";
  static final String REJECTED = "restaurant.promos.rejected";
  static final String REPORTS = "campaign.reports";
  static final String CONTROL = "campaign.control";
  static final String SUBSCRIBERS = "subscribers";
  static final String FEEDBACK = "feedback";
  static final String PREFIX = "promo-stream";

  private static final String JOB_ROLE = "promo_stream";
  private static final Pattern SAVEPOINT = Pattern.compile("Savepoint completed. Path: (\\S+)");

  /**
   * Threads of the tasks, of what they start, and of the clients of Kafka and Postgres, as thread
   * dumps of a running job name them. An audit fails if it finds no such thread while the job runs.
   */
  private static final Pattern JOBS_THREAD =
      Pattern.compile(
          "(?i)kafka-(producer|admin|consumer)|kafka-coordinator|postgresql|data fetcher|\\(\\d+/\\d+\\)#\\d+");

  /** One more than the job needs: failed work restarts at once, and a zombie has a successor. */
  static final int TASK_MANAGERS = 4;

  static final int PARALLELISM = 2;

  /**
   * The timeouts of flink-conf/config.yaml and Flink's default for heartbeats, shortened to about a
   * fifth, so that more faults fit into a minute.
   */
  private static final Map<String, String> SHORTER_TIMES =
      Map.of(
          "execution.checkpointing.interval", "2 s",
          "execution.checkpointing.min-pause", "1 s",
          "execution.checkpointing.timeout", "30 s",
          "execution.checkpointing.aligned-checkpoint-timeout", "5 s",
          "restart-strategy.exponential-delay.max-backoff", "5 s",
          "heartbeat.interval", "2 s",
          "heartbeat.timeout", "8 s");

  private final List<AutoCloseable> running = new ArrayList<>();
  private final BrokerServer broker;
  private final EmbeddedDatabase subscribers;
  private final EmbeddedDatabase feedback;
  private final FlinkCluster cluster;
  private JobID job;
  private boolean cancelled;
  private int parallelism = PARALLELISM;

  /**
   * Starts the installation and the job.
   *
   * @param directory for all files
   * @param stateBackend hashmap or rocksdb
   */
  static Site start(Path directory, String stateBackend) throws Exception {
    Map<String, String> flink = new HashMap<>(SHORTER_TIMES);
    flink.put("state.backend.type", stateBackend);
    return new Site(directory, cluster -> FlinkCluster.start(cluster, TASK_MANAGERS, flink));
  }

  /**
   * Starts the installation on a highly available cluster in application mode, with the timeouts of
   * flink-conf/config.yaml.
   *
   * @param directory for all files
   * @param changes changes to the configuration of Flink
   */
  static Site startHighlyAvailable(Path directory, Map<String, String> changes) throws Exception {
    Map<String, String> flink = new HashMap<>(SHORTER_TIMES);
    flink.keySet().removeIf(key -> key.startsWith("heartbeat."));
    flink.putAll(changes);
    return new Site(directory, cluster -> ApplicationCluster.start(cluster, flink));
  }

  /** Starts a cluster in a directory. */
  private interface ClusterStart {
    FlinkCluster in(Path directory) throws Exception;
  }

  private Site(Path directory, ClusterStart start) throws Exception {
    try {
      broker = closeLater(BrokerServer.start(directory.resolve("kafka")));
      subscribers = closeLater(EmbeddedDatabase.start(Map.of("synchronous_commit", "on")));
      feedback = closeLater(EmbeddedDatabase.start(Map.of("synchronous_commit", "on")));
      createTopicsAndTables();
      cluster = closeLater(start.in(directory.resolve("flink")));
      submit(List.of());
    } catch (Exception e) {
      close();
      throw e;
    }
  }

  private <T extends AutoCloseable> T closeLater(T started) {
    running.add(0, started);
    return started;
  }

  private void createTopicsAndTables() throws Exception {
    broker.createTopic(PROMOS, 3);
    broker.createTopic(NOTIFICATIONS, 3);
    broker.createTopic(REJECTED, 1);
    broker.createTopic(REPORTS, 2);
    broker.createTopic(CONTROL, 1);
    subscribers.createDatabase(SUBSCRIBERS);
    execute(
        subscribers,
        SUBSCRIBERS,
        "CREATE ROLE " + JOB_ROLE + " LOGIN",
        resource("/subscribers.sql"),
        "GRANT SELECT ON subscribers_restaurants TO " + JOB_ROLE);
    feedback.createDatabase(FEEDBACK);
    execute(
        feedback,
        FEEDBACK,
        "CREATE ROLE " + JOB_ROLE + " LOGIN",
        resource("/feedback.sql"),
        // The drills themselves open many connections.
        "CREATE INDEX ON subscribers_feedback (adv_campaign_id)",
        "GRANT INSERT ON subscribers_feedback, subscribers_feedback_refused TO " + JOB_ROLE,
        "GRANT SELECT, INSERT, UPDATE ON promo_stream_commits TO " + JOB_ROLE);
  }

  private static String resource(String name) throws IOException {
    try (InputStream resource = Site.class.getResourceAsStream(name)) {
      return new String(resource.readAllBytes(), UTF_8);
    }
  }

  private static void execute(EmbeddedDatabase server, String database, String... sql)
      throws SQLException {
    try (Connection connection = server.connect(database);
        Statement statement = connection.createStatement()) {
      for (String one : sql) {
        statement.execute(one);
      }
    }
  }

  BrokerServer broker() {
    return broker;
  }

  EmbeddedDatabase subscribers() {
    return subscribers;
  }

  EmbeddedDatabase feedback() {
    return feedback;
  }

  FlinkCluster cluster() {
    return cluster;
  }

  JobID job() {
    return job;
  }

  int parallelism() {
    return parallelism;
  }

  String bootstrapServers() {
    return broker.bootstrapServers();
  }

  /** The feedback database for a reader of the rows. */
  Database feedbackDatabase() {
    return new Database(
        feedback.url(FEEDBACK),
        EmbeddedDatabase.SUPERUSER,
        new Secret(EmbeddedDatabase.SUPERUSER, null));
  }

  /** Waits for a row of a promo that a traffic sends after this call. */
  void awaitRowOfNextPromo(Traffic traffic) throws Exception {
    String row =
        "adv_campaign_id BETWEEN '%s' AND '%s'"
            .formatted(traffic.campaign(traffic.campaigns()), traffic.campaign(999_999));
    Waiting.until("a row", () -> hasRow(row));
  }

  /** Whether a feedback row is committed; false while the database is down. */
  boolean hasRow(String condition) {
    try (Connection connection = feedback.connect(FEEDBACK);
        Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(
                "SELECT FROM subscribers_feedback WHERE " + condition + " LIMIT 1")) {
      return row.next();
    } catch (SQLException e) {
      return false;
    }
  }

  /** The first column of a query's rows. */
  static List<String> query(EmbeddedDatabase server, String database, String sql)
      throws SQLException {
    try (Connection connection = server.connect(database);
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      List<String> rows = new ArrayList<>();
      while (result.next()) {
        rows.add(result.getString(1));
      }
      return rows;
    }
  }

  // ---- The job

  private void submit(List<String> options, String... changed) throws Exception {
    cancelled = false;
    List<String> run = new ArrayList<>(List.of("-Dparallelism.default=" + parallelism));
    run.addAll(options);
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--kafka.bootstrap-servers",
                broker.bootstrapServers(),
                "--promos.start-from",
                "earliest",
                "--subscribers.db.url",
                subscribers.url(SUBSCRIBERS),
                "--subscribers.db.user",
                JOB_ROLE,
                "--subscribers.refresh-interval",
                "1 s",
                "--feedback.db.url",
                feedback.url(FEEDBACK),
                "--feedback.db.user",
                JOB_ROLE,
                "--transaction-prefix",
                PREFIX,
                "--reports.topic",
                REPORTS,
                "--reports.interval",
                "1 s",
                "--control.topic",
                CONTROL,
                // Many times what the traffic needs.
                "--delivery.max-per-second",
                "10000",
                "--delivery.max-per-second-per-restaurant",
                "1000"));
    arguments.addAll(List.of(changed));
    job = cluster.submit(Map.of(), run, arguments);
  }

  private static String from(String checkpoint) {
    return "-Dexecution.state-recovery.path=" + checkpoint;
  }

  /** Starts the job from a savepoint. */
  void resumeFrom(String savepoint) throws Exception {
    submit(List.of(from(savepoint)));
  }

  /**
   * Cancels and restarts the job with a minute between checkpoints, so that a drill can act between
   * two of them, and with a timeout of 5 s for Kafka transactions.
   */
  void restartWithRareCheckpoints() throws Exception {
    cancel();
    submit(
        List.of(
            from(cluster.newestCheckpoint()),
            "-Dexecution.checkpointing.interval=60 s",
            "-Dexecution.checkpointing.timeout=10 s",
            "-Dexecution.checkpointing.tolerable-failed-checkpoints=0"),
        "--kafka.properties.transaction.timeout.ms",
        "5000");
  }

  /** Restarts the job from its newest checkpoint, under another job id. */
  void resumeAsNewJob() throws Exception {
    submit(List.of(from(cluster.newestCheckpoint())));
  }

  /** Cancels the job and restarts it from its newest checkpoint at another parallelism. */
  void rescaleFromCheckpoint(int newParallelism) throws Exception {
    cancel();
    parallelism = newParallelism;
    resumeAsNewJob();
  }

  /** Rescales the job while it runs, by the adaptive scheduler. */
  void rescaleInPlace(int newParallelism) throws Exception {
    parallelism = newParallelism;
    cluster.rescale(job, newParallelism);
  }

  /** Restarts the job from its newest checkpoint, under the same job id. */
  void resumeAsSameJob() throws Exception {
    submit(List.of(from(cluster.newestCheckpoint()), "-D$internal.pipeline.job-id=" + job));
  }

  /** Stops the job with a savepoint and restarts it from the savepoint. */
  void upgrade(int newParallelism) throws Exception {
    String savepoint = stopWithSavepoint();
    parallelism = newParallelism;
    submit(List.of(from(savepoint)));
  }

  private String stopWithSavepoint() throws Exception {
    String problem = "";
    for (int tries = 0; tries < 5; tries++) {
      cluster.awaitRunning(job);
      Program stop = cluster.flink(Map.of(), List.of("stop", "-t", "remote", job.toString()));
      Matcher savepoint = SAVEPOINT.matcher(stop.output());
      if (savepoint.find()) {
        return savepoint.group(1);
      }
      problem = stop.output() + stop.errors();
    }
    throw new IllegalStateException("the job did not stop: " + problem);
  }

  /** Resumes the job, if it was cancelled. */
  void resume() throws Exception {
    if (cancelled) {
      resumeAsNewJob();
    }
  }

  /** Cancels the job; waits until it is gone. */
  void cancel() throws Exception {
    cluster.flink(Map.of(), List.of("cancel", "-t", "remote", job.toString()));
    Waiting.until("the job's end", () -> cluster.status(job).equals("CANCELED"));
    cancelled = true;
  }

  /** Sessions of the job at either database. */
  List<String> sessions() throws SQLException {
    String sessions =
        "SELECT application_name FROM pg_stat_activity WHERE application_name LIKE 'promo-stream%'"
            + " AND usename = '"
            + JOB_ROLE
            + "'";
    List<String> all = new ArrayList<>(query(subscribers, SUBSCRIBERS, sessions));
    all.addAll(query(feedback, FEEDBACK, sessions));
    return all;
  }

  /** The reasons why the feedback table refused rows. */
  List<String> refusedRows() throws SQLException {
    return query(feedback, FEEDBACK, "SELECT reason FROM subscribers_feedback_refused");
  }

  /** How many commits to the feedback database wait for a lock, in the middle of a replay. */
  int waitingReplays() throws SQLException {
    return query(
            feedback,
            FEEDBACK,
            "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name LIKE 'promo-stream feedback%'")
        .size();
  }

  /** Keeps every replay from writing rows until it is closed. */
  Connection lockFeedbackTable() throws SQLException {
    Connection connection = feedback.connect(FEEDBACK);
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.execute("LOCK TABLE subscribers_feedback IN ACCESS EXCLUSIVE MODE");
    }
    return connection;
  }

  /** Transactions of the job in Kafka that have not ended. */
  List<String> openTransactions() throws Exception {
    try (Admin admin = broker.admin()) {
      return OpenTransactions.of(admin, PREFIX);
    }
  }

  /** Kills JobManager and TaskManagers. */
  void killCluster() throws Exception {
    for (Program taskManager : cluster.taskManagers().values()) {
      taskManager.kill();
    }
    cluster.jobManager().kill();
  }

  /** Starts a new JobManager and new TaskManagers, which know of no job. */
  void replaceCluster() throws Exception {
    cluster.startJobManager();
    replaceTaskManagers();
    cluster.awaitTaskManagers(TASK_MANAGERS);
  }

  /** Threads in the TaskManagers that run code of the job's jar. */
  List<String> threadsOfJob() throws Exception {
    return cluster.threads().stream().filter(name -> JOBS_THREAD.matcher(name).find()).toList();
  }

  /** Starts the missing TaskManagers, as Kubernetes would. */
  void replaceTaskManagers() throws IOException {
    cluster.replaceTaskManagers(TASK_MANAGERS);
  }

  @Override
  public void close() throws Exception {
    for (AutoCloseable one : running) {
      one.close();
    }
  }
}
