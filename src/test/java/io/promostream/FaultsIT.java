package io.promostream;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.Saboteur.Act;
import io.promostream.local.Delivery;
import io.promostream.testing.CampaignReports;
import io.promostream.testing.CampaignReports.Campaign;
import io.promostream.testing.PromoJson;
import io.promostream.testing.TestDatabase;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Injects faults while promos flow. Afterwards each promo must have reached each subscriber once,
 * in Kafka and in Postgres, and nothing may be left open.
 */
class FaultsIT {

  private static final int RESTAURANTS = 10;
  private static final int CLIENTS = 100;

  @TempDir Path checkpoints;
  private TestJob job;
  private Restaurants restaurants;

  @BeforeEach
  void setUp() throws Exception {
    job = new TestJob(checkpoints);
    job.openCampaignDesk();
    job.subscribers.execute(
        "INSERT INTO subscribers_restaurants (client_id, restaurant_id)"
            + " SELECT 'client-' || c, 'r' || r FROM generate_series(1, %d) AS c, generate_series(0, %d) AS r"
                .formatted(CLIENTS, RESTAURANTS - 1));
    restaurants = new Restaurants();
  }

  @AfterEach
  void tearDown() {
    restaurants.interrupt();
    job.close();
  }

  /** Publishes a campaign every 20 ms, and some of them twice, until stopped. */
  private final class Restaurants extends Thread {

    private volatile boolean stopped;
    private int campaigns;

    @Override
    public void run() {
      while (!stopped && !isInterrupted()) {
        byte[] promo =
            PromoJson.good()
                .with("restaurant_id", "\"r" + campaigns % RESTAURANTS + "\"")
                .with("adv_campaign_id", "\"" + campaigns + "\"")
                .bytes();
        job.send(promo);
        if (campaigns % 7 == 0) {
          job.send(promo);
        }
        campaigns++;
        try {
          Thread.sleep(20);
        } catch (InterruptedException e) {
          return;
        }
      }
    }

    int stopAndCount() throws InterruptedException {
      stopped = true;
      join();
      return campaigns;
    }
  }

  /**
   * Checks that each campaign has reached each client once, that both sinks are equal, and that no
   * transaction is open.
   */
  private void audit() throws Exception {
    int campaigns = restaurants.stopAndCount();
    job.awaitDeliveries(campaigns * CLIENTS);
    job.awaitCheckpoints();
    List<String> expected =
        IntStream.range(0, campaigns)
            .boxed()
            .flatMap(
                campaign ->
                    IntStream.rangeClosed(1, CLIENTS)
                        .mapToObj(
                            client ->
                                "r%d %d client-%d"
                                    .formatted(campaign % RESTAURANTS, campaign, client)))
            .sorted()
            .toList();
    assertThat(keys(job.rows())).as("rows").isEqualTo(expected);
    assertThat(keys(job.notifications())).as("notifications").isEqualTo(expected);
    assertThat(sorted(job.rows())).as("both sinks").isEqualTo(sorted(job.notifications()));
    TestJob.await("no transaction left: " + job.leftovers(), () -> job.leftovers().isEmpty());
    try (CampaignReports reports = job.reports()) {
      Map<Campaign, Long> delivered =
          IntStream.range(0, campaigns)
              .boxed()
              .collect(
                  Collectors.toMap(
                      one -> new Campaign("r" + one % RESTAURANTS, "" + one),
                      one -> (long) CLIENTS));
      TestJob.await(
          "reports equal to the sinks, not " + reports.delivered(),
          () -> reports.delivered().equals(delivered));
    }
    job.cancel();
    assertThat(job.leftovers()).isEmpty();
  }

  private static List<String> keys(List<Delivery> deliveries) {
    return deliveries.stream()
        .map(d -> d.promo().restaurantId() + " " + d.promo().campaignId() + " " + d.clientId())
        .sorted()
        .toList();
  }

  private static List<String> sorted(List<Delivery> deliveries) {
    List<String> all = new ArrayList<>(deliveries.stream().map(Delivery::toString).toList());
    Collections.sort(all);
    return all;
  }

  private void begin(int parallelism, Configuration flink) throws Exception {
    job.start(parallelism, null, flink);
    restaurants.start();
    TestJob.await("first rows", () -> !job.rows().isEmpty());
  }

  private void sabotage(Act act, int times) throws Exception {
    Saboteur.order(act, times);
    TestJob.await(act + " to be done", () -> Saboteur.outstanding(act) == 0);
    job.awaitCheckpoints();
  }

