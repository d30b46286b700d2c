package io.promostream.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.config.JobConfig.Delivery;
import io.promostream.config.QuietHours;
import io.promostream.control.Command.Action;
import io.promostream.kafka.Message;
import io.promostream.promo.Promo;
import io.promostream.testing.CampaignReports;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.flink.runtime.state.StateBackend;
import org.apache.flink.runtime.state.hashmap.HashMapStateBackend;
import org.apache.flink.state.rocksdb.EmbeddedRocksDBStateBackend;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Commands, pace, quiet hours and reports on both state backends, across a rescale. */
@ParameterizedClass
@MethodSource("backends")
final class CampaignDeskTest {

  private static final Duration REMEMBER = Duration.ofDays(7);
  private static final Delivery NO_RULES = new Delivery(REMEMBER, null, 0, null, null, null);
  private static final Duration EACH_CHECKPOINT = Duration.ofMillis(1);

  /** A whole second, at 22:13:20 UTC. */
  private static final long T0 = 1_700_000_000L;

  private final StateBackend backend;
  private DeliveryDriver job;

  CampaignDeskTest(StateBackend backend) {
    this.backend = backend;
  }

  static Stream<Named<StateBackend>> backends() {
    return Stream.of(
        Named.of("HashMap", new HashMapStateBackend()),
        Named.of("RocksDB", new EmbeddedRocksDBStateBackend()));
  }

  @BeforeEach
  void start() throws Exception {
    job = new DeliveryDriver(backend, NO_RULES, T0 * 1000);
    job.restart(1, true, EACH_CHECKPOINT);
  }

  @AfterEach
  void stop() throws Exception {
    job.close();
  }

  private static Promo promo(String campaign, long from, long to, long created) {
    return promo("r", campaign, from, to, created);
  }

  private static Promo promo(String restaurant, String campaign, long from, long to, long created) {
    return new Promo(restaurant, campaign, "v" + created, "o", "oc", T0 + from, T0 + to, created);
  }

  private static String[] clients(int count) {
    return IntStream.range(0, count).mapToObj(i -> "client" + i).toArray(String[]::new);
  }

  /** The reports until a checkpoint: {@code campaign state audience delivered pending held_out}. */
  private List<String> reports() throws Exception {
    job.checkpoint();
    return job.reports().stream()
        .map(CampaignDeskTest::summary)
        .collect(Collectors.toCollection(ArrayList::new));
  }

  private static String summary(Message report) {
    if (report.value() == null) {
      return CampaignReports.fields(report.key()).get("adv_campaign_id") + " tombstone";
    }
    Map<String, String> fields = CampaignReports.fields(report.value());
    return Stream.of("adv_campaign_id", "state", "audience", "delivered", "pending", "held_out")
        .map(fields::get)
        .collect(Collectors.joining(" "));
  }

  @Nested
  class Pause {

    @Test
    void keepsClientsPendingUntilResumed() throws Exception {
      job.audience("r", "a");
      job.command(Action.PAUSE, "r", "c");
      job.promo(promo("c", 0, 600, 1));
      job.promo(promo("other", 0, 600, 1));
      assertThat(job.deliveries()).containsExactly("other v1 a");
      job.restart(3);
      job.audience("r", "a", "b");
      job.advance(Duration.ofMinutes(1));
      assertThat(job.deliveries()).containsExactly("other v1 b");
      job.restart(2);
      job.command(Action.RESUME, "r", "c");
      job.advance(Duration.ofMillis(10));
      assertThat(job.deliveries()).containsExactlyInAnyOrder("c v1 a", "c v1 b");
    }

    @Test
    void holdsSlicesThatHaveNotGoneOut() throws Exception {
      job.audience("r", clients(3_000));
      job.setSinksFull(true);
      job.promo(promo("c", 0, 600, 1));
      job.command(Action.PAUSE, null, "c");
      job.setSinksFull(false);
      job.advance(Duration.ofSeconds(10));
      assertThat(job.deliveries()).isEmpty();
      job.restart(2);
      job.command(Action.RESUME, null, null);
      job.advance(Duration.ofSeconds(1));
      assertThat(job.deliveries()).hasSize(3_000).doesNotHaveDuplicates();
    }

    @Test
    void stopsLargeCampaignInTheMiddle() throws Exception {
      job.audience("r", clients(5_000));
      job.promo(promo("c", 0, 600, 1));
      int before = job.deliveries().size();
      job.command(Action.PAUSE, null, null);
      job.advance(Duration.ofSeconds(30));
      assertThat(job.deliveries()).isEmpty();
      assertThat(reports())
          .containsExactly("c paused 5000 " + before + " " + (5_000 - before) + " 0");
      job.restart(2);
      job.command(Action.RESUME, null, null);
      job.advance(Duration.ofSeconds(1));
      assertThat(job.deliveries()).hasSize(5_000 - before);
      assertThat(reports()).containsExactly("c live 5000 5000 0 0");
    }

