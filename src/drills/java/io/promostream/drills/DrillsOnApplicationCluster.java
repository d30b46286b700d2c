package io.promostream.drills;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.processes.Program;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * A highly available cluster in application mode loses its leading JobManager and its TaskManagers,
 * and is rescaled in place, while promos flow. Afterwards each promo must have reached each
 * subscriber once. The timeouts are those of flink-conf/config.yaml, with checkpoints every 2 s.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DrillsOnApplicationCluster {

  private static final boolean SHORT = "short".equals(System.getProperty("drills"));
  private static final int TIMES = SHORT ? 1 : Integer.getInteger("drills.times", 3);
  private static final int RESCALINGS = Integer.getInteger("drills.rescalings", 12);

  private Site site;
  private Audit.Reader audits;

  /** A fault of this drill. */
  private interface Incident {
    void on(Site site) throws Exception;
  }

  private static final Incident LEADER_KILLED =
      site -> {
        Program leader = site.cluster().jobManager();
        leader.kill();
        site.cluster().replaceJobManagers();
      };

  @BeforeAll
  void start() throws Exception {
    site =
        Site.startHighlyAvailable(
            Path.of("target/drills", "application-" + System.currentTimeMillis()), Map.of());
    audits = new Audit.Reader(site);
  }

  @AfterAll
  void stop() throws Exception {
    try (Site closed = site;
        Audit.Reader alsoClosed = audits) {
      // The last audit has cancelled the job.
    }
  }

  @Tag("short")
  @Tag("long")
  @Test
  void recoversFromKilledLeader() throws Exception {
    strike("leading JobManager killed", TIMES, LEADER_KILLED);
  }

  @Tag("long")
  @Test
  void recoversFromKilledTaskManager() throws Exception {
    strike("TaskManager killed, highly available", TIMES, Fault.TASK_MANAGER_KILLED::strike);
  }

  private void strike(String drill, int times, Incident incident) throws Exception {
    site.resume();
    List<Double> recoveries = new ArrayList<>();
    try (Traffic traffic = Traffic.start(drill.replaceAll("\\W+", "-"), site)) {
      site.awaitRowOfNextPromo(traffic);
      for (int i = 0; i < times; i++) {
        incident.on(site);
        long begin = System.nanoTime();
        site.awaitRowOfNextPromo(traffic);
        recoveries.add((System.nanoTime() - begin) / 1e9);
      }
      audit(drill, times, traffic, recoveries);
    }
  }

  /** Rescales up and down by the REST API, as the autoscaler of the Kubernetes operator does. */
  @Tag("long")
  @Test
  void rescalesInPlace() throws Exception {
    site.resume();
    long seed = Long.getLong("drills.seed", new Random().nextInt(1_000_000));
    Random random = new Random(seed);
    System.out.printf("%d rescalings: -Ddrills.seed=%d%n", RESCALINGS, seed);
    List<Incident> incidents =
        List.of(
            site -> {},
            Fault.TASK_MANAGER_KILLED::strike,
            LEADER_KILLED,
            Fault.FEEDBACK_DATABASE_KILLED::strike,
            Fault.BROKER_KILLED::strike);
    List<Double> rescalings = new ArrayList<>();
    try (Traffic traffic = Traffic.start("rescaled-" + seed, site)) {
      site.awaitRowOfNextPromo(traffic);
      for (int i = 0; i < RESCALINGS; i++) {
        int incident = random.nextInt(incidents.size());
        int parallelism =
            1 + (site.parallelism() + random.nextInt(Site.TASK_MANAGERS - 1)) % Site.TASK_MANAGERS;
        System.out.printf("%d. to %d, incident %d%n", i + 1, parallelism, incident);
        long begin = System.nanoTime();
        site.rescaleInPlace(parallelism);
        Thread.sleep(random.nextInt(3_000));
        incidents.get(incident).on(site);
        site.cluster().awaitRunning(site.job(), parallelism);
        rescalings.add((System.nanoTime() - begin) / 1e9);
        site.awaitRowOfNextPromo(traffic);
      }
      audit("rescaled in place, seed " + seed, RESCALINGS, traffic, rescalings);
    }
  }

  private void audit(String drill, int faults, Traffic traffic, List<Double> recoveries)
      throws Exception {
    Audit audit = audits.of(traffic);
    Report.add(drill, "rocksdb", faults, audit, recoveries);
    assertThat(audit.clean()).as(String.join("\n", audit.examples())).isTrue();
    site.replaceTaskManagers();
  }
}
