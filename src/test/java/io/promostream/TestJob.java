package io.promostream;

import static java.util.concurrent.TimeUnit.SECONDS;

import io.promostream.config.JobConfig;
import io.promostream.local.Delivery;
import io.promostream.local.EmbeddedBroker;
import io.promostream.local.EmbeddedDatabase;
import io.promostream.local.FeedbackRows;
import io.promostream.local.Notifications;
import io.promostream.processes.Rest;
import io.promostream.testing.OpenTransactions;
import io.promostream.testing.TestBroker;
import io.promostream.testing.TestDatabase;
import io.promostream.testing.Waiting;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.JobManagerOptions;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.runtime.execution.ExecutionState;
import org.apache.flink.runtime.executiongraph.ErrorInfo;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.runtime.jobgraph.SavepointRestoreSettings;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * The whole job on a cluster in this JVM, with topics and databases of its own, and a saboteur
 * beside it.
 */
final class TestJob implements AutoCloseable {

  private static final AtomicInteger COUNT = new AtomicInteger();
  private static MiniCluster shared;

  private final int number = COUNT.incrementAndGet();
  final String promosTopic = "promos-" + number;
  final String notificationsTopic = "notifications-" + number;
  final String rejectedTopic = "rejected-" + number;
  final String prefix = "test-" + number;
  final TestDatabase subscribers = TestDatabase.create().withSubscribersTable();
  final TestDatabase feedback = TestDatabase.create().withFeedbackTable();

  private final EmbeddedBroker broker = TestBroker.get();
  private final Path checkpoints;
  private final List<String> settings = new ArrayList<>();
  private final KafkaProducer<byte[], byte[]> producer;
  private final Notifications notifications;
  private final List<Delivery> notified = new ArrayList<>();
  private JobID running;
  private MiniCluster cluster;
  private UnaryOperator<Connectors> connectors = UnaryOperator.identity();