    @Test
    void missesCampaignThatEnds() throws Exception {
      job.audience("r", "a");
      job.command(Action.PAUSE, "r", null);
      job.promo(promo("starts", 10, 60, 1));
      job.promo(promo("c", 0, 60, 1));
      assertThat(reports())
          .containsExactlyInAnyOrder("starts paused null 0 0 0", "c paused null 0 1 0");
      job.restart(2);
      job.advance(Duration.ofMinutes(2));
      assertThat(reports()).containsExactlyInAnyOrder("starts missed 1 0 0 0", "c missed 1 0 0 0");
      assertThat(job.metric("promosHeld")).isEqualTo(2);
      assertThat(job.metric("promosMissed")).as("somebody wanted it").isZero();
      job.command(Action.RESUME, "r", null);
      job.advance(Duration.ofMinutes(2));
      assertThat(job.deliveries()).isEmpty();
    }

    @Test
    void endsCampaignWithoutPendingClientsAsUsual() throws Exception {
      job.audience("r", "a");
      job.promo(promo("c", 0, 60, 1));
      job.command(Action.PAUSE, "r", null);
      job.advance(Duration.ofMinutes(2));
      assertThat(reports()).containsExactly("c ended 1 1 0 0");
      assertThat(job.metric("promosMissed")).isZero();
    }

    @Test
    void missesCampaignThatEndsWhileSinksAreFull() throws Exception {
      job.audience("r", "a");
      job.command(Action.PAUSE, "r", null);
      job.promo(promo("c", 0, 60, 1));
      job.setSinksFull(true);
      job.advance(Duration.ofMinutes(2));
      assertThat(reports()).containsExactly("c missed 1 0 0 0");
      job.command(Action.RESUME, "r", null);
      job.setSinksFull(false);
      job.advance(Duration.ofMinutes(1));
      assertThat(job.deliveries()).isEmpty();
    }

    @Test
    void missesCampaignThatEndsWhileJobIsDownThoughItIsResumedThen() throws Exception {
      job.audience("r", "a");
      job.command(Action.PAUSE, "r", null);
      job.promo(promo("c", 0, 60, 1));
      job.restart(2, Duration.ofMinutes(5));
      job.command(Action.RESUME, null, null);
      job.advance(Duration.ofSeconds(2));
      assertThat(job.deliveries()).isEmpty();
      assertThat(reports()).contains("c missed 1 0 0 0");
    }

    @Test
    void missesCampaignThatEndsBeforeTheList() throws Exception {
      job.command(Action.PAUSE, "r", null);
      job.promo(promo("c", 0, 60, 1));
      job.advance(Duration.ofMinutes(2));
      assertThat(reports()).containsExactly("c missed 0 0 0 0");
    }

    @Test
    void doesNotMissCampaignForClientsWhoJoinAfterItsEnd() throws Exception {
      job.refreshCompleted();
      job.audience("r", "a");
      job.promo(promo("c", 0, 60, 1));
      job.command(Action.PAUSE, "r", null);
      job.advance(Duration.ofMinutes(1));
      job.setSinksFull(true);
      job.advance(Duration.ofSeconds(1));
      job.audience("r", "a", "b");
      job.setSinksFull(false);
      job.advance(Duration.ofSeconds(2));
      assertThat(reports()).containsExactly("c ended 1 1 0 0");
    }

    @Test
    void holdsWhatIsPendingAfterTheEnd() throws Exception {
      job.audience("r", "a");
      job.promo(promo("c", 10, 60, 1));
      job.setSinksFull(true);
      job.advance(Duration.ofMinutes(2));
      job.command(Action.PAUSE, "r", "c");
      job.setSinksFull(false);
      job.advance(Duration.ofMinutes(1));
      assertThat(job.deliveries()).isEmpty();
      assertThat(reports()).containsExactly("c ended null 0 1 0");
      job.restart(2);
      job.command(Action.RESUME, "r", "c");
      job.advance(Duration.ofSeconds(1));
      assertThat(job.deliveries()).containsExactly("c v1 a");
      assertThat(reports()).containsExactly("c ended 1 1 0 0");
    }

    @Test
    void startsWhileJobIsDown() throws Exception {
      job.audience("r", "a");
      job.command(Action.PAUSE, "r", null);
      job.promo(promo("c", 10, 600, 1));
      job.restart(2, Duration.ofMinutes(1));
      job.advance(Duration.ofSeconds(2));
      assertThat(job.deliveries()).isEmpty();
      job.command(Action.RESUME, "r", null);
      job.advance(Duration.ofSeconds(2));
      assertThat(job.deliveries()).containsExactly("c v1 a");
    }

    @Test
    void endsWithTheControlTopic() throws Exception {
      job.audience("r", "a");
      job.command(Action.PAUSE, "r", "c");
      job.promo(promo("c", 0, 600, 1));
      job.restart(2, false, null);
      job.advance(Duration.ofMillis(10));
      assertThat(job.deliveries()).containsExactly("c v1 a");
    }

