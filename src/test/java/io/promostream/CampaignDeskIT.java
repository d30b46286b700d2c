package io.promostream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.local.Delivery;
import io.promostream.local.LocalMetrics;
import io.promostream.metrics.JobMetric;
import io.promostream.testing.CampaignReports;
import io.promostream.testing.CampaignReports.Campaign;
import io.promostream.testing.PromoJson;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MetricOptions;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Commands, reports and rules of delivery, end to end on a broker and a database. */
class CampaignDeskIT {

  private static final int CLIENTS = 200;
  private static final Logger LOG = LoggerFactory.getLogger(CampaignDeskIT.class);

  @TempDir Path checkpoints;

  private static PromoJson promo(String campaign) {
    return PromoJson.good()
        .with("restaurant_id", "\"r\"")
        .with("adv_campaign_id", "\"" + campaign + "\"");
  }

  private TestJob job(String... settings) throws Exception {
    TestJob job = new TestJob(checkpoints, settings);
    job.openCampaignDesk();
    job.subscribers.execute(
        "INSERT INTO subscribers_restaurants (client_id, restaurant_id)"
            + " SELECT 'client-' || n, 'r' FROM generate_series(1, %d) AS n".formatted(CLIENTS));
    return job;
  }

  private static void awaitReport(
      CampaignReports reports, String campaign, Map<String, String> expected) throws Exception {
    Campaign key = new Campaign("r", campaign);
    try {
      TestJob.await(
          "report " + expected,
          () ->
              reports.read().containsKey(key)
                  && reports.read().get(key).entrySet().containsAll(expected.entrySet()));
    } catch (AssertionError e) {
      throw new AssertionError("the last report is " + reports.read().get(key), e);
    }
  }

  /** Checks that reports, notifications and rows agree. Returns the number of deliveries. */
  private static int assertReportsEqualSinks(TestJob job, CampaignReports reports)
      throws Exception {
    Map<Campaign, Long> rows = counts(job.rows());
    assertThat(counts(job.notifications())).isEqualTo(rows);
    TestJob.await(
        "reports equal to the rows " + rows + ", not " + reports.delivered(),
        () -> reports.delivered().equals(rows));
    return rows.values().stream().mapToInt(Long::intValue).sum();
  }

  private static Map<Campaign, Long> counts(List<Delivery> deliveries) {
    return deliveries.stream()
        .collect(
            Collectors.groupingBy(
                one -> new Campaign(one.promo().restaurantId(), one.promo().campaignId()),
                Collectors.counting()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"broadcast", "keyed"})
  void obeysCommandsAcrossRestarts(String distribution) throws Exception {
    try (TestJob job = job("--subscribers.distribution=" + distribution);
        CampaignReports reports = job.reports()) {
      job.start(2);
      job.command("{'action':'pause','restaurant_id':'r','by':'anna','reason':'test'}");
      job.command("{'action':'stop','adv_campaign_id':'never'}");
      job.command("{'action':'stop','restaurant':'misspelt'}");
      TestJob.await("the rejected command", () -> !job.rejected().isEmpty());
      assertThat(headers(job.rejected().get(0)))
          .containsEntry("reject.reason", "bad-command")
          .containsEntry("reject.topic", job.controlTopic)
          .containsEntry("reject.offset", "2");
      job.send(promo("c").bytes());
      job.send(promo("never").bytes());
      awaitReport(reports, "c", Map.of("state", "paused", "pending", "" + CLIENTS));
      awaitReport(reports, "never", Map.of("state", "cancelled"));

      String checkpoint = job.cancel();
      job.start(3, checkpoint, new Configuration());
      job.awaitCheckpoints();
      assertThat(job.rows()).isEmpty();
      assertThat(job.notifications()).isEmpty();

      job.command("{'action':'resume','restaurant_id':'r','by':'ben'}");
      job.awaitDeliveries(CLIENTS);
      awaitReport(
          reports,
          "c",
          Map.of("state", "live", "audience", "" + CLIENTS, "delivered", "" + CLIENTS));
      assertThat(assertReportsEqualSinks(job, reports)).isEqualTo(CLIENTS);
      job.stopWithSavepoint();
    }
  }

  /** Deliveries wait for the checkpoint, which comes every ten minutes. A command does not. */
  @Test
  void pausesWithoutWaitingForCheckpoint() throws Exception {
    Configuration flink =
        new Configuration()
            .set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMinutes(10));
    Configuration metrics = new Configuration();
    metrics.set(MetricOptions.REPORTERS_LIST, "local");
    metrics.setString("metrics.reporter.local.factory.class", LocalMetrics.class.getName());
    try (MiniCluster cluster = TestJob.cluster(1, metrics);
        TestJob job = job("--delivery.max-per-second-per-restaurant=20");
        CampaignReports reports = job.reports()) {
      job.runOn(cluster);
      job.start(2, null, flink);
      job.send(promo("c").bytes());
      TestJob.await("the first deliveries", () -> LocalMetrics.sum(JobMetric.DELIVERIES) > 0);
      long givenAt = System.currentTimeMillis();
      job.command("{'action':'pause','by':'anna'}");
      TestJob.await(
          "the command on both subtasks", () -> LocalMetrics.sum(JobMetric.COMMANDS_IN_FORCE) == 2);
      long noticedAt = System.currentTimeMillis();
      long delivered = LocalMetrics.sum(JobMetric.DELIVERIES);
      LOG.info("The pause took effect {} ms after it was sent", noticedAt - givenAt);
      // Without the pause, 60 more clients would get it.
      Thread.sleep(3_000);
      assertThat(LocalMetrics.sum(JobMetric.DELIVERIES)).isEqualTo(delivered).isLessThan(CLIENTS);
      assertThat(job.completedCheckpoints()).isZero();

      job.checkpoint();
      awaitReport(
          reports,
          "c",
          Map.of(
              "state", "paused",
              "delivered", "" + delivered,
              "pending", "" + (CLIENTS - delivered)));
      String last = reports.read().get(new Campaign("r", "c")).get("last_delivered_at");
      assertThat(Long.parseLong(last)).isLessThanOrEqualTo(noticedAt / 1000);
      job.awaitDeliveries((int) delivered);
      assertThat(assertReportsEqualSinks(job, reports)).isEqualTo(delivered);
      job.cancelWithoutCheckpoint();
    }
  }

