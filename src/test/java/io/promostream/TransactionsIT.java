package io.promostream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.promostream.local.Delivery;
import io.promostream.local.EmbeddedDatabase;
import io.promostream.lost.LostNotifications;
import io.promostream.lost.Window;
import io.promostream.notification.NotificationTemplate;
import io.promostream.promo.Promo;
import io.promostream.testing.PromoJson;
import io.promostream.testing.TestBroker;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Transactions that others have open, or have ended, under the names of this job or near them: each
 * is left alone, ended or complained about.
 */
class TransactionsIT {

  @TempDir Path checkpoints;

  private static byte[] promo(String campaign) {
    return PromoJson.good()
        .with("restaurant_id", "\"r\"")
        .with("adv_campaign_id", "\"" + campaign + "\"")
        .bytes();
  }

  private static List<String> campaigns(List<Delivery> deliveries) {
    return deliveries.stream().map(d -> d.promo().campaignId()).toList();
  }

  // --- two jobs

  @Test
  void aSecondJobOnThePrefixIsKeptOutAndTheFirstGoesOnUnharmed() throws Exception {
    try (TestJob first = new TestJob(checkpoints);
        TestJob second =
            new TestJob(
                checkpoints,
                "--transaction-prefix=" + first.prefix,
                "--promos.topic=" + first.promosTopic,
                "--notifications.topic=" + first.notificationsTopic,
                "--rejected.topic=" + first.rejectedTopic,
                "--feedback.db.url=" + first.feedback.url())) {
      first.subscribe("a", "r");
      first.start(2);
      first.send(promo("0"));
      first.awaitDeliveries(1);

      second.start(2);
      int sent = 1;
      while (!second.failure().contains("is in use")) {
        first.send(promo("" + sent++));
        Thread.sleep(20);
      }
      assertThat(second.failure())
          .contains("transaction-prefix " + first.prefix + " is in use", "prefix of its own");
      assertThat(second.completedCheckpoints()).isZero();
      second.cancelWithoutCheckpoint();

      first.awaitDeliveries(sent);
      first.awaitCheckpoints();
      assertThat(first.restarts()).as("restarts of the first").isZero();
      assertThat(campaigns(first.rows())).hasSize(sent).doesNotHaveDuplicates();
      assertThat(first.notifications()).containsExactlyInAnyOrderElementsOf(first.rows());
    }
  }

  @Test
  void aFreshStartEndsWhatAnEarlierRunOfItsPrefixLeftAndNobodyElses() throws Exception {
    try (TestJob job = new TestJob(checkpoints);
        KafkaProducer<byte[], byte[]> earlier = transaction(job, job.prefix, "earlier");
        KafkaProducer<byte[], byte[]> longer = transaction(job, job.prefix + "-2", "longer");
        KafkaProducer<byte[], byte[]> beside = transaction(job, "another", "beside")) {
      String mine = job.prefix + "/0/7/0123456789abcdef/1";
      List<String> others =
          List.of(job.prefix + "-2/0/7/0123456789abcdef/1", "another application's");
      prepare(job, mine);
      others.forEach(gid -> prepare(job, gid));

      job.subscribe("a", "r");
      job.start(2);
      job.send(promo("c"));
      TestJob.await("a row", () -> !job.rows().isEmpty());

      assertThatThrownBy(earlier::commitTransaction).isInstanceOf(ProducerFencedException.class);
      longer.commitTransaction();
      beside.commitTransaction();
      job.awaitDeliveries(1);
      TestJob.await("three notifications", () -> job.notifications().size() >= 3);
      assertThat(campaigns(job.notifications())).containsExactlyInAnyOrder("c", "longer", "beside");

      job.cancel();
      assertThat(job.leftovers()).containsExactlyInAnyOrderElementsOf(others);
      others.forEach(gid -> job.feedback.execute("ROLLBACK PREPARED '%s'".formatted(quoted(gid))));
    }
  }

  /** A transaction of one notification, by the id that a sink's first subtask would take. */
  private static KafkaProducer<byte[], byte[]> transaction(
      TestJob job, String prefix, String campaign) {
    KafkaProducer<byte[], byte[]> producer = TestBroker.transaction(prefix + "/notifications-0-0");
    var notification =
        new NotificationTemplate(new Promo("r", campaign, "", "", "", 1, 2, 1), 1)
            .to("a".getBytes(UTF_8), true);
    var unused =
        producer.send(
            new ProducerRecord<>(job.notificationsTopic, notification.key(), notification.value()));
    producer.flush();
    return producer;
  }

  private static void prepare(TestJob job, String gid) {
    job.feedback.execute(
        "BEGIN; SELECT pg_current_xact_id(); PREPARE TRANSACTION '%s'".formatted(quoted(gid)));
  }

