package io.promostream;

import static java.util.concurrent.TimeUnit.SECONDS;

import io.promostream.config.JobConfig;
import io.promostream.delivery.DeliveryBatch;
import io.promostream.kafka.Message;
import io.promostream.local.EmbeddedDatabase;
import io.promostream.promo.RawPromo;
import io.promostream.subscribers.ClientIds;
import io.promostream.subscribers.SubscriberListSource;
import io.promostream.testing.PromoJson;
import io.promostream.testing.TestDatabase;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.commons.io.FileUtils;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.core.execution.CheckpointType;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.runtime.jobgraph.SavepointRestoreSettings;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * The job with something in every place of its state, and how each release keeps a savepoint and a
 * checkpoint of it for later builds to restore.
 *
 * <p>The list is real; promos come from a generator, the same over and over, and go into {@link
 * Ledger}s, so that the state refers to no broker and no transaction of its time. A release adds
 * its state, under {@code src/test/resources/releases/<release>/}, by
 *
 * <pre>mvn test-compile org.codehaus.mojo:exec-maven-plugin:3.6.2:java -Dexec.classpathScope=test
 *   -Dexec.mainClass=io.promostream.ReleasedState -Dexec.args=&lt;release></pre>
 *
 * and {@link UpgradeIT} then restores it, and all earlier ones.
 */
final class ReleasedState implements AutoCloseable {

  static final Path RELEASES = Path.of("src/test/resources/releases");

  /** Restaurants whose campaigns start at one second; the state is taken in the midst of them. */
  static final int HALF_DELIVERED = 200;

  /** A UUID and another id go into slices of their own: two clients give two slices. */
  static final List<String> CLIENTS = List.of("11111111-2222-3333-4444-555555555555", "c");

  /** Subscribes to everything after the state was taken. */
  static final String LATE_CLIENT = "late";

  static final String ROWS = "rows";
  static final String NOTIFICATIONS = "notifications";

  private static final AtomicLong SENT = new AtomicLong();

  private final MiniCluster cluster;
  private final TestDatabase subscribers = TestDatabase.create().withSubscribersTable();
  private final Path directory;
  private JobID running;

