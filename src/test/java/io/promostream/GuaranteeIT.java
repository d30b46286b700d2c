package io.promostream;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.local.Delivery;
import io.promostream.testing.PromoJson;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.flink.configuration.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code delivery.guarantee} may be changed in both directions when the job restarts from any
 * checkpoint or savepoint.
 */
class GuaranteeIT {

  private static final List<String> CLIENTS = List.of("a", "b", "c");

  @TempDir Path checkpoints;
  private int campaigns;

  private void publish(TestJob job, int count) {
    for (int i = 0; i < count; i++) {
      job.send(
          PromoJson.good()
              .with("restaurant_id", "\"r\"")
              .with("adv_campaign_id", "\"" + campaigns++ + "\"")
              .bytes());
    }
  }

  private void assertDeliveredOnce(TestJob job) throws Exception {
    job.awaitDeliveries(campaigns * CLIENTS.size());
    job.awaitCheckpoints();
    List<String> expected =
        IntStream.range(0, campaigns)
            .boxed()
            .flatMap(campaign -> CLIENTS.stream().map(client -> campaign + " " + client))
            .sorted()
            .toList();
    assertThat(keys(job.rows())).isEqualTo(expected);
    assertThat(keys(job.notifications())).isEqualTo(expected);
  }

  private static List<String> keys(List<Delivery> deliveries) {
    return deliveries.stream()
        .map(d -> d.promo().campaignId() + " " + d.clientId())
        .sorted()
        .toList();
  }

  @Test
  void changesGuaranteeAfterUnreplayedCheckpoint() throws Exception {
    try (TestJob job = new TestJob(checkpoints)) {
      CLIENTS.forEach(client -> job.subscribe(client, "r"));
      job.start(2);
      publish(job, 3);
      assertDeliveredOnce(job);
      job.feedback.refuseConnections(true);
      publish(job, 5);
      TestJob.await(
          "notifications", () -> job.notifications().size() == campaigns * CLIENTS.size());
      job.awaitCheckpoints();
      String notReplayed = job.cancel();
      job.feedback.refuseConnections(false);

      job.change("--delivery.guarantee=at-least-once");
      job.start(1, notReplayed, new Configuration());
      publish(job, 3);
      assertDeliveredOnce(job);

      job.change("--delivery.guarantee=exactly-once");
      job.start(2, job.cancel(), new Configuration());
      publish(job, 3);
      assertDeliveredOnce(job);
    }
  }

  @Test
  void changesGuaranteeAfterSavepointOfRunningJob() throws Exception {
    try (TestJob job = new TestJob(checkpoints)) {
      CLIENTS.forEach(client -> job.subscribe(client, "r"));
      job.start(2);
      publish(job, 1);
      assertDeliveredOnce(job);
      publish(job, 50);
      String savepoint = job.savepoint();
      assertDeliveredOnce(job);
      job.cancel();

      job.change("--delivery.guarantee=at-least-once");
      job.start(3, savepoint, new Configuration());
      job.awaitCheckpoints();
      String ofAtLeastOnce = job.savepoint();
      job.cancel();
      assertThat(keys(job.rows()))
          .as("what the savepoint held is not written again, what came after it is")
          .containsAll(
              IntStream.range(0, campaigns)
                  .mapToObj(campaign -> campaign + " " + CLIENTS.get(0))
                  .toList());

      job.change("--delivery.guarantee=exactly-once");
      int rows = job.rows().size();
      job.start(2, ofAtLeastOnce, new Configuration());
      publish(job, 1);
      TestJob.await("one more campaign", () -> job.rows().size() == rows + CLIENTS.size());
      job.awaitCheckpoints();
      assertThat(job.rows()).hasSize(rows + CLIENTS.size());
    }
  }
}