    @Test
    void isForgottenWithTheControlTopic() throws Exception {
      job.audience("r", "a");
      job.promo(promo("c", 0, 600, 1));
      job.command(Action.PAUSE, "r", "c");
      job.command(Action.STOP, "s", null);
      assertThat(reports()).containsExactly("c paused 1 1 0 0");
      job.restart(2, false, EACH_CHECKPOINT);
      assertThat(reports()).containsExactly("c live 1 1 0 0");
      job.restart(3, true, EACH_CHECKPOINT);
      assertThat(job.metric("commandsInForce")).isZero();
      job.audience("r", "a", "b");
      job.advance(Duration.ofMillis(10));
      assertThat(job.deliveries()).containsExactly("c v1 a", "c v1 b");
    }

    @Test
    void holdsNewerVersionToo() throws Exception {
      job.audience("r", "a");
      job.command(Action.PAUSE, "r", "c");
      job.promo(promo("c", 0, 600, 1));
      job.promo(promo("c", 0, 600, 2));
      job.command(Action.RESUME, "r", "c");
      job.advance(Duration.ofSeconds(1));
      assertThat(job.deliveries()).containsExactly("c v2 a");
    }

    @Test
    void holdsNewerVersionOfCampaignWithSlices() throws Exception {
      job.audience("r", clients(3_000));
      job.setSinksFull(true);
      job.promo(promo("c", 0, 600, 1));
      job.setSinksFull(false);
      job.command(Action.PAUSE, "r", "c");
      job.promo(promo("c", 0, 600, 2));
      job.advance(Duration.ofSeconds(1));
      assertThat(job.deliveries()).isEmpty();
      job.command(Action.RESUME, "r", "c");
      job.advance(Duration.ofSeconds(1));
      assertThat(job.deliveries()).hasSize(3_000).allMatch(one -> one.startsWith("c v2 "));
    }

    @Test
    void leavesNothingBehind() throws Exception {
      job.audience("r", "a");
      job.command(Action.PAUSE, null, null);
      job.promo(promo("c", 0, 60, 1));
      job.audience("r", "a", "b");
      job.advance(Duration.ofMinutes(2));
      job.audience("r");
      job.advance(REMEMBER.plusSeconds(2));
      reports();
      assertThat(job.keyedStateEntries()).isZero();
      assertThat(job.timers()).isZero();
    }

    @Test
    void leavesNothingBehindOfCancelledCampaigns() throws Exception {
      job.audience("r", "a");
      job.command(Action.PAUSE, null, null);
      job.promo(promo("stopped", 0, 600, 1));
      job.promo(promo("cancelled", 0, 600, 1));
      job.advance(Duration.ofMinutes(1));
      job.command(Action.STOP, "r", "stopped");
      job.promo(promo("cancelled", 0, 30, 2));
      job.audience("r");
      job.advance(REMEMBER.plusHours(1));
      reports();
      assertThat(job.keyedStateEntries()).isZero();
      assertThat(job.timers()).isZero();
    }

    /** The newer version starts after the moment at which the older one began to wait. */
    @Test
    void decidesForNewerVersionAfterItsEnd() throws Exception {
      job.audience("r", "a");
      job.command(Action.PAUSE, "r", "c");
      job.promo(promo("c", 0, 600, 1));
      job.advance(Duration.ofSeconds(30));
      job.promo(promo("c", 20, 60, 2));
      job.setSinksFull(true);
      job.command(Action.RESUME, "r", "c");
      job.advance(Duration.ofSeconds(60));
      job.setSinksFull(false);
      job.advance(Duration.ofSeconds(1));
      assertThat(job.deliveries()).containsExactly("c v2 a");
    }
  }

  @Nested
  class Stop {

    @Test
    void cancelsRunningCampaigns() throws Exception {
      job.audience("r", clients(3_000));
      job.promo(promo("waits", 100, 600, 1));
      job.promo(promo("c", 0, 600, 1));
      int before = job.deliveries().size();
      job.restart(2);
      job.command(Action.STOP, "r", null);
      job.advance(Duration.ofMinutes(3));
      assertThat(job.deliveries()).isEmpty();
      assertThat(reports())
          .contains("waits cancelled null 0 0 0", "c cancelled 3000 " + before + " 0 0");
      assertThat(job.metric("promosCancelled")).isEqualTo(2);
      assertThat(job.metric("slicesPending")).isZero();
    }

    @Test
    void refusesNewPromosUntilResumed() throws Exception {
      job.audience("r", "a");
      job.audience("s", "a");
      job.command(Action.STOP, null, "c");
      job.restart(3);
      job.promo(promo("c", 0, 600, 1));
      job.promo(promo("s", "c", 0, 600, 1));
      job.promo(promo("d", 0, 600, 1));
      assertThat(job.deliveries()).containsExactly("d v1 a");
      job.command(Action.RESUME, "r", "c");
      job.advance(Duration.ofSeconds(1));
      assertThat(job.deliveries()).as("it was cancelled").isEmpty();
      job.promo(promo("c", 0, 600, 2));
      job.promo(promo("s", "c", 0, 600, 2));
      assertThat(job.deliveries()).containsExactly("c v2 a");
    }