  /** A restored checkpoint without the keys gets them, and loses them again. */
  @ParameterizedTest
  @ValueSource(strings = {"exactly-once", "at-least-once"})
  void switchesTheDeskOnAndOff(String guarantee) throws Exception {
    try (TestJob job = new TestJob(checkpoints, "--delivery.guarantee=" + guarantee)) {
      job.subscribe("a", "r");
      job.subscribe("b", "r");
      job.start(2);
      job.send(promo("c").bytes());
      job.awaitDeliveries(2);
      String without = job.stopWithSavepoint();

      job.openCampaignDesk();
      String with;
      try (CampaignReports reports = job.reports()) {
        job.start(3, without, new Configuration());
        job.subscribe("late", "r");
        job.awaitDeliveries(3);
        awaitReport(reports, "c", Map.of("state", "live", "delivered", "3"));
        job.command("{'action':'pause'}");
        awaitReport(reports, "c", Map.of("state", "paused"));
        with = job.stopWithSavepoint();
      }

      job.closeCampaignDesk();
      job.start(2, with, new Configuration());
      job.subscribe("last", "r");
      job.awaitDeliveries(4);
      job.awaitCheckpoints();
      assertThat(job.rows()).hasSize(4);
      assertThat(job.notifications()).containsExactlyInAnyOrderElementsOf(job.rows());
      job.stopWithSavepoint();
    }
  }

  @Test
  void removesReportsOfForgottenCampaigns() throws Exception {
    try (TestJob job = job("--promos.remember-ended=2 s");
        CampaignReports reports = job.reports()) {
      job.start(2);
      long now = System.currentTimeMillis() / 1000;
      job.send(promo("brief").with("adv_campaign_datetime_end", "" + (now + 3)).bytes());
      job.send(promo("lasting").bytes());
      awaitReport(reports, "brief", Map.of("state", "ended"));
      TestJob.await("the tombstone", () -> !reports.read().containsKey(new Campaign("r", "brief")));
      assertThat(reports.read()).containsOnlyKeys(new Campaign("r", "lasting"));
      job.stopWithSavepoint();
    }
  }

  @Test
  void keepsThePace() throws Exception {
    try (TestJob job = job("--delivery.max-per-second-per-restaurant=50");
        CampaignReports reports = job.reports()) {
      job.start(2);
      job.send(promo("c").bytes());
      job.awaitDeliveries(CLIENTS);
      awaitReport(reports, "c", Map.of("delivered", "" + CLIENTS, "pending", "0"));
      Map<String, String> report = reports.read().get(new Campaign("r", "c"));
      long seconds =
          Long.parseLong(report.get("last_delivered_at"))
              - Long.parseLong(report.get("first_delivered_at"));
      // Of the deliveries, those of one second may go out at once.
      assertThat(seconds).isGreaterThanOrEqualTo(CLIENTS / 50 - 2);
      assertReportsEqualSinks(job, reports);
      job.stopWithSavepoint();
    }
  }

  @Test
  void keepsQuietHours() throws Exception {
    LocalTime now = LocalTime.now(ZoneOffset.UTC).withSecond(0).withNano(0);
    try (TestJob job = job("--delivery.quiet-hours=" + now.minusHours(1) + "-" + now.plusHours(1));
        CampaignReports reports = job.reports()) {
      job.start(2);
      job.send(promo("c").bytes());
      awaitReport(reports, "c", Map.of("state", "live", "pending", "" + CLIENTS));
      job.awaitCheckpoints();
      assertThat(job.rows()).isEmpty();
      String checkpoint = job.cancel();
      job.change("--delivery.quiet-hours=");
      job.start(2, checkpoint, new Configuration());
      job.awaitDeliveries(CLIENTS);
      assertReportsEqualSinks(job, reports);
      job.stopWithSavepoint();
    }
  }

  @Test
  void holdsOutControlGroupAndLateSubscribers() throws Exception {
    try (TestJob job =
            job("--delivery.control-group-percent=50", "--delivery.late-subscribers-within=1 s");
        CampaignReports reports = job.reports()) {
      job.start(2);
      job.send(promo("c").bytes());
      awaitReport(reports, "c", Map.of("audience", "" + CLIENTS, "pending", "0"));
      long heldOut = Long.parseLong(reports.read().get(new Campaign("r", "c")).get("held_out"));
      assertThat(heldOut).isBetween(CLIENTS / 4L, 3L * CLIENTS / 4);
      job.awaitDeliveries((int) (CLIENTS - heldOut));
      job.subscribe("late", "r");
      job.subscribe("other", "other");
      job.send(promo("other").with("restaurant_id", "\"other\"").bytes());
      job.awaitCheckpoints();
      assertThat(job.rows()).noneMatch(row -> row.clientId().equals("late"));
      assertReportsEqualSinks(job, reports);
      job.stopWithSavepoint();
    }
  }

  private static Map<String, String> headers(ConsumerRecord<byte[], byte[]> message) {
    return List.of(message.headers().toArray()).stream()
        .collect(Collectors.toMap(Header::key, header -> new String(header.value(), UTF_8)));
  }
}
