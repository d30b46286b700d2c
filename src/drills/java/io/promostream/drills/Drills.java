package io.promostream.drills;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.testing.Waiting;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Things go wrong at an installation while promos flow. Afterwards each promo has reached each
 * subscriber once, in Kafka and in Postgres, and nothing is left open.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class Drills {

  /** How often each fault strikes in its own drill. */
  private static final int TIMES = Integer.getInteger("drills.times", 3);

  private static final boolean SHORT = "short".equals(System.getProperty("drills"));

  private static final List<Fault> FAULTS = List.of(Fault.values());

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
    if (site != null) {
      try (Site closed = site;
          Audit.Reader alsoClosed = audits) {
        closed.cancel();
        Waiting.until("the job's sessions to end", () -> closed.sessions().isEmpty());
      }
    }
  }

  @Tag("long")
  @ParameterizedTest
  @EnumSource(Fault.class)
  void oneFaultAfterAnother(Fault fault) throws Exception {
    List<Double> recoveries = new ArrayList<>();
    try (Traffic traffic = Traffic.start(fault.title().replace(' ', '-'), site)) {
      awaitRowOfNextPromo(traffic);
      for (int i = 0; i < TIMES; i++) {
        long begin = System.nanoTime();
        fault.strike(site);
        try {
          awaitRowOfNextPromo(traffic);
          recoveries.add((System.nanoTime() - begin) / 1e9);
        } finally {
          fault.aftermath(site);
        }
      }
      audit(fault.title(), TIMES, traffic, recoveries);
    }
  }

  @Tag("short")
  @Tag("long")
  @Test
  void anyFaultAtAnyMoment() throws Exception {
    int faults = Integer.getInteger("drills.faults", SHORT ? 6 : 60);
    long seed = Long.getLong("drills.seed", new Random().nextInt(1_000_000));
    System.out.printf(
        "random drill of %d faults on %s: -Ddrills.seed=%d%n", faults, stateBackend, seed);
    Random random = new Random(seed);
    try (Traffic traffic = Traffic.start("random-" + seed, site)) {
      awaitRowOfNextPromo(traffic);
      for (int i = 0; i < faults; i++) {
        Fault fault = FAULTS.get(random.nextInt(FAULTS.size()));
        int pause = random.nextInt(6_000);
        System.out.printf("%d. %s, then %d ms%n", i + 1, fault.title(), pause);
        fault.strike(site);
        Thread.sleep(pause);
        fault.aftermath(site);
      }
      audit("random faults, seed " + seed, faults, traffic, List.of());
    }
  }

  private void awaitRowOfNextPromo(Traffic traffic) throws Exception {
    String row =
        "adv_campaign_id BETWEEN '%s' AND '%s'"
            .formatted(traffic.campaign(traffic.campaigns()), traffic.campaign(999_999));
    Waiting.until("a row", () -> site.hasRow(row));
  }

  private void audit(String drill, int faults, Traffic traffic, List<Double> recoveries)
      throws Exception {
    Audit audit = audits.of(traffic);
    Report.add(drill, stateBackend, faults, audit, recoveries);
    assertThat(audit.clean()).as(String.join("\n", audit.examples())).isTrue();
    site.replaceTaskManagers();
  }
}