    @Test
    void stopsEverything() throws Exception {
      for (int i = 0; i < 50; i++) {
        job.audience("r" + i, "a");
        job.promo(promo("r" + i, "c", 100, 600, 1));
      }
      job.restart(3);
      job.reports();
      job.command(Action.STOP, null, null);
      job.advance(Duration.ofMinutes(3));
      assertThat(job.deliveries()).isEmpty();
      assertThat(reports()).hasSize(50).allMatch(report -> report.startsWith("c cancelled"));
    }
  }

  /** More restaurants than notice a command without a break. */
  @Nested
  class ManyRestaurants {

    private static final int COUNT = 350;

    @BeforeEach
    void send() throws Exception {
      for (int i = 0; i < COUNT; i++) {
        job.audience("r" + i, "a");
        job.promo(promo("r" + i, "c", 0, 600, 1));
      }
      assertThat(reports()).hasSize(COUNT);
      assertThat(job.deliveries()).hasSize(COUNT);
    }

    private void addClientEverywhere() throws Exception {
      for (int i = 0; i < COUNT; i++) {
        job.audience("r" + i, "a", "b");
      }
    }

    @Test
    void reportPauseBitByBit() throws Exception {
      job.command(Action.PAUSE, null, null);
      List<String> paused = reports();
      assertThat(paused).as("the checkpoint does not wait for all").hasSizeBetween(1, COUNT - 1);
      job.restart(3);
      job.advance(Duration.ofMillis(100));
      paused.addAll(reports());
      assertThat(paused).hasSize(COUNT).containsOnly("c paused 1 1 0 0");
      addClientEverywhere();
      job.advance(Duration.ofSeconds(1));
      assertThat(job.deliveries()).isEmpty();
    }

    @Test
    void arePausedAtOnce() throws Exception {
      job.command(Action.PAUSE, null, null);
      addClientEverywhere();
      assertThat(job.deliveries()).isEmpty();
      job.command(Action.RESUME, null, null);
      job.restart(2);
      job.advance(Duration.ofMillis(100));
      assertThat(job.deliveries()).hasSize(COUNT);
      assertThat(reports()).hasSize(COUNT).containsOnly("c live 2 2 0 0");
    }

    @Test
    void missCampaignsThatEndedBeforeTheyNoticeTheResume() throws Exception {
      job.command(Action.PAUSE, null, null);
      addClientEverywhere();
      job.restart(2, Duration.ofMinutes(20));
      job.command(Action.RESUME, null, null);
      assertThat(reports()).as("paused, and missed").hasSizeBetween(COUNT + 1, 2 * COUNT - 1);
      job.restart(3);
      job.advance(Duration.ofSeconds(2));
      assertThat(job.deliveries()).isEmpty();
      assertThat(job.metric("promosMissed")).isZero();
      assertThat(reports()).isNotEmpty().containsOnly("c missed 2 1 0 0");
    }

    @Test
    void stopOnlyWhatRanBefore() throws Exception {
      job.command(Action.STOP, null, null);
      job.command(Action.RESUME, null, null);
      job.promo(promo("r" + (COUNT - 1), "c", 0, 600, 2));
      List<String> stopped = reports();
      job.restart(3);
      addClientEverywhere();
      job.advance(Duration.ofSeconds(1));
      assertThat(job.deliveries()).containsExactly("c v2 b");
      stopped.addAll(reports());
      assertThat(stopped).filteredOn("c cancelled 1 1 0 0"::equals).hasSize(COUNT - 1);
      assertThat(stopped).contains("c live 2 2 0 0");
    }

    @Test
    void stopThoughTheControlTopicIsSwitchedOff() throws Exception {
      job.command(Action.STOP, null, null);
      job.restart(2, false, EACH_CHECKPOINT);
      addClientEverywhere();
      job.advance(Duration.ofSeconds(1));
      assertThat(job.deliveries()).isEmpty();
    }
  }

  @Nested
  class PaceOfDeliveries {

    private void limit(Integer total, Integer perRestaurant) throws Exception {
      job.restart(1, new Delivery(REMEMBER, null, 0, total, perRestaurant, null));
    }

    @Test
    void spreadsCampaignOverTime() throws Exception {
      limit(100, null);
      job.audience("r", clients(2_000));
      job.promo(promo("c", 0, 600, 1));
      List<String> all = new ArrayList<>();
      for (int second = 1; second <= 10; second++) {
        job.advanceTo((T0 + second) * 1000);
        all.addAll(job.deliveries());
        assertThat(all.size()).isBetween(100 * second - 20, 100 * second);
      }
      job.restart(2);
      job.advance(Duration.ofSeconds(30));
      all.addAll(job.deliveries());
      assertThat(all).hasSize(2_000).doesNotHaveDuplicates();
      assertThat(reports()).contains("c live 2000 2000 0 0");
    }

