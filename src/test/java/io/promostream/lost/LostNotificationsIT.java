package io.promostream.lost;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.config.JobConfig;
import io.promostream.local.Delivery;
import io.promostream.local.EmbeddedDatabase;
import io.promostream.local.FeedbackRows;
import io.promostream.local.Notifications;
import io.promostream.notification.NotificationTemplate;
import io.promostream.promo.Promo;
import io.promostream.testing.TestBroker;
import io.promostream.testing.TestDatabase;
import io.promostream.testing.Waiting;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What has a row and no notification is found, and sent once, and nothing else is. */
class LostNotificationsIT {

  private static final AtomicInteger COUNT = new AtomicInteger();
  private final long now = Instant.now().getEpochSecond();

  private final String topic = "lost-" + COUNT.incrementAndGet();
  private final TestDatabase database = TestDatabase.create().withFeedbackTable();
  private final ByteArrayOutputStream printed = new ByteArrayOutputStream();

  @BeforeEach
  void createTopic() throws Exception {
    TestBroker.get().createTopic(topic, 2);
  }

  private JobConfig config(String... more) {
    List<String> args =
        new ArrayList<>(
            List.of(
                "--kafka.bootstrap-servers=" + TestBroker.get().bootstrapServers(),
                "--notifications.topic=" + topic,
                "--subscribers.db.url=" + database.url(),
                "--subscribers.db.user=nobody",
                "--feedback.db.url=" + database.url(),
                "--feedback.db.user=" + EmbeddedDatabase.SUPERUSER,
                "--transaction-prefix=" + topic));
    args.addAll(List.of(more));
    return JobConfig.load(
        args.toArray(String[]::new),
        Map.of("PROMO_STREAM_FEEDBACK_DB_PASSWORD", EmbeddedDatabase.SUPERUSER));
  }

  private Promo promo(String campaign) {
    return new Promo("r", campaign, "10 % \"off\"", "o", "o@x", now - 100, now + 1000, 5);
  }

  private void row(String campaign, String client, long matchedAt) {
    Promo promo = promo(campaign);
    database.execute(
        """
        INSERT INTO subscribers_feedback (restaurant_id, adv_campaign_id, adv_campaign_content,
            adv_campaign_owner, adv_campaign_owner_contact, adv_campaign_datetime_start,
            adv_campaign_datetime_end, datetime_created, client_id, trigger_datetime_created)
        VALUES ('%s', '%s', '%s', '%s', '%s', %d, %d, %d, '%s', %d)"""
            .formatted(
                promo.restaurantId(),
                campaign,
                promo.content(),
                promo.owner(),
                promo.ownerContact(),
                promo.start(),
                promo.end(),
                promo.created(),
                client,
                matchedAt));
  }

  /** A transaction as the job's sink has it, open. */
  private KafkaProducer<byte[], byte[]> transaction(String campaign, String... clients) {
    KafkaProducer<byte[], byte[]> producer =
        TestBroker.transaction(topic + "/notifications-0-" + COUNT.incrementAndGet());
    for (String client : clients) {
      var message = new NotificationTemplate(promo(campaign), now).to(client.getBytes(UTF_8), true);
      var unused = producer.send(new ProducerRecord<>(topic, message.key(), message.value()));
    }
    producer.flush();
    return producer;
  }

  private void committed(String campaign, String... clients) {
    try (var producer = transaction(campaign, clients)) {
      producer.commitTransaction();
    }
  }

  private void aborted(String campaign, String... clients) {
    try (var producer = transaction(campaign, clients)) {
      producer.abortTransaction();
    }
  }

  private int run(boolean send) throws Exception {
    Window window = new Window(Instant.ofEpochSecond(now), Instant.ofEpochSecond(now + 60));
    printed.reset();
    return LostNotifications.run(config(), window, send, new PrintStream(printed, true, UTF_8));
  }

  private String printed() {
    return printed.toString(UTF_8);
  }

  private List<Delivery> notifications() {
    try (Notifications notifications =
        new Notifications(TestBroker.get().bootstrapServers(), topic)) {
      return notifications.read();
    }
  }

  private List<Delivery> rows() throws Exception {
    JobConfig.Feedback feedback = config().feedback();
    try (FeedbackRows rows = new FeedbackRows(feedback.database(), feedback.table())) {
      return rows.read();
    }
  }

  @Test
  void whatIsLostIsSaidThenSentThenNotLostAnyMore() throws Exception {
    for (String client : List.of("a", "b", "c", "Zoë \"the\" cook")) {
      row("k", client, now);
    }
    row("other", "a", now + 60);
    committed("k", "a");
    aborted("k", "b", "c");

    assertThat(run(false)).isEqualTo(1);
    assertThat(printed())
        .contains("5 feedback rows", "4 lost, 0 of them of campaigns that have ended")
        .containsPattern(" 3 of k of restaurant r")
        .containsPattern(" 1 of other of restaurant r")
        .contains("Nothing was sent");
    assertThat(notifications()).hasSize(1);

    assertThat(run(true)).as(printed()).isZero();
    assertThat(printed()).contains("4 sent");
    assertThat(notifications()).containsExactlyInAnyOrderElementsOf(rows());

    for (boolean send : List.of(true, false)) {
      assertThat(run(send)).isZero();
      assertThat(printed()).contains("0 lost");
    }
    assertThat(notifications()).hasSize(5);
  }

  @Test
  void aRowThatStandsTwiceIsSentOnce() throws Exception {
    row("k", "a", now);
    row("k", "a", now + 1);
    assertThat(run(true)).isZero();
    assertThat(notifications()).hasSize(1);
  }

  @Test
  void whatIsOutsideTheWindowIsLeftAlone() throws Exception {
    row("k", "before", now - 1);
    row("k", "after", now + 61);
    assertThat(run(true)).isZero();
    assertThat(notifications()).isEmpty();
  }

  /** Or else it would be sent before the job commits it. */
  @Test
  void aTransactionThatIsOpenIsWaitedFor() throws Exception {
    row("k", "committed later", now);
    row("k", "aborted later", now);
    try (var one = transaction("k", "committed later");
        var other = transaction("k", "aborted later")) {
      CompletableFuture<Integer> run =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  return run(true);
                } catch (Exception e) {
                  throw new IllegalStateException(e);
                }
              });
      Waiting.until("the word", () -> printed().contains("waiting for the transactions"));
      assertThat(run).isNotDone();
      one.commitTransaction();
      other.abortTransaction();
      assertThat(run.get()).isZero();
    }
    assertThat(printed()).contains("1 lost", "1 sent");
    assertThat(notifications()).containsExactlyInAnyOrderElementsOf(rows());
  }

  @Test
  void whatTheTopicNoLongerHoldsIsNotTakenForLost() throws Exception {
    row("k", "a", now);
    committed("k", "a");
    try (Admin admin = TestBroker.get().admin()) {
      for (int partition = 0; partition < 2; partition++) {
        admin
            .deleteRecords(
                Map.of(new TopicPartition(topic, partition), RecordsToDelete.beforeOffset(-1)))
            .all()
            .get();
      }
    }
    assertThat(run(true)).isEqualTo(1);
    assertThat(printed()).contains("no longer holds", "Choose a later window");
    assertThat(notifications()).isEmpty();
  }

  @Test
  void atLeastOnceIsRefused() throws Exception {
    Window window = new Window(Instant.ofEpochSecond(now), Instant.ofEpochSecond(now));
    assertThat(
            LostNotifications.run(
                config("--delivery.guarantee=at-least-once"),
                window,
                true,
                new PrintStream(printed, true, UTF_8)))
        .isEqualTo(1);
  }
}
