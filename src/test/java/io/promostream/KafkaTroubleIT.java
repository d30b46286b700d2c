package io.promostream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.config.JobConfig.OnLostTransaction;
import io.promostream.delivery.DeliveryBatch;
import io.promostream.local.Delivery;
import io.promostream.replay.Replayer;
import io.promostream.replay.Target;
import io.promostream.serialization.ValueSerializer;
import io.promostream.testing.PromoJson;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptionsInternal;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.streaming.api.lineage.LineageDataset;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Messages that Kafka refuses and transactions that it aborts. The promos of another restaurant
 * must be unaffected.
 */
class KafkaTroubleIT {

  @TempDir Path checkpoints;

  private static byte[] promo(String restaurant, String campaign, int contentBytes) {
    return PromoJson.good()
        .with("restaurant_id", "\"" + restaurant + "\"")
        .with("adv_campaign_id", "\"" + campaign + "\"")
        .with("adv_campaign_content", "\"" + "x".repeat(contentBytes) + "\"")
        .bytes();
  }

  private static List<String> delivered(List<Delivery> deliveries) {
    return deliveries.stream()
        .map(d -> d.promo().campaignId() + " " + d.clientId())
        .sorted()
        .toList();
  }

  private static List<String> keys(List<ConsumerRecord<byte[], byte[]>> messages) {
    return messages.stream().map(message -> new String(message.key(), UTF_8)).toList();
  }

  /** Compressed, the large notifications of these tests would be small. */
  private static final String UNCOMPRESSED = "--kafka.properties.compression.type=none";

  private static String header(ConsumerRecord<byte[], byte[]> message, String name) {
    return new String(message.headers().lastHeader(name).value(), UTF_8);
  }

  /**
   * The connector's sink fails once, and learns the limit at its restart. Its writer may fail again
   * on close, which Flink treats as fatal by ending the TaskManager.
   */
  @ParameterizedTest
  @CsvSource({"exactly-once, 0", "at-least-once, 2"})
  void refusedNotificationDoesNotBlockOthers(String guarantee, int mostRestarts) throws Exception {
    boolean once = guarantee.equals("exactly-once");
    try (MiniCluster cluster = TestJob.cluster(3);
        TestJob job = new TestJob(checkpoints, "--delivery.guarantee=" + guarantee, UNCOMPRESSED)) {
      job.runOn(cluster);
      job.subscribe("a", "large");
      job.subscribe("o", "other");
      job.start(2);
      job.send(promo("large", "c", 300_000));
      job.awaitDeliveries(1);
      job.awaitCheckpoints();

      job.limit(job.notificationsTopic, 100_000);
      job.subscribe("b", "large");
      job.subscribe("c", "large");
      for (int i = 0; i < 10; i++) {
        job.send(promo("other", "o" + i, 10));
      }
      TestJob.await("the others", () -> Set.copyOf(job.notifications()).size() >= 11);
      TestJob.await("all rows", () -> Set.copyOf(job.rows()).size() >= 13);
      TestJob.await("the rejects", () -> keys(job.rejected()).containsAll(List.of("b", "c")));
      job.awaitCheckpoints();
      assertThat(job.restarts()).isLessThanOrEqualTo(mostRestarts);
      assertThat(delivered(job.notifications()).stream().distinct())
          .contains("c a", "o0 o", "o9 o")
          .hasSize(11);
      if (once) {
        assertThat(job.notifications()).hasSize(11);
        assertThat(job.rows()).hasSize(13);
        assertThat(job.rejected()).hasSize(2);
      }
      assertThat(keys(job.rejected())).containsOnly("b", "c");
      assertThat(job.rejected())
          .allSatisfy(
              message -> {
                assertThat(header(message, "reject.reason")).isEqualTo("notification-refused");
                assertThat(header(message, "reject.topic")).isEqualTo(job.notificationsTopic);
                assertThat(message.value()).hasSizeGreaterThan(300_000);
              });

      // While the topic has this limit, the parser rejects such promos.
      job.limit(job.notificationsTopic, 1_000_000);
      Thread.sleep(10_100);
      job.send(promo("large", "d", 200_000));
      TestJob.await(
          "the larger limit",
          () -> delivered(job.notifications()).containsAll(List.of("d a", "d b", "d c")));
      assertThat(keys(job.rejected())).containsOnly("b", "c");
    }
  }

  @ParameterizedTest
  @CsvSource({"exactly-once", "at-least-once"})
  void writesRejectedPromosToCompactedTopic(String guarantee) throws Exception {
    try (TestJob job = new TestJob(checkpoints, "--delivery.guarantee=" + guarantee)) {
      job.compact(job.rejectedTopic);
      job.subscribe("a", "r");
      job.start(2);
      job.send(new ProducerRecord<>(job.promosTopic, 1, null, "no promo".getBytes(UTF_8)));
      job.send(promo("r", "c", 10));
      job.awaitDeliveries(1);
      TestJob.await("the reject", () -> !job.rejected().isEmpty());
      assertThat(job.rejected())
          .singleElement()
          .satisfies(
              message -> {
                assertThat(new String(message.key(), UTF_8))
                    .isEqualTo("/" + job.promosTopic + "/1/0");
                assertThat(new String(message.value(), UTF_8)).isEqualTo("no promo");
              });
      assertThat(job.restarts()).isZero();
    }
  }

