package io.promostream;

import static java.util.concurrent.TimeUnit.SECONDS;

import io.promostream.config.Database;
import io.promostream.config.JobConfig;
import io.promostream.config.Secret;
import io.promostream.config.TableName;
import io.promostream.local.Delivery;
import io.promostream.local.EmbeddedDatabase;
import io.promostream.local.FeedbackRows;
import io.promostream.local.Notifications;
import io.promostream.testing.PromoJson;
import io.promostream.testing.SecuredSite;
import io.promostream.testing.Waiting;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.runtime.jobgraph.SavepointRestoreSettings;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** The job at the secured site, on a cluster in this JVM. */
final class SecuredJob implements AutoCloseable {

  private static MiniCluster cluster;

  final JobGraph graph;

  /**
   * Starts the job.
   *
   * @param restoreFrom a checkpoint's path, null for a fresh start
   */
  SecuredJob(JobConfig config, Path checkpoints, String restoreFrom) throws Exception {
    Configuration flink = new Configuration();
    flink.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(300));
    flink.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, checkpoints.toUri().toString());
    flink.set(
        CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION,
        ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
    flink.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
    flink.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, Integer.MAX_VALUE);
    flink.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ofMillis(300));
    flink.set(CoreOptions.DEFAULT_PARALLELISM, 2);
    StreamExecutionEnvironment env = new StreamExecutionEnvironment(flink);
    PromoStreamJob.prepare(env, config);
    graph = env.getStreamGraph().getJobGraph();
    if (restoreFrom != null) {
      graph.setSavepointRestoreSettings(SavepointRestoreSettings.forPath(restoreFrom, false));
    }
    cluster().submitJob(graph).get(60, SECONDS);
  }

  static synchronized MiniCluster cluster() throws Exception {
    if (cluster == null) {
      cluster =
          new MiniCluster(
              new MiniClusterConfiguration.Builder()
                  .setNumTaskManagers(1)
                  .setNumSlotsPerTaskManager(2)
                  .withRandomPorts()
                  .build());
      cluster.start();
    }
    return cluster;
  }

  URI rest() throws Exception {
    return cluster().getRestAddress().get(30, SECONDS);
  }

  /** Sends a promo of restaurant r that is live. */
  static void send(String campaign) throws Exception {
    byte[] promo =
        PromoJson.good()
            .with("restaurant_id", "\"r\"")
            .with("adv_campaign_id", "\"" + campaign + "\"")
            .bytes();
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", SecuredSite.get().backDoor().bootstrapServers()),
            new ByteArraySerializer(),
            new ByteArraySerializer())) {
      producer.send(new ProducerRecord<>(SecuredSite.PROMOS, promo)).get(30, SECONDS);
    }
  }

  static void subscribe(String client) throws Exception {
    SecuredSite.get()
        .execute(
            SecuredSite.SUBSCRIBERS,
            "INSERT INTO subscribers_restaurants (client_id, restaurant_id) VALUES ('%s', 'r')"
                .formatted(client));
  }

  /** Who has a campaign's message and, in the same number, its row. */
  static List<String> receivers(String campaign) throws Exception {
    SecuredSite site = SecuredSite.get();
    Database feedback =
        new Database(
            site.database().url(SecuredSite.FEEDBACK),
            EmbeddedDatabase.SUPERUSER,
            new Secret(EmbeddedDatabase.SUPERUSER, null));
    try (FeedbackRows rows =
            new FeedbackRows(feedback, TableName.parse("public.subscribers_feedback"));
        Notifications notifications =
            new Notifications(site.backDoor().bootstrapServers(), SecuredSite.NOTIFICATIONS)) {
      List<String> rowsOf = clients(rows.read(), campaign);
      List<String> messagesOf = clients(notifications.read(), campaign);
      return rowsOf.equals(messagesOf)
          ? rowsOf
          : List.of("rows " + rowsOf, "messages " + messagesOf);
    }
  }

  private static List<String> clients(List<Delivery> deliveries, String campaign) {
    return deliveries.stream()
        .filter(delivery -> delivery.promo().campaignId().equals(campaign))
        .map(Delivery::clientId)
        .sorted()
        .toList();
  }

  static void awaitReceivers(String campaign, String... clients) throws Exception {
    List<String> expected = List.of(clients);
    Waiting.until(campaign + " to reach " + expected, () -> receivers(campaign).equals(expected));
  }

  /** Cancels the job; the path of its last checkpoint. */
  String cancel() throws Exception {
    close();
    return cluster()
        .getExecutionGraph(graph.getJobID())
        .get(30, SECONDS)
        .getCheckpointStatsSnapshot()
        .getHistory()
        .getLatestCompletedCheckpoint()
        .getExternalPath();
  }

  @Override
  public void close() throws Exception {
    if (!cluster().getJobStatus(graph.getJobID()).get(30, SECONDS).isGloballyTerminalState()) {
      cluster().cancelJob(graph.getJobID()).get(30, SECONDS);
      Waiting.until(
          "the job's end",
          () -> cluster().getJobStatus(graph.getJobID()).get() == JobStatus.CANCELED);
    }
  }
}
