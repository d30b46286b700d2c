package io.promostream;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.config.JobConfig;
import io.promostream.config.JobConfig.StartFrom;
import io.promostream.kafka.KafkaClients;
import io.promostream.local.Delivery;
import io.promostream.promo.RawPromo;
import io.promostream.testing.PromoJson;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The offsets of the promos in the state and in the consumer group, on a real broker. */
@SuppressWarnings("deprecation") // OffsetResetStrategy: the connector has no other API yet
class PromosSourceIT {

  private static final Configuration DEFAULTS = new Configuration();

  @TempDir Path checkpoints;

  private TestJob job(String... settings) throws Exception {
    TestJob job = new TestJob(checkpoints, settings);
    job.change("--promos.group-id=" + job.prefix);
    job.subscribe("a", "r");
    return job;
  }

  private static void publish(TestJob job, int partition, String campaign) {
    byte[] promo =
        PromoJson.good()
            .with("restaurant_id", "\"r\"")
            .with("adv_campaign_id", "\"" + campaign + "\"")
            .bytes();
    job.send(new ProducerRecord<>(job.promosTopic, partition, null, promo));
  }

  private static void assertDelivered(TestJob job, String... expected) throws Exception {
    job.awaitDeliveries(expected.length);
    job.awaitCheckpoints();
    List<Delivery> rows = job.rows();
    assertThat(rows)
        .extracting(row -> row.promo().campaignId() + " " + row.clientId())
        .containsExactlyInAnyOrder(expected);
    assertThat(job.notifications()).containsExactlyInAnyOrderElementsOf(rows);
  }

  @ParameterizedTest
  @EnumSource
  void rereadsPromosOfQuietPartitionSentAfterSavepoint(StartFrom startFrom) throws Exception {
    try (TestJob job = job("--promos.start-from=" + startFrom.name().toLowerCase(Locale.ROOT))) {
      job.start(2);
      job.awaitCheckpoints();
      String savepoint = job.savepoint();
      publish(job, 1, "c");
      assertDelivered(job, "c a");
      job.stopWithSavepoint();
      job.setCommittedOffset(1, 1);

      job.subscribe("b", "r");
      job.start(2, savepoint, DEFAULTS);
      // The savepoint is older than the first delivery, so the job repeats it.
      assertDelivered(job, "c a", "c a", "c b");
    }
  }

  @Test
  void keepsStartingOffsetsWhenGroupLosesItsOffsets() throws Exception {
    try (TestJob job = job()) {
      publish(job, 0, "c");
      job.start(2);
      assertDelivered(job, "c a");
      job.stopWithSavepoint();
      job.setCommittedOffset(0, 1);
      // This job starts without state at the group's offsets, and never reads a promo.
      job.start(2);
      job.awaitCheckpoints();
      String savepoint = job.stopWithSavepoint();

      job.deleteCommittedOffsets();
      job.start(2, savepoint, DEFAULTS);
      publish(job, 1, "d");
      assertDelivered(job, "c a", "d a");
    }
  }

  @Test
  void readsAddedPartitionFromItsBeginning() throws Exception {
    try (TestJob job =
        job(
            "--promos.start-from=latest",
            "--kafka.properties.partition.discovery.interval.ms=300")) {
      job.start(2);
      job.awaitCheckpoints();
      job.addPromosPartition();
      job.awaitCommittedOffsets(Map.of(0, 0L, 1, 0L, 2, 0L, 3, 0L));
      String savepoint = job.savepoint();
      publish(job, 3, "c");
      assertDelivered(job, "c a");
      job.stopWithSavepoint();
      job.setCommittedOffset(3, 1);

      job.start(2, savepoint, DEFAULTS);
      assertDelivered(job, "c a", "c a");
    }
  }

  /**
   * For a partition without promos, savepoints of releases up to 0.1.0 refer to the group's offset
   * instead of holding one. After one restore the state must hold an offset.
   */
  @Test
  void replacesGroupOffsetsInSavepointOfEarlierRelease() throws Exception {
    try (TestJob job = job()) {
      job.replaceConnectors(
          real ->
              new Connectors(
                  sourceOfEarlierReleases(job.config()),
                  real.subscribers(),
                  real.control(),
                  real.notifications(),
                  real.rejected(),
                  real.feedback(),
                  real.reports(),
                  real.limits(),
                  real.storageRules()));
      job.start(2);
      job.awaitCheckpoints();
      String earlier = job.stopWithSavepoint();

      job.replaceConnectors(real -> real);
      job.start(2, earlier, DEFAULTS);
      job.awaitCheckpoints();
      String savepoint = job.savepoint();
      publish(job, 1, "c");
      assertDelivered(job, "c a");
      job.stopWithSavepoint();
      job.setCommittedOffset(1, 1);

      job.start(2, savepoint, DEFAULTS);
      assertDelivered(job, "c a", "c a");
    }
  }

  private static KafkaSource<RawPromo> sourceOfEarlierReleases(JobConfig config) {
    return KafkaSource.<RawPromo>builder()
        .setProperties(KafkaClients.properties(config.kafka()))
        .setTopics(config.promos().topic())
        .setGroupId(config.promos().groupId())
        .setStartingOffsets(OffsetsInitializer.committedOffsets(OffsetResetStrategy.EARLIEST))
        .setDeserializer(new RawPromo.Deserializer())
        .build();
  }

  @Test
  void commitsOffsetsWhenStoppedWithSavepoint() throws Exception {
    try (TestJob job = job()) {
      String savepoint = null;
      for (int promos = 1; promos <= 4; promos++) {
        job.start(2, savepoint, DEFAULTS);
        for (int partition = 0; partition < 3; partition++) {
          publish(job, partition, partition + "-" + promos);
        }
        job.awaitDeliveries(3 * promos);
        savepoint = job.stopWithSavepoint();
        long read = promos;
        assertThat(job.committedOffsets()).isEqualTo(Map.of(0, read, 1, read, 2, read));
      }
    }
  }

  @Test
  void commitsOffsetsOfEachCheckpointOnQuietTopic() throws Exception {
    try (TestJob job = job()) {
      job.start(2);
      for (int promos = 1; promos <= 3; promos++) {
        publish(job, 1, "c" + promos);
        job.awaitDeliveries(promos);
        long delivered = System.nanoTime();
        Long read = (long) promos;
        TestJob.await("the commit", () -> read.equals(job.committedOffsets().get(1)));
        assertThat(Duration.ofNanos(System.nanoTime() - delivered))
            .as("from the commit of the sinks to that of the offsets; a checkpoint each 300 ms")
            .isLessThan(Duration.ofSeconds(3));
      }
    }
  }

  /** Simulates a restore from an earlier savepoint than the last. */
  @Test
  void commitsRestoredOffsets() throws Exception {
    try (TestJob job = job()) {
      job.start(2);
      job.awaitCheckpoints();
      String savepoint = job.savepoint();
      job.setCommittedOffset(1, 17);
      job.awaitCommittedOffsets(Map.of(0, 0L, 1, 0L, 2, 0L));
      job.stopWithSavepoint();
      job.setCommittedOffset(1, 17);
      job.start(2, savepoint, DEFAULTS);
      job.awaitCheckpoints();
      job.stopWithSavepoint();
      assertThat(job.committedOffsets()).isEqualTo(Map.of(0, 0L, 1, 0L, 2, 0L));
    }
  }
}
