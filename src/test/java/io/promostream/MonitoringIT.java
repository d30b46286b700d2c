package io.promostream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.promostream.Saboteur.Act;
import io.promostream.cluster.Monitoring;
import io.promostream.cluster.Prometheus;
import io.promostream.metrics.JobMetric;
import io.promostream.testing.PromoJson;
import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.configuration.JobManagerOptions;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.runtime.metrics.MetricNames;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * The job with flink-conf/config.yaml, monitored by Prometheus with the project's rules, in which a
 * minute takes a second. The tests cause the problems that the alerts are for, one after the other.
 * They have an order, and each starts with a running job.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class MonitoringIT {

  private static final String OPERATOR = "flink_taskmanager_job_task_operator_";
  private static final String RESTAURANT = "r";

  @TempDir private static Path directory;
  private static MiniCluster cluster;
  private static TestJob job;
  private static JobID id;
  private static Prometheus prometheus;
  private static int campaigns;

  @BeforeAll
  static void start() throws Exception {
    assumeTrue(Prometheus.isInstalled(), "prometheus is not installed");
    int port = Prometheus.freePort();
    Configuration flink = GlobalConfiguration.loadConfiguration("flink-conf");
    // Adapt addresses, paths and sizes, and shorten the times for checkpoints, restarts and slot
    // requests.
    flink.setString("metrics.reporter.prom.port", "" + port);
    flink.set(RestOptions.BIND_PORT, "0");
    flink.set(JobManagerOptions.PORT, 0);
    flink.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, directory.toUri().toString());
    flink.set(CheckpointingOptions.SAVEPOINT_DIRECTORY, directory.toUri().toString());
    flink.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofSeconds(1));
    flink.set(CheckpointingOptions.MIN_PAUSE_BETWEEN_CHECKPOINTS, Duration.ZERO);
    flink.set(JobManagerOptions.SLOT_REQUEST_TIMEOUT, Duration.ofSeconds(5));
    // The first four restarts come almost at once, the fifth after 8 s.
    flink.set(
        RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_INITIAL_BACKOFF,
        Duration.ofMillis(100));
    flink.set(RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_BACKOFF_MULTIPLIER, 3.0);
    flink.removeConfig(TaskManagerOptions.TOTAL_PROCESS_MEMORY);
    flink.set(PipelineOptions.NAME, "promo-stream");
    // A failure of the saboteur must restart the job, although no edge connects the two.
    flink.set(JobManagerOptions.EXECUTION_FAILOVER_STRATEGY, "full");

    prometheus = Prometheus.start(Files.createDirectory(directory.resolve("prometheus")), port);
    cluster =
        new MiniCluster(
            new MiniClusterConfiguration.Builder()
                .setConfiguration(flink)
                .setNumTaskManagers(1)
                .setNumSlotsPerTaskManager(2)
                .withRandomPorts()
                .build());
    cluster.start();
    job =
        new TestJob(
            directory,
            "--feedback.on-lost-transaction=continue",
            // Compressed, a large notification would be small.
            "--kafka.properties.compression.type=none");
    job.openCampaignDesk();
    IntStream.range(0, 10).forEach(client -> job.subscribe("client-" + client, RESTAURANT));
    submit(flink);
  }

  private static void submit(Configuration flink) throws Exception {
    StreamExecutionEnvironment env = new StreamExecutionEnvironment(flink);
    PromoStreamJob.prepare(env, job.config());
    Saboteur.addTo(env);
    JobGraph graph = env.getStreamGraph().getJobGraph();
    id = graph.getJobID();
    cluster.submitJob(graph).get();
  }

  @AfterAll
  static void stop() throws Exception {
    Saboteur.hold(false);
    if (prometheus != null) {
      prometheus.close();
    }
    if (cluster != null) {
      cluster.close();
    }
    if (job != null) {
      job.close();
    }
  }

  private static void send() {
    job.send(promo().bytes());
  }

  private static PromoJson promo() {
    return PromoJson.good()
        .with("restaurant_id", "\"" + RESTAURANT + "\"")
        .with("adv_campaign_id", "\"" + ++campaigns + "\"");
  }

  private static void awaitAlerts(String... alerts) throws Exception {
    Set<String> wanted = Set.of(alerts);
    Set<String> seen = new TreeSet<>();
    try {
      TestJob.await(
          wanted + " to fire",
          () -> {
            seen.addAll(prometheus.firing());
            return seen.containsAll(wanted);
          });
    } catch (AssertionError e) {
      throw new AssertionError("only these have fired: " + seen, e);
    }
  }

  private static void awaitQuiet(String... alerts) throws Exception {
    TestJob.await(
        "an end of " + Set.of(alerts),
        () -> prometheus.firing().stream().noneMatch(Set.of(alerts)::contains));
  }

  private static Set<String> names() {
    return prometheus.series("{namespace=\"" + Prometheus.NAMESPACE + "\"}").stream()
        .map(labels -> (String) labels.get("__name__"))
        .collect(Collectors.toSet());
  }

  @Test
  @Order(1)
  void exposesEveryQueriedMetricAndFiresNoAlertWhenHealthy() throws Exception {
    send();
    job.awaitDeliveries(10);
    Set<String> wanted = Monitoring.metrics();
    TestJob.await("all of " + wanted, () -> names().containsAll(wanted));
    // Five seconds count as five minutes here, and the start of the job may take as long under
    // load.
    TestJob.await(
        "no alert but that of the first delivery",
        () -> Set.of("PromoStreamDeliveryDelayed").containsAll(prometheus.firing()));
  }

  /** Each operator has exactly the metrics that JobMetric lists for it. */
  @Test
  @Order(2)
  void exposesExactlyTheDeclaredMetrics() throws Exception {
    Set<String> expected =
        Arrays.stream(JobMetric.values())
            .flatMap(
                metric ->
                    Stream.of(metric.operators().split(", "))
                        .map(operator -> metric.prometheusName() + " " + operator))
            .collect(Collectors.toCollection(TreeSet::new));
    TestJob.await("all of " + expected, () -> metrics().containsAll(expected));
    assertThat(metrics()).isEqualTo(expected);
  }

  /** The operators' metrics without those of Flink and without those in groups, such as Kafka's. */
  private static Set<String> metrics() {
    Set<String> flinks =
        Arrays.stream(MetricNames.class.getFields())
            .filter(field -> field.getType() == String.class)
            .map(MonitoringIT::value)
            .collect(Collectors.toSet());
    Set<String> metrics = new TreeSet<>();
    for (Map<String, Object> labels :
        prometheus.series(
            "{__name__=~\"" + OPERATOR + "(reason_)?[A-Za-z]+\", operator_name!~\"saboteur.*\"}")) {
      String metric = labels.get("__name__").toString();
      if (!flinks.contains(metric.substring(OPERATOR.length()))) {
        metrics.add(metric + " " + operator(labels.get("operator_name").toString()));
      }
    }
    return metrics;
  }

  /** The uid of the operator. */
  private static String operator(String name) {
    return name.replaceFirst("^Source:_", "")
        .replaceFirst(":_(Writer|Committer)$", "")
        .replace('_', '-');
  }

  private static String value(Field field) {
    try {
      return (String) field.get(null);
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  @Order(3)
  void alertsWhenSubscriberDatabaseRefusesConnections() throws Exception {
    job.subscribers.refuseConnections(true);
    awaitAlerts("PromoStreamListStale", "PromoStreamRefreshFailing");
    assertThat(prometheus.labels("PromoStreamListStale"))
        .containsEntry("namespace", Prometheus.NAMESPACE)
        .containsEntry("job_name", "promo_stream");
    job.subscribers.refuseConnections(false);
    awaitQuiet("PromoStreamListStale", "PromoStreamRefreshFailing");
  }

  /** Meanwhile the job and its other sink continue. */
  @Test
  @Order(4)
  void alertsWhenFeedbackDatabaseRefusesConnections() throws Exception {
    int before = attempt();
    int notifications = job.notifications().size();
    job.feedback.refuseConnections(true);
    send();
    awaitAlerts("PromoStreamReplayDelayed");
    assertThat(job.notifications()).hasSize(notifications + 10);
    job.feedback.refuseConnections(false);
    awaitQuiet("PromoStreamReplayDelayed");
    job.awaitDeliveries(notifications + 10);
    assertThat(attempt()).isEqualTo(before);
  }

  @Test
  @Order(5)
  void alertsWhenRowsAndMessagesAreRefused() throws Exception {
    assertThat(prometheus.firing())
        .doesNotContain("PromoStreamRowsRefused", "PromoStreamMessagesRefused");
    job.send(promo().with("adv_campaign_content", "\"" + "x".repeat(100_000) + "\"").bytes());
    job.awaitDeliveries(job.rows().size() + 10);
    job.limit(job.notificationsTopic, 80_000);
    job.feedback.execute(
        "ALTER TABLE subscribers_feedback"
            + " ADD CONSTRAINT known CHECK (client_id LIKE 'client-%') NOT VALID");
    job.subscribe("stranger", RESTAURANT);
    awaitAlerts("PromoStreamRowsRefused", "PromoStreamMessagesRefused");
    job.feedback.execute("ALTER TABLE subscribers_feedback DROP CONSTRAINT known");
    job.limit(job.notificationsTopic, 1 << 20);
  }

  /** Simulates a failover to a standby that lagged behind. */
  @Test
  @Order(6)
  void alertsWhenFeedbackDatabaseLostCommits() throws Exception {
    assertThat(prometheus.firing()).doesNotContain("PromoStreamCommitsLost");
    job.feedback.execute(
        "UPDATE promo_stream_commits SET sequence = sequence - 1 WHERE writer <> 'lease'");
    awaitAlerts("PromoStreamCommitsLost");
  }

  @Test
  @Order(7)
  void alertsOnRejectedAndLatePromos() throws Exception {
    for (int i = 0; i < 20; i++) {
      job.send("no promo".getBytes(StandardCharsets.UTF_8));
    }
    long anHourAgo = System.currentTimeMillis() - Duration.ofHours(1).toMillis();
    job.send(new ProducerRecord<>(job.promosTopic, null, anHourAgo, null, promo().bytes()));
    awaitAlerts("PromoStreamRejectionsRising", "PromoStreamDeliveryDelayed");
  }

  @Test
  @Order(8)
  void alertsWhenCheckpointDoesNotFinish() throws Exception {
    int rows = job.rows().size();
    TestJob.await(
        "promos in each checkpoint",
        () -> {
          send();
          return job.rows().size() > rows;
        });
    Saboteur.hold(true);
    TestJob.await(
        "a checkpoint that does not end",
        () -> {
          send();
          return Saboteur.isHolding();
        });
    job.subscribers.execute("DELETE FROM subscribers_restaurants");
    awaitAlerts("PromoStreamNoCheckpoint", "PromoStreamListShrank");

    Saboteur.hold(false);
    awaitQuiet("PromoStreamNoCheckpoint");
  }

  private static long completedCheckpoints() throws Exception {
    return cluster
        .getExecutionGraph(id)
        .get()
        .getCheckpointStatsSnapshot()
        .getCounts()
        .getNumberOfCompletedCheckpoints();
  }

  @Test
  @Order(9)
  void alertsWhenCheckpointsFail() throws Exception {
    AtomicLong ordered = new AtomicLong(-1);
    TestJob.await(
        "PromoStreamCheckpointsFailing to fire",
        () -> {
          long completed = completedCheckpoints();
          if (completed > ordered.get() && Saboteur.outstanding(Act.DECLINE_CHECKPOINT) == 0) {
            ordered.set(completed);
            // Fails two checkpoints, because both subtasks of the saboteur decline each. A third
            // one in a row would restart the job.
            Saboteur.order(Act.DECLINE_CHECKPOINT, 4);
          }
          return prometheus.firing().contains("PromoStreamCheckpointsFailing");
        });
    Saboteur.cancelOrders(Act.DECLINE_CHECKPOINT);
    assertThat(cluster.getJobStatus(id).get()).isEqualTo(JobStatus.RUNNING);
  }

  /** The attempt number of all tasks, which restart together. */
  private static int attempt() throws Exception {
    return cluster
        .getExecutionGraph(id)
        .get()
        .getAllExecutionVertices()
        .iterator()
        .next()
        .getCurrentExecutionAttempt()
        .getAttemptNumber();
  }

  @Test
  @Order(10)
  void alertsOnRepeatedRestarts() throws Exception {
    int before = attempt();
    for (int restarts = 1; restarts <= 4; restarts++) {
      // One at a time, because two subtasks that fail together cause a single restart.
      Saboteur.order(Act.FAIL_AT_RANDOM, 1);
      int restarted = before + restarts;
      TestJob.await("restart " + restarts, () -> attempt() == restarted);
    }
    awaitAlerts("PromoStreamRestarting");
  }

  /** The job is down for eight seconds, the fifth backoff, while campaigns start and end. */
  @Test
  @Order(11)
  void alertsWhileJobWaitsForRestart() throws Exception {
    job.subscribe("client", RESTAURANT);
    int promos = campaigns;
    TestJob.await(
        "the restarted job",
        () -> {
          send();
          return job.rows().stream()
              .anyMatch(row -> Integer.parseInt(row.promo().campaignId()) > promos);
        });
    long now = Instant.now().getEpochSecond();
    // One for each second until long after the job has gone down.
    for (int second = 3; second < 60; second++) {
      job.send(
          promo()
              .with("adv_campaign_datetime_start", "" + (now + second))
              .with("adv_campaign_datetime_end", "" + (now + second))
              .bytes());
    }
    job.awaitCommittedOffsets(campaigns + 20);
    Saboteur.order(Act.FAIL_AT_RANDOM, 1);
    awaitAlerts("PromoStreamDown", "PromoStreamPromosMissed");
  }

  @Test
  @Order(12)
  void alertsWhenJobIsCancelled() throws Exception {
    cluster.cancelJob(id).get();
    awaitAlerts("PromoStreamUnseen");
  }

  /**
   * Flink reports the job as running until its slot request times out, and again after the restart.
   */
  @Test
  @Order(13)
  void alertsWhenJobHasNoTaskManagers() throws Exception {
    cluster.terminateTaskManager(0).get();
    submit(cluster.getConfiguration());
    TestJob.await(
        "a job that Flink calls running",
        () -> cluster.getJobStatus(id).get() == JobStatus.RUNNING);
    awaitAlerts("PromoStreamNoFirstCheckpoint");
  }
}