  /**
   * Makes topics and databases; starts nothing yet.
   *
   * @param checkpoints a directory for them
   * @param settings of the job, {@code --key=value}, beyond the addresses
   */
  TestJob(Path checkpoints, String... settings) throws Exception {
    this.checkpoints = checkpoints;
    // A test that failed may have left orders.
    Saboteur.callOff();
    change(settings);
    broker.createTopic(promosTopic, 3);
    broker.createTopic(notificationsTopic, 3);
    broker.createTopic(rejectedTopic, 1);
    producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", broker.bootstrapServers()),
            new ByteArraySerializer(),
            new ByteArraySerializer());
    notifications = new Notifications(broker.bootstrapServers(), notificationsTopic);
  }

  /** Changes the job's settings for its next start: {@code --key=value}. */
  void change(String... changed) {
    settings.addAll(List.of(changed));
  }

  /** Puts others in the place of the job's own connectors, for its next start. */
  void connect(UnaryOperator<Connectors> replaced) {
    connectors = replaced;
  }

  /** Has the job run on a cluster of its own instead of the shared one. */
  void runOn(MiniCluster other) {
    cluster = other;
  }

  /**
   * Rescales one vertex and leaves the others, as the web UI does. Needs the adaptive scheduler.
   *
   * @param vertex the beginning of its name
   */
  void rescale(String vertex, int parallelism) throws Exception {
    List<String> required = new ArrayList<>();
    for (var each :
        cluster().getExecutionGraph(running).get(30, SECONDS).getVerticesTopologically()) {
      int wanted = each.getName().startsWith(vertex) ? parallelism : each.getParallelism();
      required.add(
          "\"%s\": {\"parallelism\": {\"lowerBound\": %d, \"upperBound\": %<d}}"
              .formatted(each.getJobVertexId(), wanted));
    }
    var unused =
        new Rest(cluster().getRestAddress().get(60, SECONDS).getPort())
            .put(
                "/jobs/%s/resource-requirements".formatted(running),
                "{%s}".formatted(String.join(", ", required)));
    await(
        vertex + " at parallelism " + parallelism,
        () -> runs() && parallelism(vertex) == parallelism);
  }

  private int parallelism(String vertex) throws Exception {
    for (var each :
        cluster().getExecutionGraph(running).get(30, SECONDS).getVerticesTopologically()) {
      if (each.getName().startsWith(vertex)) {
        return each.getParallelism();
      }
    }
    throw new IllegalArgumentException("no vertex " + vertex);
  }

  /** Sets a topic's largest message. */
  void limit(String topic, int maxMessageBytes) throws Exception {
    set(topic, "max.message.bytes", "" + maxMessageBytes);
  }

  /** Lets a topic be compacted. */
  void compact(String topic) throws Exception {
    set(topic, "cleanup.policy", "compact");
  }

  private void set(String topic, String name, String value) throws Exception {
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
    AlterConfigOp change =
        new AlterConfigOp(new ConfigEntry(name, value), AlterConfigOp.OpType.SET);
    try (Admin admin = broker.admin()) {
      admin.incrementalAlterConfigs(Map.of(resource, List.of(change))).all().get(60, SECONDS);
    }
  }

  /** Deletes the promos of a partition before an offset, as retention does. */
  void deletePromosBefore(int partition, long offset) throws Exception {
    Map<TopicPartition, RecordsToDelete> deleted =
        Map.of(new TopicPartition(promosTopic, partition), RecordsToDelete.beforeOffset(offset));
    try (Admin admin = broker.admin()) {
      admin.deleteRecords(deleted).all().get(60, SECONDS);
    }
  }

  private MiniCluster cluster() throws Exception {
    return cluster == null ? shared() : cluster;
  }

  private static synchronized MiniCluster shared() throws Exception {
    if (shared == null) {
      shared = cluster(2);
    }
    return shared;
  }

  /** A cluster of its own, for a job that may take a TaskManager down, which nobody replaces. */
  static MiniCluster cluster(int taskManagers) throws Exception {
    Configuration flink = new Configuration();
    flink.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(256));
    // The saboteur takes the job down with it, though nothing connects the two.
    flink.set(JobManagerOptions.EXECUTION_FAILOVER_STRATEGY, "full");
    MiniCluster cluster =
        new MiniCluster(
            new MiniClusterConfiguration.Builder()
                .setConfiguration(flink)
                .setNumTaskManagers(taskManagers)
                .setNumSlotsPerTaskManager(2)
                .withRandomPorts()
                .build());
    cluster.start();
    return cluster;
  }

  JobConfig config() {
    List<String> args = new ArrayList<>();
    args.add("--kafka.bootstrap-servers=" + broker.bootstrapServers());
    args.add("--promos.topic=" + promosTopic);
    args.add("--notifications.topic=" + notificationsTopic);
    args.add("--rejected.topic=" + rejectedTopic);
    args.add("--subscribers.db.url=" + subscribers.url());
    args.add("--subscribers.db.user=" + EmbeddedDatabase.SUPERUSER);
    args.add("--subscribers.refresh-interval=300 ms");
    args.add("--feedback.db.url=" + feedback.url());
    args.add("--feedback.db.user=" + EmbeddedDatabase.SUPERUSER);
    args.add("--transaction-prefix=" + prefix);
    args.addAll(settings);
    Map<String, String> passwords =
        Map.of(
            "PROMO_STREAM_SUBSCRIBERS_DB_PASSWORD", EmbeddedDatabase.SUPERUSER,
            "PROMO_STREAM_FEEDBACK_DB_PASSWORD", EmbeddedDatabase.SUPERUSER);
    return JobConfig.load(args.toArray(String[]::new), passwords);
  }

  /** Flink's settings for all runs: short checkpoints, retained, and many quick restarts. */
  private Configuration flink() {
    Configuration flink = new Configuration();
    flink.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(300));
    flink.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, checkpoints.toUri().toString());
    flink.set(CheckpointingOptions.SAVEPOINT_DIRECTORY, checkpoints.toUri().toString());
    flink.set(CheckpointingOptions.TOLERABLE_FAILURE_NUMBER, 1_000);
    flink.set(
        CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION,
        ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
    flink.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
    flink.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, 1_000);
    flink.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ofMillis(200));
    return flink;
  }

  /**
   * Starts the job.
   *
   * @param restoreFrom a savepoint's or checkpoint's path, null for a fresh start
   * @param more of Flink's settings
   */
  void start(int parallelism, String restoreFrom, Configuration more) throws Exception {
    Configuration flink = flink();
    flink.set(CoreOptions.DEFAULT_PARALLELISM, parallelism);
    flink.addAll(more);
    StreamExecutionEnvironment env = new StreamExecutionEnvironment(flink);
    PromoStreamTopology.build(env, config(), connectors.apply(Connectors.of(config())));
    Saboteur.join(env);
    JobGraph graph = env.getStreamGraph().getJobGraph();
    if (restoreFrom != null) {
      graph.setSavepointRestoreSettings(SavepointRestoreSettings.forPath(restoreFrom, false));
    }
    running = graph.getJobID();
    cluster().submitJob(graph).get(60, SECONDS);
  }

  void start(int parallelism) throws Exception {
    start(parallelism, null, new Configuration());
  }

  /** Whether all tasks run. */
  boolean runs() throws Exception {
    for (var vertex :
        cluster().getExecutionGraph(running).get(30, SECONDS).getAllExecutionVertices()) {
      if (vertex.getExecutionState() != ExecutionState.RUNNING) {
        return false;
      }
    }
    return true;
  }

  /** Cancels a job that may have completed no checkpoint. */
  void cancelWithoutCheckpoint() throws Exception {
    cluster().cancelJob(running).get(60, SECONDS);
    awaitEnd(JobStatus.CANCELED);
  }

  /** Cancels the job; the path of its last checkpoint. */
  String cancel() throws Exception {
    cancelWithoutCheckpoint();
    return cluster()
        .getExecutionGraph(running)
        .get(60, SECONDS)
        .getCheckpointStatsSnapshot()
        .getHistory()
        .getLatestCompletedCheckpoint()
        .getExternalPath();
  }

  /** Stops the job; the path of its savepoint. */
  String stopWithSavepoint() throws Exception {
    String path =
        cluster()
            .stopWithSavepoint(
                running, checkpoints.toUri().toString(), false, SavepointFormatType.CANONICAL)
            .get(60, SECONDS);
    awaitEnd(JobStatus.FINISHED);
    return path;
  }

  /** Takes a savepoint and goes on; its path. */
  String savepoint() throws Exception {
    return cluster()
        .triggerSavepoint(
            running, checkpoints.toUri().toString(), false, SavepointFormatType.CANONICAL)
        .get(60, SECONDS);
  }

  /** Completes a checkpoint, where none comes by itself. */
  void checkpoint() throws Exception {
    cluster().triggerCheckpoint(running).get(60, SECONDS);
  }

  /** Why the job, or a task of it, last failed; empty if nothing has. */
  String failure() throws Exception {
    ErrorInfo failure = cluster().getExecutionGraph(running).get(30, SECONDS).getFailureInfo();
    return failure == null ? "" : failure.getExceptionAsString();
  }

  private void awaitEnd(JobStatus end) throws Exception {
    await("the job to be " + end, () -> cluster().getJobStatus(running).get() == end);
  }

  JobStatus status() throws Exception {
    return cluster().getJobStatus(running).get(30, SECONDS);
  }

  /** How often the running job, of which all tasks restart together, has been restarted. */
  int restarts() throws Exception {
    for (var vertex :
        cluster().getExecutionGraph(running).get(30, SECONDS).getAllExecutionVertices()) {
      if (vertex.getTaskNameWithSubtaskIndex().startsWith(Uids.FEEDBACK)) {
        return vertex.getCurrentExecutionAttempt().getAttemptNumber();
      }
    }
    throw new IllegalStateException("no task of " + Uids.FEEDBACK);
  }

  long completedCheckpoints() throws Exception {
    return cluster()
        .getExecutionGraph(running)
        .get(30, SECONDS)
        .getCheckpointStatsSnapshot()
        .getCounts()
        .getNumberOfCompletedCheckpoints();
  }

  /** Waits for two checkpoints that begin after this call. */
  void awaitCheckpoints() throws Exception {
    long before = completedCheckpoints();
    await("two checkpoints", () -> completedCheckpoints() >= before + 3);
  }

  void send(byte[] promo) {
    send(new ProducerRecord<>(promosTopic, promo));
  }

  void send(ProducerRecord<byte[], byte[]> message) {
    try {
      producer.send(message).get(60, SECONDS);
    } catch (Exception e) {
      throw new IllegalStateException("the broker took no promo", e);
    }
  }

  /** Sends without waiting for the broker. */
  void sendLater(byte[] promo) {
    var unused = producer.send(new ProducerRecord<>(promosTopic, promo));
  }

  void subscribe(String client, String restaurant) {
    subscribers.execute(
        "INSERT INTO subscribers_restaurants (client_id, restaurant_id) VALUES ('%s', '%s')"
            .formatted(client, restaurant));
  }

  void unsubscribe(String client, String restaurant) {
    subscribers.execute(
        "DELETE FROM subscribers_restaurants WHERE client_id = '%s' AND restaurant_id = '%s'"
            .formatted(client, restaurant));
  }

  /** The offset that the group has committed, by partition. */
  Map<Integer, Long> committedOffsets() throws Exception {
    Map<Integer, Long> offsets = new HashMap<>();
    try (Admin admin = broker.admin()) {
      admin
          .listConsumerGroupOffsets(config().promos().groupId())
          .partitionsToOffsetAndMetadata()
          .get(60, SECONDS)
          .forEach(
              (partition, offset) -> {
                if (partition.topic().equals(promosTopic)) {
                  offsets.put(partition.partition(), offset.offset());
                }
              });
    }
    return offsets;
  }

  /** Waits until the group's committed offsets, which follow checkpoints, are these. */
  void awaitCommittedOffsets(Map<Integer, Long> expected) throws Exception {
    await("the committed offsets " + expected, () -> committedOffsets().equals(expected));
  }

  /** Waits until the group's committed offsets, which follow checkpoints, say so many promos. */
  void awaitCommittedOffsets(long promos) throws Exception {
    await(
        "offsets of " + promos + " promos",
        () -> committedOffsets().values().stream().mapToLong(offset -> offset).sum() >= promos);
  }

  /** Moves the group, as another job with the same group id would. */
  void setCommittedOffset(int partition, long offset) throws Exception {
    try (Admin admin = broker.admin()) {
      admin
          .alterConsumerGroupOffsets(
              config().promos().groupId(),
              Map.of(new TopicPartition(promosTopic, partition), new OffsetAndMetadata(offset)))
          .all()
          .get(60, SECONDS);
    }
  }

  /** Has the broker forget the group, as it does when its offsets expire. */
  void deleteCommittedOffsets() throws Exception {
    try (Admin admin = broker.admin()) {
      admin.deleteConsumerGroups(List.of(config().promos().groupId())).all().get(60, SECONDS);
    }
  }

  /** Adds a partition to the promos' topic, which has three. */
  void addPromosPartition() throws Exception {
    try (Admin admin = broker.admin()) {
      admin
          .createPartitions(Map.of(promosTopic, NewPartitions.increaseTo(4)))
          .all()
          .get(60, SECONDS);
    }
  }

  /** All notifications committed so far. */
  List<Delivery> notifications() {
    notified.addAll(notifications.read());
    return notified;
  }

  /** All feedback rows committed so far. */
  List<Delivery> rows() throws Exception {
    try (FeedbackRows rows =
        new FeedbackRows(config().feedback().database(), config().feedback().table())) {
      return rows.read();
    }
  }

  /** All rejected messages committed so far. */
  List<ConsumerRecord<byte[], byte[]>> rejected() {
    try (Notifications topic = new Notifications(broker.bootstrapServers(), rejectedTopic)) {
      List<ConsumerRecord<byte[], byte[]>> messages = new ArrayList<>();
      topic.read(messages::add);
      return messages;
    }
  }

  /** Waits until so many notifications and rows are committed. */
  void awaitDeliveries(int count) throws Exception {
    try {
      await(
          count + " notifications and rows",
          () -> notifications().size() >= count && rows().size() >= count);
    } catch (AssertionError e) {
      throw new AssertionError(
          "%d notifications and %d rows; job %s, unfinished: %s"
              .formatted(notifications().size(), rows().size(), status(), leftovers()),
          e);
    }
  }

  /** Transactions of this job that are open, on either side. */
  List<String> leftovers() throws Exception {
    List<String> left =
        new ArrayList<>(
            feedback.query(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'"));
    try (Admin admin = broker.admin()) {
      left.addAll(OpenTransactions.of(admin, prefix));
    }
    return left;
  }

  /** Waits for a condition; fails with what was waited for. */
  static void await(String what, Callable<Boolean> condition) throws Exception {
    Waiting.until(what, condition);
  }

  @Override
  public void close() {
    producer.close();
    notifications.close();
    try {
      if (running != null && !status().isGloballyTerminalState()) {
        cancelWithoutCheckpoint();
      }
    } catch (Exception e) {
      throw new IllegalStateException("the job could not be cancelled", e);
    }
  }
}