  /** Blocks all writes until it is open. */
  private record Gate(Target<DeliveryBatch> real) implements Target<DeliveryBatch> {

    static final AtomicBoolean OPEN = new AtomicBoolean();

    @Override
    public ValueSerializer<DeliveryBatch> serializer() {
      return real.serializer();
    }

    @Override
    public int records(DeliveryBatch element) {
      return real.records(element);
    }

    @Override
    public int maxRecords() {
      return real.maxRecords();
    }

    @Override
    public long expandedBytes(DeliveryBatch element) {
      return real.expandedBytes(element);
    }

    @Override
    public OnLostTransaction onLostCommits() {
      return real.onLostCommits();
    }

    @Override
    public LineageDataset dataset() {
      return real.dataset();
    }

    @Override
    @SuppressWarnings("unchecked")
    public Replayer<DeliveryBatch> open(MetricGroup metrics)
        throws IOException, InterruptedException {
      Replayer<DeliveryBatch> replayer = real.open(metrics);
      return (Replayer<DeliveryBatch>)
          Proxy.newProxyInstance(
              Gate.class.getClassLoader(),
              new Class<?>[] {Replayer.class},
              (proxy, method, args) -> {
                if (method.getName().equals("commit") && !OPEN.get()) {
                  throw new IOException("not yet");
                }
                try {
                  return method.invoke(replayer, args);
                } catch (InvocationTargetException e) {
                  throw e.getCause();
                }
              });
    }
  }

  /**
   * Between a checkpoint and its commit, the job is down for longer than Kafka's transaction
   * timeout. Two-phase commit lost these notifications.
   */
  @ParameterizedTest
  @CsvSource({"true", "false"})
  void resumesAfterKafkaTransactionTimeout(boolean savepoint) throws Exception {
    try (TestJob job = new TestJob(checkpoints, "--kafka.properties.transaction.timeout.ms=2000")) {
      job.subscribers.execute(
          "INSERT INTO subscribers_restaurants (client_id, restaurant_id)"
              + " SELECT 'c' || n, 'r' FROM generate_series(1, 100) AS n");
      Gate.OPEN.set(false);
      job.replaceConnectors(
          real ->
              new Connectors(
                  real.promos(),
                  real.subscribers(),
                  real.control(),
                  new Outlet<>(
                      new Gate(real.notifications().target()),
                      real.notifications().earlier(),
                      real.notifications().atLeastOnce()),
                  real.rejected(),
                  real.feedback(),
                  real.reports(),
                  real.limits(),
                  real.storageRules()));
      job.start(2);
      job.send(promo("r", "c", 10));
      TestJob.await("the rows", () -> job.rows().size() >= 100);
      job.awaitCheckpoints();
      String path = savepoint ? job.savepoint() : null;
      String checkpoint = job.cancel();
      assertThat(job.notifications()).isEmpty();
      Thread.sleep(5_000);

      Gate.OPEN.set(true);
      job.start(1, savepoint ? path : checkpoint, new Configuration());
      job.awaitDeliveries(100);
      job.awaitCheckpoints();
      assertThat(job.notifications()).hasSize(100).doesNotHaveDuplicates();
      assertThat(job.rows()).containsExactlyInAnyOrderElementsOf(job.notifications());
    }
  }

  /**
   * Two application clusters may give their jobs one id. They share only prefix and brokers here.
   */
  @Test
  void refusesSecondJobThatSharesOnlyTheBrokers() throws Exception {
    try (MiniCluster otherCluster = TestJob.cluster(1);
        TestJob first = new TestJob(checkpoints);
        TestJob second = new TestJob(checkpoints)) {
      Configuration id = new Configuration();
      id.set(PipelineOptionsInternal.PIPELINE_FIXED_JOB_ID, new JobID().toHexString());
      first.subscribe("a", "r");
      first.start(1, null, id);
      first.send(promo("r", "c", 10));
      first.awaitDeliveries(1);
      second.change(
          "--transaction-prefix=" + first.prefix,
          "--notifications.topic=" + first.notificationsTopic);
      second.runOn(otherCluster);
      second.start(1, null, id);
      assertThat(second.id()).isEqualTo(first.id());
      TestJob.await(
          "the refusal",
          () ->
              second.failure().contains("transaction-prefix is in use: the lease " + first.prefix));
      first.send(promo("r", "d", 10));
      first.awaitDeliveries(2);
      assertThat(first.restarts()).isZero();
      assertThat(delivered(first.notifications())).containsExactly("c a", "d a");

      first.stopWithSavepoint();
      second.subscribe("b", "r");
      second.send(promo("r", "e", 10));
      TestJob.await("the second's turn", () -> second.rows().size() >= 1);
    }
  }
}