  private static String quoted(String gid) {
    return gid.replace("'", "''");
  }

  // --- a savepoint whose transactions others have ended, or may not be touched

  /** A savepoint with one promo in a transaction that is prepared, for good, on either side. */
  private static String savepointWithPreparedRow(TestJob job) throws Exception {
    Configuration rarely =
        new Configuration().set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofHours(1));
    job.subscribe("a", "r");
    job.start(2, null, rarely);
    TestJob.await("the job to run", () -> job.status() == JobStatus.RUNNING && job.runs());
    job.checkpoint();
    job.send(promo("c"));
    // A savepoint prepares what has come, and leaves the commit to the next checkpoint.
    String savepoint = job.savepoint();
    while (gids(job).isEmpty()) {
      savepoint = job.savepoint();
    }
    job.cancel();
    assertThat(job.rows()).isEmpty();
    return savepoint;
  }

  private static List<String> gids(TestJob job) {
    return job.feedback.query(
        "SELECT gid FROM pg_prepared_xacts WHERE database = current_database()");
  }

  @Test
  void aSavepointWhoseFeedbackTransactionWasRolledBackEndsTheJobUnlessToldToGoOn()
      throws Exception {
    try (TestJob job = new TestJob(checkpoints)) {
      String savepoint = savepointWithPreparedRow(job);
      gids(job).forEach(gid -> job.feedback.execute("ROLLBACK PREPARED '" + gid + "'"));

      job.start(2, savepoint, new Configuration());
      TestJob.await("the job to fail", () -> job.status() == JobStatus.FAILED);
      assertThat(job.failure())
          .contains("with 1 rows is lost")
          .contains("feedback.on-lost-transaction: continue");
      assertThat(job.restarts()).isZero();

      job.change("--feedback.on-lost-transaction=continue");
      job.start(2, savepoint, new Configuration());
      job.send(promo("d"));
      TestJob.await("d", () -> !job.rows().isEmpty());
      job.awaitCheckpoints();
      assertThat(campaigns(job.rows())).containsExactly("d");
      // Kafka's transaction of the savepoint was committed by the start that failed, or by this.
      TestJob.await("notifications", () -> job.notifications().size() >= 2);
      assertThat(campaigns(job.notifications())).containsExactlyInAnyOrder("c", "d");
      assertThat(job.restarts()).isZero();
    }
  }

  @Test
  void anotherRoleIsToldWhoseTransactionItIsAndHarmsNothing() throws Exception {
    try (TestJob job = new TestJob(checkpoints)) {
      String savepoint = savepointWithPreparedRow(job);
      String role = "other_" + job.feedback.name();
      job.feedback.execute(
          "CREATE ROLE %s LOGIN PASSWORD '%s'; GRANT INSERT ON subscribers_feedback TO %s"
              .formatted(role, EmbeddedDatabase.SUPERUSER, role));

      job.change("--feedback.db.user=" + role);
      job.start(2, savepoint, new Configuration());
      TestJob.await("a failure", () -> job.failure().contains("by the role that prepared it"));
      assertThat(job.failure()).contains("set feedback.db.user back");
      job.cancelWithoutCheckpoint();
      assertThat(gids(job)).hasSize(1);

      job.change("--feedback.db.user=" + EmbeddedDatabase.SUPERUSER);
      job.start(2, savepoint, new Configuration());
      job.awaitDeliveries(1);
      job.awaitCheckpoints();
      assertThat(campaigns(job.rows())).containsExactly("c");
      assertThat(campaigns(job.notifications())).containsExactly("c");
    }
  }

  /** The connector alone would go on and leave it at a warning. */
  @Test
  void aSavepointWhoseKafkaTransactionTimedOutIsGoneOnWith() throws Exception {
    try (TestJob job = new TestJob(checkpoints, "--kafka.properties.transaction.timeout.ms=5000")) {
      String savepoint = savepointWithPreparedRow(job);
      TestJob.await("the timeout", () -> job.leftovers().size() == 1);

      job.start(2, savepoint, new Configuration());
      job.send(promo("d"));
      TestJob.await("rows", () -> job.rows().size() >= 2);
      TestJob.await("a notification", () -> !job.notifications().isEmpty());
      job.awaitCheckpoints();
      assertThat(campaigns(job.rows())).containsExactlyInAnyOrder("c", "d");
      assertThat(campaigns(job.notifications())).containsExactly("d");

      // What is lost is sent again, while the job runs.
      Window always = Window.parse("2000-01-01T00:00:00Z/2100-01-01T00:00:00Z");
      assertThat(LostNotifications.run(job.config(), always, true, System.out)).isZero();
      assertThat(job.notifications()).containsExactlyInAnyOrderElementsOf(job.rows());
      assertThat(job.restarts()).isZero();
    }
  }
}