    @Test
    void completesCampaignAfterItsEnd() throws Exception {
      limit(100, null);
      job.audience("r", clients(1_000));
      job.promo(promo("c", 0, 2, 1));
      job.advance(Duration.ofSeconds(5));
      assertThat(reports()).anyMatch(report -> report.startsWith("c ended 1000 "));
      job.restart(2);
      job.advance(Duration.ofSeconds(60));
      assertThat(job.deliveries()).hasSize(1_000).doesNotHaveDuplicates();
      assertThat(reports()).containsExactly("c ended 1000 1000 0 0");
    }

    @Test
    void delaysOnlyTheRestaurantThatIsTooFast() throws Exception {
      limit(null, 10);
      job.audience("r", clients(1_000));
      job.audience("s", "a");
      job.promo(promo("c", 0, 600, 1));
      job.advance(Duration.ofSeconds(5));
      assertThat(job.deliveries().size()).isBetween(40, 50);
      job.promo(promo("s", "c", 0, 600, 1));
      job.advance(Duration.ofMillis(100));
      assertThat(job.deliveries()).contains("c v1 a");
    }

    @Test
    void serviceIsSharedAmongRestaurants() throws Exception {
      limit(100, null);
      for (int i = 0; i < 20; i++) {
        job.audience("r" + i, clients(100));
        job.promo(promo("r" + i, "c" + i, 0, 600, 1));
      }
      job.advance(Duration.ofSeconds(10));
      List<String> deliveries = job.deliveries();
      assertThat(deliveries.size()).isBetween(900, 1_000);
      assertThat(deliveries.stream().map(one -> one.substring(0, one.indexOf(' '))).distinct())
          .hasSizeGreaterThan(7);
      job.advance(Duration.ofSeconds(15));
      deliveries.addAll(job.deliveries());
      assertThat(deliveries).hasSize(2_000).doesNotHaveDuplicates();
    }

    @Test
    void splitsSlicesThatWereCutWithoutPace() throws Exception {
      job.audience("r", clients(3_000));
      job.setSinksFull(true);
      job.promo(promo("c", 0, 600, 1));
      limit(50, null);
      job.setSinksFull(false);
      job.advance(Duration.ofSeconds(2));
      assertThat(job.deliveries().size()).isBetween(80, 100);
      job.restart(2, NO_RULES);
      job.advance(Duration.ofSeconds(2));
      assertThat(job.deliveries().size()).isBetween(2_900, 2_920);
    }
  }

  @Nested
  class NotServed {

    @Test
    void isTheControlGroupAcrossRescaling() throws Exception {
      job.restart(1, new Delivery(REMEMBER, null, 5_000, null, null, null));
      job.audience("r", clients(500));
      job.setSinksFull(true);
      job.promo(promo("c", 0, 600, 1));
      job.restart(3);
      job.audience("r", clients(1_000));
      job.restart(2);
      job.setSinksFull(false);
      job.advance(Duration.ofSeconds(1));
      List<String> delivered = job.deliveries();
      assertThat(delivered).hasSizeBetween(400, 600).doesNotHaveDuplicates();
      assertThat(reports())
          .endsWith("c live 1000 %d 0 %d".formatted(delivered.size(), 1_000 - delivered.size()));
      job.restart(1);
      job.audience("r", clients(999));
      job.audience("r", clients(1_000));
      job.advance(Duration.ofSeconds(1));
      assertThat(job.deliveries()).isEmpty();
    }

    @Test
    void areLateSubscribersAcrossRescaling() throws Exception {
      job.restart(1, new Delivery(REMEMBER, Duration.ofSeconds(30), 0, null, null, null));
      job.audience("r", "a");
      job.refreshCompleted();
      job.promo(promo("c", 10, 600, 1));
      job.restart(3, Duration.ofSeconds(20));
      job.audience("r", "a", "b");
      job.advance(Duration.ofSeconds(1));
      assertThat(job.deliveries()).containsExactlyInAnyOrder("c v1 a", "c v1 b");
      job.restart(2, Duration.ofSeconds(20));
      job.audience("r", "a", "b", "late");
      job.restart(1);
      job.advance(Duration.ofSeconds(1));
      assertThat(job.deliveries()).isEmpty();
      assertThat(reports()).endsWith("c live 2 2 0 0");
    }
  }

  /** Quiet from 22:00 to 08:00 in Berlin, in the nights in which the clocks change there. */
  @Nested
  class ChangeOfClocks {

    private final QuietHours night =
        new QuietHours(LocalTime.of(22, 0), LocalTime.of(8, 0), ZoneId.of("Europe/Berlin"));