  /**
   * Starts a cluster, and no job yet.
   *
   * @param directory for checkpoints and savepoints
   */
  ReleasedState(Path directory) throws Exception {
    this.directory = directory;
    cluster =
        new MiniCluster(
            new MiniClusterConfiguration.Builder()
                .setConfiguration(
                    new Configuration()
                        .set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(128)))
                .setNumTaskManagers(2)
                .setNumSlotsPerTaskManager(2)
                .withRandomPorts()
                .build());
    cluster.start();
    CLIENTS.forEach(this::subscribeToAll);
  }

  /** Writes this build's state as that of a release: the one argument. */
  public static void main(String[] args) throws Exception {
    for (String backend : List.of("hashmap", "rocksdb")) {
      for (String kind : List.of("savepoint", "checkpoint")) {
        Path target = RELEASES.resolve(args[0]).resolve(kind + "-" + backend);
        while (Files.notExists(target)) {
          write(kind, backend, target);
        }
        System.out.println(target + ": " + Files.size(target.resolve("_metadata")) + " bytes");
      }
    }
    System.exit(0);
  }

  /** Writes the state, unless its moment was missed. */
  private static void write(String kind, String backend, Path target) throws Exception {
    Path temporary = Files.createTempDirectory("promo-stream-state-");
    try (ReleasedState job = new ReleasedState(temporary)) {
      job.start(2, backend, null, promosBefore(now()));
      TestJob.await(
          "a campaign that has just started", () -> hasHalfDelivered(Ledger.written(ROWS)));
      String path = kind.equals("savepoint") ? job.savepoint() : job.checkpoint();
      Path taken = Path.of(URI.create(path));
      try (Stream<Path> files = Files.list(taken)) {
        // Whatever lies beside it, or in a directory shared between checkpoints, would be missing.
        if (files.count() != 1) {
          throw new IOException(taken + " is not one file: make the state smaller");
        }
      }
      if (hasHalfDelivered(Ledger.kept(ROWS))) {
        Files.createDirectories(target);
        Files.copy(taken.resolve("_metadata"), target.resolve("_metadata"));
      }
    }
    FileUtils.deleteDirectory(temporary.toFile());
  }

  /** Whether a campaign is among these deliveries of which one slice is out and one is not. */
  static boolean hasHalfDelivered(List<String> deliveries) {
    return halfDelivered()
        .anyMatch(
            restaurant ->
                deliveries.stream().filter(d -> d.startsWith(restaurant + " ")).count() == 1);
  }

  /** What is sent before the state is taken, each a case of its own. */
  private static List<byte[]> promosBefore(long now) {
    List<byte[]> promos = new ArrayList<>();
    promos.add(promo("live").bytes());
    promos.add(promo("waiting").with("adv_campaign_datetime_start", "" + (now + 90)).bytes());
    promos.add(promo("remembered").with("adv_campaign_datetime_end", "" + (now + 20)).bytes());
    halfDelivered()
        .forEach(
            restaurant ->
                promos.add(
                    promo(restaurant)
                        .with("adv_campaign_datetime_start", "" + (now + 25))
                        .bytes()));
    return promos;
  }

  /** What is sent after it is restored: the same, and an extension of what has ended. */
  static List<byte[]> promosAfter() {
    List<byte[]> promos = promosBefore(now());
    promos.add(promo("remembered").with("datetime_created", "1000000001").bytes());
    return promos;
  }

  private static PromoJson promo(String restaurant) {
    return PromoJson.good()
        .with("restaurant_id", "\"" + restaurant + "\"")
        .with("adv_campaign_id", "\"c\"");
  }

  private static long now() {
    return System.currentTimeMillis() / 1000;
  }

  private static Stream<String> halfDelivered() {
    return IntStream.range(0, HALF_DELIVERED).mapToObj(i -> "half" + i);
  }

  static List<String> restaurants() {
    return Stream.concat(Stream.of("live", "waiting", "remembered"), halfDelivered()).toList();
  }

  void subscribeToAll(String client) {
    subscribers.execute(
        "INSERT INTO subscribers_restaurants (client_id, restaurant_id) VALUES "
            + String.join(
                ", ",
                restaurants().stream().map(r -> "('%s', '%s')".formatted(client, r)).toList()));
  }

  /** Starts the job with promos that come again and again. */
  void start(int parallelism, String backend, Path restoreFrom, List<byte[]> promos)
      throws Exception {
    Configuration flink = new Configuration();
    flink.set(CoreOptions.DEFAULT_PARALLELISM, parallelism);
    flink.set(StateBackendOptions.STATE_BACKEND, backend);
    flink.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofHours(1));
    flink.set(CheckpointingOptions.INCREMENTAL_CHECKPOINTS, true);
    flink.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, directory.toUri().toString());
    // All in one file, which may lie anywhere.
    flink.set(CheckpointingOptions.FS_SMALL_FILE_THRESHOLD, MemorySize.ofMebiBytes(1));
    flink.set(
        CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION,
        ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
    flink.set(RestartStrategyOptions.RESTART_STRATEGY, "none");
    StreamExecutionEnvironment env = new StreamExecutionEnvironment(flink);
    JobConfig config = config();
    SENT.set(0);
    PromoStreamTopology.build(env, config, connectors(config, promos));
    JobGraph graph = env.getStreamGraph().getJobGraph();
    if (restoreFrom != null) {
      graph.setSavepointRestoreSettings(
          SavepointRestoreSettings.forPath(restoreFrom.toUri().toString(), false));
    }
    running = graph.getJobID();
    cluster.submitJob(graph).get(60, SECONDS);
  }

  private JobConfig config() {
    return JobConfig.load(
        new String[] {
          "--kafka.bootstrap-servers=none:9092",
          // The longest; a release whose state is older can no longer be tested.
          "--promos.remember-ended=3650 d",
          "--subscribers.db.url=" + subscribers.url(),
          "--subscribers.db.user=" + EmbeddedDatabase.SUPERUSER,
          "--subscribers.refresh-interval=300 ms",
          "--feedback.db.url=jdbc:postgresql://none/none",
          "--feedback.db.user=none",
          // The ledgers are sinks, which only this guarantee has.
          "--delivery.guarantee=at-least-once"
        },
        Map.of("PROMO_STREAM_SUBSCRIBERS_DB_PASSWORD", EmbeddedDatabase.SUPERUSER));
  }

  private static Connectors connectors(JobConfig config, List<byte[]> promos) {
    Connectors own = Connectors.of(config);
    return new Connectors(
        new DataGeneratorSource<>(
            n -> {
              SENT.incrementAndGet();
              byte[] promo = promos.get((int) (n % promos.size()));
              return new RawPromo("promos", 0, n, -1, new Message(null, promo, List.of()));
            },
            Long.MAX_VALUE,
            RateLimiterStrategy.perSecond(400),
            RawPromo.TYPE),
        new SubscriberListSource(
            config.subscribers().database(),
            config.subscribers().table(),
            config.subscribers().refreshInterval(),
            () -> ClientIds.ANY),
        outlet(
            own.notifications(),
            Uids.NOTIFICATIONS,
            new Ledger<>(NOTIFICATIONS, ReleasedState::deliveries)),
        outlet(
            own.rejected(),
            Uids.REJECTED,
            new Ledger<>("rejected", message -> List.of(message.toString()))),
        outlet(
            own.feedback(),
            Uids.FEEDBACK_AT_LEAST_ONCE,
            new Ledger<>(ROWS, ReleasedState::deliveries)),
        topic -> 1_000_000,
        () -> promo -> null);
  }

  private static <T> Outlet<T> outlet(Outlet<T> own, String uid, Ledger<T> ledger) {
    return new Outlet<>(own.target(), own.earlier(), stream -> stream.sinkTo(ledger).uid(uid));
  }

  private static List<String> deliveries(DeliveryBatch batch) {
    return batch.clients().clientIds().stream()
        .map(client -> batch.promo().restaurantId() + " " + client)
        .toList();
  }

  /** How many promos have been sent since the start. */
  static long sent() {
    return SENT.get();
  }

  /** Stops the job with a savepoint, of the format that any backend reads; its path. */
  String savepoint() throws Exception {
    return cluster
        .stopWithSavepoint(
            running, directory.toUri().toString(), false, SavepointFormatType.CANONICAL)
        .get(60, SECONDS);
  }

  private String checkpoint() throws Exception {
    cluster.triggerCheckpoint(running, CheckpointType.CONFIGURED).get(60, SECONDS);
    cluster.cancelJob(running).get(60, SECONDS);
    TestJob.await(
        "the job to be cancelled", () -> cluster.getJobStatus(running).get() == JobStatus.CANCELED);
    return cluster
        .getExecutionGraph(running)
        .get(60, SECONDS)
        .getCheckpointStatsSnapshot()
        .getHistory()
        .getLatestCompletedCheckpoint()
        .getExternalPath();
  }

  /** Fails as soon as the job has, with its reason. */
  void assertRunning() throws Exception {
    if (cluster.getJobStatus(running).get(30, SECONDS) == JobStatus.FAILED) {
      throw new AssertionError(
          cluster
              .getExecutionGraph(running)
              .get(30, SECONDS)
              .getFailureInfo()
              .getExceptionAsString());
    }
  }

  @Override
  public void close() throws Exception {
    cluster.close();
  }
}