  @ParameterizedTest
  @EnumSource
  void recoversFromInjectedFailures(Act act) throws Exception {
    begin(2, new Configuration());
    sabotage(act, 4);
    if (act == Act.DECLINE_CHECKPOINT) {
      assertThat(job.restarts()).as("a declined checkpoint restarts nothing").isZero();
      // The restart must not find anything of the declined checkpoint.
      sabotage(Act.DECLINE_CHECKPOINT, 1);
      sabotage(Act.FAIL_AFTER_SNAPSHOT, 1);
    }
    assertThat(job.restarts()).isPositive();
    audit();
  }

  static Stream<Configuration> variants() {
    return Stream.of(
        variant(false, false, "rocksdb"),
        variant(true, true, "rocksdb"),
        variant(false, true, "hashmap"));
  }

  private static Configuration variant(boolean chaining, boolean unaligned, String backend) {
    return new Configuration()
        .set(PipelineOptions.OPERATOR_CHAINING, chaining)
        .set(CheckpointingOptions.ENABLE_UNALIGNED, unaligned)
        .set(StateBackendOptions.STATE_BACKEND, backend)
        .set(CheckpointingOptions.INCREMENTAL_CHECKPOINTS, true);
  }

  /** Covers operators without chaining, unaligned checkpoints, and both state backends. */
  @ParameterizedTest
  @MethodSource("variants")
  void recoversFromFailuresAndRescaling(Configuration variant) throws Exception {
    begin(2, variant);
    for (Act act : Act.values()) {
      sabotage(act, 1);
    }
    job.start(4, job.cancel(), variant);
    sabotage(Act.FAIL_AFTER_SNAPSHOT, 1);
    job.start(2, job.stopWithSavepoint(), variant);
    job.awaitCheckpoints();
    audit();
  }

  /** Resumes under a new job id, right after a declined checkpoint. */
  @ParameterizedTest
  @CsvSource({"2,2", "2,4", "4,2"})
  void resumesFromRetainedCheckpoint(int before, int after) throws Exception {
    begin(before, new Configuration());
    sabotage(Act.DECLINE_CHECKPOINT, 1);
    Saboteur.order(Act.DECLINE_CHECKPOINT, 1);
    TestJob.await("decline", () -> Saboteur.outstanding(Act.DECLINE_CHECKPOINT) == 0);
    String checkpoint = job.cancel();
    job.start(after, checkpoint, new Configuration());
    job.awaitCheckpoints();
    audit();
  }

  @Test
  void resumesAfterStopWithSavepoint() throws Exception {
    Set<Thread> before = kafkasAdminThreads();
    begin(2, new Configuration());
    job.start(3, job.stopWithSavepoint(), new Configuration());
    job.awaitCheckpoints();
    audit();
    TestJob.await("no client left behind", () -> before.containsAll(kafkasAdminThreads()));
  }

  @Test
  void closesClientsWhenSinkFailsToStart() throws Exception {
    Set<Thread> before = kafkasAdminThreads();
    job.change("--feedback.commits-table=public.not_there");
    job.start(2);
    TestJob.await("the failure", () -> job.failure().contains("public.not_there does not exist"));
    TestJob.await("starts in vain", () -> job.restarts() >= 3);
    job.cancelWithoutCheckpoint();
    TestJob.await("no client left behind", () -> before.containsAll(kafkasAdminThreads()));
  }

  private static Set<Thread> kafkasAdminThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("kafka-admin-client"))
        .collect(Collectors.toSet());
  }

  @Test
  void continuesAfterPostgresRestarts() throws Exception {
    begin(2, new Configuration());
    for (int i = 0; i < 3; i++) {
      TestDatabase.restartServer(Duration.ZERO);
      TestJob.await("a row after the restart", this::moreRows);
    }
    audit();
  }

  @Test
  void continuesAfterPostgresOutage() throws Exception {
    begin(2, new Configuration());
    TestDatabase.restartServer(Duration.ofSeconds(20));
    TestJob.await("a row after the outage", this::moreRows);
    audit();
  }

  private boolean moreRows() throws Exception {
    int before = job.rows().size();
    Thread.sleep(500);
    return job.rows().size() > before;
  }

  @Test
  void deliversToLastListWhileSubscriberDatabaseIsDown() throws Exception {
    begin(2, new Configuration());
    job.awaitCheckpoints();
    job.subscribers.refuseConnections(true);
    int rows = job.rows().size();
    TestJob.await("rows from the last list", () -> job.rows().size() > rows + 20 * CLIENTS);
    assertThat(job.restarts()).as("the job goes on").isZero();
    job.subscribers.refuseConnections(false);
    audit();
  }
}