    /** Nothing is delivered between two moments, and then, within a second, everything. */
    private void assertQuiet(String from, String to) throws Exception {
      long begin = Instant.parse(from).getEpochSecond();
      long end = Instant.parse(to).getEpochSecond();
      job.advanceTo((begin - 1) * 1000);
      job.restart(1, new Delivery(REMEMBER, null, 0, null, null, night));
      job.audience("r", "a");
      job.promo(promo("before", begin - 1 - T0, end + 600 - T0, 1));
      assertThat(job.deliveries()).containsExactly("before v1 a");
      job.advanceTo(begin * 1000);
      job.promo(promo("inside", begin - T0, end + 600 - T0, 1));
      job.promo(promo("starts", begin + 7_200 - T0, end + 600 - T0, 1));
      job.promo(promo("ends", begin - T0, end - 1 - T0, 1));
      job.advanceTo((begin + 4 * 3_600) * 1000);
      job.restart(3);
      job.audience("r", "a", "b");
      job.advanceTo((end - 3_600) * 1000);
      job.restart(2);
      job.advanceTo(end * 1000 - 1);
      assertThat(job.deliveries()).isEmpty();
      job.advance(Duration.ofSeconds(1));
      assertThat(job.deliveries())
          .containsExactlyInAnyOrder(
              "before v1 b", "inside v1 a", "inside v1 b", "starts v1 a", "starts v1 b");
      assertThat(reports()).contains("ends missed 2 0 0 0");
    }

    @Test
    void shortensTheNightInSpring() throws Exception {
      assertQuiet("2024-03-30T21:00:00Z", "2024-03-31T06:00:00Z");
    }

    @Test
    void lengthensTheNightInAutumn() throws Exception {
      assertQuiet("2024-10-26T20:00:00Z", "2024-10-27T07:00:00Z");
    }
  }

  @Nested
  class Quiet {

    /** Quiet from {@link #T0} plus 40 s, which is 22:14 UTC, to 22:20. */
    private final QuietHours hours =
        new QuietHours(LocalTime.of(22, 14), LocalTime.of(22, 20), ZoneOffset.UTC);

    private static final long BEGIN = 40;
    private static final long END = BEGIN + 360;

    @BeforeEach
    void quiet() throws Exception {
      assertThat(Instant.ofEpochSecond(T0 + BEGIN)).hasToString("2023-11-14T22:14:00Z");
      job.restart(1, new Delivery(REMEMBER, null, 0, null, null, hours));
      job.audience("r", "a");
    }

    @Test
    void delayWhatIsLiveAfterwards() throws Exception {
      job.promo(promo("starts", 100, 1_000, 1));
      job.advanceTo((T0 + BEGIN + 10) * 1000);
      job.promo(promo("live", 0, 1_000, 1));
      job.restart(2);
      job.advanceTo((T0 + END) * 1000 - 1);
      assertThat(job.deliveries()).isEmpty();
      job.advance(Duration.ofMillis(20));
      assertThat(job.deliveries()).containsExactlyInAnyOrder("starts v1 a", "live v1 a");
    }

    @Test
    void delayPromoThatArrivesInThem() throws Exception {
      job.advanceTo((T0 + BEGIN + 10) * 1000);
      job.promo(promo("c", 0, 1_000, 1));
      job.advanceTo((T0 + END) * 1000 + 20);
      assertThat(job.deliveries()).containsExactly("c v1 a");
    }

    @Test
    void endWhenTheyAreSwitchedOff() throws Exception {
      job.advanceTo((T0 + BEGIN + 10) * 1000);
      job.promo(promo("c", 0, 1_000, 1));
      job.restart(2, NO_RULES);
      job.advance(Duration.ofMillis(10));
      assertThat(job.deliveries()).containsExactly("c v1 a");
    }

    @Test
    void delayNewSubscribers() throws Exception {
      job.promo(promo("c", 0, 1_000, 1));
      assertThat(job.deliveries()).containsExactly("c v1 a");
      job.advanceTo((T0 + BEGIN + 10) * 1000);
      job.audience("r", "a", "b");
      job.advance(Duration.ofMinutes(1));
      assertThat(job.deliveries()).isEmpty();
      assertThat(reports()).containsExactly("c live 1 1 1 0");
      job.advanceTo((T0 + END) * 1000 + 20);
      assertThat(job.deliveries()).containsExactly("c v1 b");
    }

    @Test
    void missCampaignThatLivesOnlyInThem() throws Exception {
      job.promo(promo("c", BEGIN + 10, END - 10, 1));
      job.restart(2);
      job.advanceTo((T0 + END) * 1000 + 20);
      assertThat(job.deliveries()).isEmpty();
      assertThat(reports()).contains("c missed 1 0 0 0");
      assertThat(job.metric("promosHeld")).isEqualTo(1);
      assertThat(job.metric("promosMissed")).as("somebody wanted it").isZero();
    }

    @Test
    void missCampaignThatLivesOnlyInThemWhileJobIsDown() throws Exception {
      job.promo(promo("c", BEGIN + 10, END - 10, 1));
      job.restart(2, Duration.ofMinutes(20));
      job.advance(Duration.ofSeconds(5));
      assertThat(job.deliveries()).isEmpty();
      assertThat(reports()).contains("c missed 1 0 0 0");
    }

