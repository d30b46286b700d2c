package io.promostream;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.Saboteur.Act;
import io.promostream.drills.Expectation;
import io.promostream.drills.Journal;
import io.promostream.drills.SinkAudit;
import io.promostream.local.Delivery;
import io.promostream.promo.Promo;
import io.promostream.testing.PromoJson;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.configuration.Configuration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The audit of the drills reports each kind of problem, and no false ones. */
class AuditIT {

  private static final int CLIENTS = 20;
  private static final int MANY = 10_000;

  @TempDir Path checkpoints;
  private final Journal journal = new Journal();
  private TestJob job;
  private int campaigns;

  @BeforeEach
  void setUp() throws Exception {
    job = new TestJob(checkpoints);
    for (int client = 0; client < CLIENTS; client++) {
      journal.note(new Journal.Subscribed(System.currentTimeMillis(), "r", "client-" + client));
      job.subscribe("client-" + client, "r");
    }
  }

  @AfterEach
  void tearDown() {
    Saboteur.cancelOrders(Act.DECLINE_CHECKPOINT);
    job.close();
  }

  private void publish() {
    String campaign = "" + campaigns++;
    journal.note(
        new Journal.Published(
            System.currentTimeMillis(),
            new Promo(
                "r",
                campaign,
                "content",
                "owner",
                "contact",
                1_000_000_000,
                9_999_999_999L,
                1_000_000_000)));
    job.send(
        PromoJson.good()
            .with("restaurant_id", "\"r\"")
            .with("adv_campaign_id", "\"" + campaign + "\"")
            .bytes());
  }

  private SinkAudit audit(String sink, List<Delivery> delivered) {
    Map<Delivery, Long> writtenAt = new HashMap<>();
    delivered.forEach(one -> writtenAt.put(one, one.matchedAt() * 1000));
    return SinkAudit.of(
        sink,
        new Expectation(journal.events(), writtenAt, System.currentTimeMillis() / 1000),
        delivered);
  }

  /**
   * Declines all further checkpoints, publishes a campaign, and fails the job, so that it restarts
   * from a checkpoint before the campaign.
   *
   * @param delivered whether to wait for the delivery of the campaign before the failure
   */
  private void sabotage(boolean delivered) throws Exception {
    job.awaitCheckpoints();
    Saboteur.order(Act.DECLINE_CHECKPOINT, MANY);
    TestJob.await("decline", () -> Saboteur.outstanding(Act.DECLINE_CHECKPOINT) < MANY);
    publish();
    int before = Saboteur.outstanding(Act.DECLINE_CHECKPOINT);
    TestJob.await(
        "the campaign",
        () ->
            delivered
                ? job.rows().size() == campaigns * CLIENTS
                : Saboteur.outstanding(Act.DECLINE_CHECKPOINT) < before - 2);
    Saboteur.order(Act.FAIL_AT_RANDOM, 1);
    TestJob.await("failure", () -> Saboteur.outstanding(Act.FAIL_AT_RANDOM) == 0);
    Saboteur.cancelOrders(Act.DECLINE_CHECKPOINT);
    job.awaitDeliveries(campaigns * CLIENTS);
    job.awaitCheckpoints();
  }

  @Test
  void reportsDuplicatesUnderAtLeastOnce() throws Exception {
    job.change("--delivery.guarantee=at-least-once");
    job.start(2);
    publish();
    sabotage(true);
    TestJob.await("the campaign again", () -> job.rows().size() > campaigns * CLIENTS);
    assertThat(audit("Postgres", job.rows()).doubled()).isEqualTo(CLIENTS);
  }

  @Test
  void reportsNothingUnderExactlyOnce() throws Exception {
    job.start(4);
    publish();
    sabotage(false);
    sabotage(false);
    job.start(2, job.cancel(), new Configuration());
    publish();
    job.awaitDeliveries(campaigns * CLIENTS);
    job.awaitCheckpoints();
    assertThat(audit("Postgres", job.rows())).isEqualTo(SinkAudit.NOTHING);
    assertThat(audit("Kafka", job.notifications())).isEqualTo(SinkAudit.NOTHING);
  }
}
