package io.promostream.drills;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.testing.Waiting;
import java.nio.file.Path;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Injects faults into an installation while promos flow. Afterwards each promo must have reached
 * each subscriber once, in Kafka and in Postgres, and nothing may be left open.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class Drills {

  /** How often each fault strikes in its own drill. */
  private static final int TIMES = Integer.getInteger("drills.times", 3);

  private static final boolean SHORT = "short".equals(System.getProperty("drills"));

  /** How many faults strike in the random drill. */
  private static final int COUNT = Integer.getInteger("drills.count", SHORT ? 5 : 60);

  private static final String COMMITTED_BEFORE = "was committed before";

  private static final List<Fault> FAULTS =
      Arrays.stream(Fault.values())
          .filter(
              fault ->
                  List.of(System.getProperty("drills.faults", fault.name()).split(","))
                      .contains(fault.name()))
          .toList();

  private final String stateBackend;
  private Site site;
  private Audit.Reader audits;

  Drills(String stateBackend) {
    this.stateBackend = stateBackend;
  }

  @BeforeAll
  void start() throws Exception {
    site =
        Site.start(
            Path.of("target/drills", stateBackend + "-" + System.currentTimeMillis()),
            stateBackend);
    audits = new Audit.Reader(site);
  }

  @AfterAll
  void stop() throws Exception {
    try (Site closed = site;
        Audit.Reader alsoClosed = audits) {
      // The last audit has cancelled the job.
    }
  }

  static List<Fault> faults() {
    return FAULTS;
  }

  @Tag("long")
  @ParameterizedTest
  @MethodSource("faults")
  void recoversFromRepeatedFault(Fault fault) throws Exception {
    List<Double> recoveries = new ArrayList<>();
    site.resume();
    try (Traffic traffic = Traffic.start(fault.title().replace(' ', '-'), site)) {
      site.awaitRowOfNextPromo(traffic);
      for (int i = 0; i < TIMES; i++) {
        fault.strike(site);
        long begin = System.nanoTime();
        try {
          site.awaitRowOfNextPromo(traffic);
          recoveries.add((System.nanoTime() - begin) / 1e9);
        } finally {
          fault.cleanUp(site);
        }
      }
      audit(fault.title(), TIMES, traffic, recoveries);
    }
  }

  @Tag("short")
  @Tag("long")
  @Test
  void recoversFromRandomFaults() throws Exception {
    long seed = Long.getLong("drills.seed", new Random().nextInt(1_000_000));
    System.out.printf(
        "random drill of %d faults on %s: -Ddrills.seed=%d%n", COUNT, stateBackend, seed);
    site.resume();
    Random random = new Random(seed);
    try (Traffic traffic = Traffic.start("random-" + seed, site)) {
      site.awaitRowOfNextPromo(traffic);
      for (int i = 0; i < COUNT; i++) {
        Fault fault = FAULTS.get(random.nextInt(FAULTS.size()));
        int pause = random.nextInt(6_000);
        LocalTime now = LocalTime.now(ZoneId.systemDefault());
        System.out.printf("%tT %d. %s, then %d ms%n", now, i + 1, fault.title(), pause);
        fault.strike(site);
        Thread.sleep(pause);
        fault.cleanUp(site);
      }
      audit("random faults, seed " + seed, COUNT, traffic, List.of());
    }
  }

  /**
   * A savepoint triggers no replay: its deliveries wait for the next checkpoint. Here the cluster
   * dies before that checkpoint, and every earlier transaction has timed out before the job
   * restarts.
   */
  @Tag("long")
  @Test
  void resumesAfterOutageLongerThanTransactionTimeout() throws Exception {
    site.resume();
    try (Traffic traffic = Traffic.start("outage", site)) {
      site.awaitRowOfNextPromo(traffic);
      String savepoint = unreplayedSavepoint(traffic);
      site.killCluster();
      Thread.sleep(20_000);
      site.replaceCluster();
      site.resumeFrom(savepoint);
      audit("outage longer than a Kafka transaction", 1, traffic, List.of());
    }
  }

  /** The job restarts from a savepoint whose deliveries were replayed after the next checkpoint. */
  @Tag("long")
  @Test
  void writesOnceAfterRestoreOfReplayedSavepoint() throws Exception {
    site.resume();
    try (Traffic traffic = Traffic.start("replayed", site)) {
      site.awaitRowOfNextPromo(traffic);
      String savepoint = unreplayedSavepoint(traffic);
      long completed = site.cluster().completedCheckpoints(site.job());
      Waiting.until(
          "the next checkpoint", () -> site.cluster().completedCheckpoints(site.job()) > completed);
      int before = site.cluster().taskManagerLogLines(COMMITTED_BEFORE).size();
      Thread.sleep(5_000);
      site.killCluster();
      site.replaceCluster();
      site.resumeFrom(savepoint);
      audit("replay repeated after a restore", 1, traffic, List.of());
      assertThat(site.cluster().taskManagerLogLines(COMMITTED_BEFORE)).hasSizeGreaterThan(before);
    }
  }

  /**
   * Ends the traffic and takes a savepoint that holds its last deliveries before they are replayed.
   */
  private String unreplayedSavepoint(Traffic traffic) throws Exception {
    traffic.stop();
    site.restartWithRareCheckpoints();
    Waiting.until(
        "a checkpoint, a minute before the next",
        () -> site.cluster().completedCheckpoints(site.job()) > 0);
    List<String> rows = rowIds();
    traffic.sendClosing();
    // Time to read the closing promos; the next checkpoint is up to a minute away.
    Thread.sleep(5_000);
    String savepoint = site.cluster().savepoint(site.job());
    assertThat(rowIds()).as("rows, before the next checkpoint").isEqualTo(rows);
    return savepoint;
  }

  private List<String> rowIds() throws Exception {
    return Site.query(
        site.feedback(), Site.FEEDBACK, "SELECT id FROM subscribers_feedback ORDER BY id");
  }

  private void audit(String drill, int faults, Traffic traffic, List<Double> recoveries)
      throws Exception {
    Audit audit = audits.of(traffic);
    Report.add(drill, stateBackend, faults, audit, recoveries);
    assertThat(audit.clean()).as(String.join("\n", audit.examples())).isTrue();
    site.replaceTaskManagers();
  }
}