    @Test
    void missCampaignAtItsEndAndNotForClientsWhoJoinLater() throws Exception {
      job.refreshCompleted();
      job.promo(promo("got", 0, BEGIN + 100, 1));
      job.advanceTo((T0 + BEGIN + 1) * 1000);
      job.promo(promo("missed", 0, BEGIN + 100, 1));
      job.advanceTo((T0 + BEGIN + 200) * 1000);
      assertThat(reports()).containsExactlyInAnyOrder("got ended 1 1 0 0", "missed missed 1 0 0 0");
      job.audience("r", "a", "b");
      job.advanceTo((T0 + END) * 1000 + 20);
      assertThat(reports()).isEmpty();
    }

    @Test
    void interruptLargeCampaign() throws Exception {
      job.audience("r", clients(5_000));
      job.setSinksFull(true);
      job.promo(promo("c", 0, 1_000, 1));
      job.promo(promo("brief", 0, END - 10, 1));
      job.advanceTo((T0 + BEGIN) * 1000);
      job.setSinksFull(false);
      job.advanceTo((T0 + END) * 1000 - 1);
      assertThat(job.deliveries()).isEmpty();
      job.advance(Duration.ofSeconds(1));
      assertThat(job.deliveries()).hasSize(5_000).allMatch(one -> one.startsWith("c "));
      assertThat(reports()).contains("brief missed 5000 0 0 0", "c live 5000 5000 0 0");
    }
  }

  @Nested
  class ReportsOnCampaigns {

    @Test
    void followCampaign() throws Exception {
      job.audience("r", "a", "b");
      job.promo(promo("c", 10, 60, 1));
      assertThat(reports()).containsExactly("c waiting null 0 0 0");
      job.advance(Duration.ofSeconds(20));
      assertThat(reports()).containsExactly("c live 2 2 0 0");
      assertThat(reports()).as("nothing changed").isEmpty();
      job.restart(2);
      job.audience("r", "a", "b", "x");
      job.advance(Duration.ofSeconds(1));
      assertThat(reports()).containsExactly("c live 3 3 0 0");
      job.advance(Duration.ofMinutes(1));
      assertThat(reports()).containsExactly("c ended 3 3 0 0");
      job.promo(promo("late", 0, 10, 1));
      assertThat(reports()).containsExactly("late late null 0 0 0");
      job.promo(promo("c", 10, 70, 2));
      assertThat(reports()).as("its newest promo came too late").containsExactly("c late 3 3 0 0");
      job.promo(promo("c", 10, 600, 3));
      assertThat(reports()).as("extended").containsExactly("c live 3 3 0 0");
      job.promo(promo("c", 10, 20, 4));
      assertThat(reports()).containsExactly("c cancelled 3 3 0 0");
      job.advance(REMEMBER.plusSeconds(2));
      job.checkpoint();
      assertThat(job.reports().stream().map(CampaignDeskTest::summary))
          .containsExactlyInAnyOrder("c tombstone", "late tombstone");
    }

    @Test
    void noticeTheEndOfCampaignThatHadNoTurn() throws Exception {
      job.audience("r", "a");
      job.promo(promo("c", 10, 60, 1));
      job.setSinksFull(true);
      job.advance(Duration.ofSeconds(30));
      assertThat(reports()).containsExactly("c live null 0 1 0");
      job.restart(2);
      job.advance(Duration.ofMinutes(1));
      assertThat(reports()).containsExactly("c ended null 0 1 0");
    }

    @Test
    void waitForTheirInterval() throws Exception {
      job.restart(1, true, Duration.ofSeconds(10));
      job.audience("r", "a");
      job.promo(promo("c", 0, 600, 1));
      assertThat(reports()).containsExactly("c live 1 1 0 0");
      job.advance(Duration.ofSeconds(1));
      job.audience("r", "a", "b");
      job.advance(Duration.ofSeconds(1));
      assertThat(reports()).as("2 s after the last report").isEmpty();
      job.restart(3);
      assertThat(reports()).isEmpty();
      job.advance(Duration.ofSeconds(8));
      assertThat(reports()).containsExactly("c live 2 2 0 0");
    }

    @Test
    void areRightAfterAbortedCheckpoint() throws Exception {
      job.restart(1, true, Duration.ofSeconds(10));
      job.audience("r", "a");
      job.promo(promo("c", 0, 600, 1));
      job.advance(Duration.ofSeconds(1));
      job.abortedCheckpoint();
      job.audience("r", "a", "b");
      job.advance(Duration.ofMillis(10));
      assertThat(reports())
          .as("the next checkpoint commits both reports")
          .containsExactly("c live 1 1 0 0", "c live 2 2 0 0");
    }

    @Test
    void countControlGroupAndUnsubscribed() throws Exception {
      job.restart(1, new Delivery(REMEMBER, null, 5_000, null, null, null));
      job.audience("r", clients(1_000));
      job.setSinksFull(true);
      job.promo(promo("c", 0, 600, 1));
      job.audience("r", clients(900));
      job.setSinksFull(false);
      job.advance(Duration.ofSeconds(1));
      int delivered = job.deliveries().size();
      long heldOut = job.metric("clientsHeldOut");
      assertThat(delivered).isBetween(350, 550);
      assertThat(reports()).containsExactly("c live 1000 " + delivered + " 0 " + heldOut);
    }

    @Test
    void doNotCountControlGroupAsPending() throws Exception {
      job.restart(1, new Delivery(REMEMBER, null, 10_000, null, null, null));
      job.audience("r", "a", "b");
      job.refreshCompleted();
      job.command(Action.PAUSE, "r", null);
      job.promo(promo("c", 0, 60, 1));
      assertThat(reports()).containsExactly("c paused null 0 0 0");
      job.advance(Duration.ofMinutes(2));
      assertThat(reports()).containsExactly("c ended 2 0 0 0");
      assertThat(job.metric("promosMissed")).isZero();
    }

    @Test
    void includeWhatHappenedBeforeTheyWereSwitchedOn() throws Exception {
      job.restart(1, false, null);
      job.audience("r", clients(3_000));
      job.promo(promo("c", 0, 600, 1));
      int before = job.deliveries().size();
      assertThat(before).isLessThan(3_000);
      job.restart(2, true, EACH_CHECKPOINT);
      job.advance(Duration.ofSeconds(1));
      assertThat(before + job.deliveries().size()).isEqualTo(3_000);
      assertThat(reports()).containsExactly("c live null 3000 0 0");
      job.restart(1, false, null);
      job.audience("r", clients(3_500));
      job.advance(Duration.ofSeconds(1));
      assertThat(job.deliveries()).hasSize(500);
      job.restart(2, true, EACH_CHECKPOINT);
      assertThat(reports()).containsExactly("c live null 3500 0 0");
    }

    @Test
    void includeOnlyTheDeliveriesOfTheTimeBefore() throws Exception {
      job.restart(1, new Delivery(REMEMBER, Duration.ofSeconds(30), 0, null, null, null));
      job.restart(1, false, null);
      job.audience("r", clients(100));
      job.refreshCompleted();
      job.promo(promo("c", 0, 600, 1));
      job.advance(Duration.ofSeconds(30));
      job.audience("r", clients(150));
      assertThat(job.deliveries()).hasSize(100);
      job.restart(2, NO_RULES);
      job.restart(3, true, EACH_CHECKPOINT);
      assertThat(reports()).containsExactly("c live null 100 0 0");
    }

    @Test
    void tellTheControlGroupOfTheTimeBefore() throws Exception {
      job.restart(1, false, null);
      job.audience("r", clients(100));
      job.promo(promo("c", 0, 600, 1));
      job.restart(2, new Delivery(REMEMBER, null, 5_000, null, null, null));
      job.audience("r", clients(300));
      job.advance(Duration.ofSeconds(1));
      int delivered = job.deliveries().size();
      assertThat(delivered).isBetween(101, 299);
      job.restart(3, true, EACH_CHECKPOINT);
      assertThat(reports())
          .as("clients of the group who got it before there was a group are delivered")
          .containsExactly("c live null " + delivered + " 0 " + (300 - delivered));
    }

    @Test
    void countNobodyAsPendingOfPostponedCampaign() throws Exception {
      job.audience("r", "a");
      job.command(Action.PAUSE, "r", "c");
      job.promo(promo("c", 0, 600, 1));
      assertThat(reports()).containsExactly("c paused null 0 1 0");
      job.promo(promo("c", 300, 600, 2));
      job.command(Action.RESUME, "r", "c");
      assertThat(reports()).containsExactly("c waiting null 0 0 0");
    }

    @Test
    void beginWithAllRunningCampaigns() throws Exception {
      job.restart(1, false, null);
      job.audience("r", "a", "b");
      job.promo(promo("ended", 0, 10, 1));
      job.promo(promo("live", 0, 600, 1));
      job.promo(promo("waiting", 500, 600, 1));
      job.advance(Duration.ofSeconds(30));
      job.restart(2, true, EACH_CHECKPOINT);
      assertThat(reports())
          .containsExactlyInAnyOrder("live live null 2 0 0", "waiting waiting null 0 0 0");
      job.restart(3);
      assertThat(reports()).as("nothing changed").isEmpty();
    }

    /** More campaigns than fit on the heap between two checkpoints. */
    @Test
    void coverManyCampaigns() throws Exception {
      job.audience("r", "a");
      for (int i = 0; i < 25_000; i++) {
        job.promo(promo("c" + i, 0, 600, 1));
      }
      assertThat(reports()).hasSize(25_000).allMatch(report -> report.endsWith(" live 1 1 0 0"));
      job.audience("r", "a", "b");
      job.advance(Duration.ofSeconds(30));
      assertThat(job.deliveries()).hasSize(50_000);
      Map<String, String> last = new HashMap<>();
      reports().forEach(report -> last.put(report.substring(0, report.indexOf(' ')), report));
      assertThat(last.values())
          .hasSize(25_000)
          .allMatch(report -> report.endsWith(" live 2 2 0 0"));
    }
  }
}
