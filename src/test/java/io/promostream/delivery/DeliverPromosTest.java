package io.promostream.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.config.JobConfig.Delivery;
import io.promostream.promo.Promo;
import io.promostream.subscribers.Audience;
import io.promostream.subscribers.ListUpdate.AudiencePart;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
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

/** The rules of delivery on both state backends, most of them across a rescale. */
@ParameterizedClass
@MethodSource("backends")
final class DeliverPromosTest {

  private static final Delivery NO_RULES =
      new Delivery(Duration.ofDays(7), null, 0, null, null, null);

  private static final Delivery LATE_WITHIN_30_S =
      new Delivery(Duration.ofDays(7), Duration.ofSeconds(30), 0, null, null, null);

  private static final Delivery ALL_HELD_OUT =
      new Delivery(Duration.ofDays(7), null, 10_000, null, null, null);

  /** A whole second, as starts and ends are. */
  private static final long T0 = 1_700_000_000L;

  private final StateBackend backend;
  private DeliveryDriver job;

  DeliverPromosTest(StateBackend backend) {
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
  }

  @AfterEach
  void stop() throws Exception {
    job.close();
  }

  /** A promo of restaurant r, live between two seconds, which count from T0. */
  private static Promo promo(String campaign, String content, long from, long to, long created) {
    return new Promo("r", campaign, content, "owner", "contact", T0 + from, T0 + to, created);
  }

  @Nested
  class WhileLive {

    @Test
    void deliversOnceToEachSubscriber() throws Exception {
      job.audience("r", "a", "b");
      job.promo(promo("c", "v1", 0, 60, 1));
      assertThat(job.deliveries()).containsExactlyInAnyOrder("c v1 a", "c v1 b");
      job.restart(2);
      job.audience("r", "a", "b");
      job.advance(Duration.ofMinutes(2));
      assertThat(job.deliveries()).isEmpty();
    }

    @Test
    void stampsBatchWithTimeSincePending() throws Exception {
      job.audience("r", "a");
      job.promo(promo("waits", "v1", 20, 60, 1));
      job.advance(Duration.ofSeconds(10));
      job.promo(promo("late", "v1", 0, 60, 1), (T0 + 4) * 1000);
      job.promo(promo("started", "v1", 8, 60, 1), (T0 + 1) * 1000);
      job.advance(Duration.ofSeconds(20));
      job.audience("r", "a", "joins");
      job.advance(Duration.ofSeconds(5));
      assertThat(job.due())
          .containsExactlyInAnyOrder(
              "late " + (T0 + 4) * 1000,
              "started " + (T0 + 8) * 1000,
              "waits " + (T0 + 20) * 1000,
              "late " + (T0 + 30) * 1000,
              "started " + (T0 + 30) * 1000,
              "waits " + (T0 + 30) * 1000);
    }

    @Test
    void deliversOnlyToSubscribersOfTheRestaurant() throws Exception {
      job.audience("other", "x");
      job.audience("r", "a");
      job.restart(3);
      job.promo(promo("c", "v1", 0, 60, 1));
      assertThat(job.deliveries()).containsExactly("c v1 a");
    }

    @Test
    void separatesCampaignsOfDifferentRestaurants() throws Exception {
      job.audience("r", "a");
      job.audience("s", "a");
      job.promo(promo("c", "v1", 0, 60, 1));
      job.restart(2);
      job.promo(new Promo("s", "c", "s1", "", "", T0, T0 + 60, 1));
      assertThat(job.deliveries()).containsExactly("c v1 a", "c s1 a");
    }

    @Test
    void deliversToNewSubscriberAtNextRefresh() throws Exception {
      job.audience("r", "a");
      job.promo(promo("c", "v1", 0, 60, 1));
      job.deliveries();
      job.advance(Duration.ofSeconds(30));
      job.audience("r", "a", "late");
      job.restart(2);
      job.advance(Duration.ofMillis(100));
      assertThat(job.deliveries()).containsExactly("c v1 late");
    }

    @Test
    void deliversToSubscriberOfTheLastSecondAfterTheEnd() throws Exception {
      job.promo(promo("c", "v1", 0, 60, 1));
      job.advanceTo((T0 + 61) * 1000 - 1);
      job.audience("r", "a");
      assertThat(job.deliveries()).isEmpty();
      job.restart(2);
      job.advance(Duration.ofMillis(500));
      assertThat(job.deliveries()).containsExactly("c v1 a");
    }

    @Test
    void skipsSubscriberWhoJoinsAfterTheEnd() throws Exception {
      job.promo(promo("c", "v1", 0, 60, 1));
      job.promo(promo("d", "v1", 0, 60, 1));
      job.advanceTo((T0 + 61) * 1000 - 1);
      job.audience("r", "a");
      job.advance(Duration.ofMillis(1));
      assertThat(job.deliveries()).as("the first turn").hasSize(1);
      job.audience("r", "a", "late");
      job.restart(2);
      job.advance(Duration.ofSeconds(1));
      assertThat(job.deliveries()).as("the second").hasSize(1).allMatch(d -> d.endsWith(" a"));
    }

    @Test
    void sendsAllSlicesThoughTheCampaignEnds() throws Exception {
      List<String> clients = clients(2_500);
      job.audience("r", clients.toArray(String[]::new));
      job.advanceTo((T0 + 61) * 1000 - 1);
      job.promo(promo("c", "v1", 0, 60, 1));
      assertThat(job.deliveries()).hasSize(1_000);
      job.restart(2, Duration.ofSeconds(10));
      job.advance(Duration.ofSeconds(1));
      assertThat(job.batches()).allSatisfy(b -> assertThat(b.matchedAt()).isEqualTo(T0 + 60));
      assertThat(job.deliveries()).hasSize(1_500).doesNotHaveDuplicates();
      assertThat(job.metric("slicesPending")).isZero();
    }

    @Test
    void recordsTimeOfMatching() throws Exception {
      job.audience("r", "a");
      job.advance(Duration.ofMillis(4_999));
      job.promo(promo("c", "v1", 0, 60, 1));
      assertThat(job.batches()).extracting(DeliveryBatch::matchedAt).containsExactly(T0 + 4);
    }

    @Test
    void matchesNoSubscriberBeforeTheyJoined() throws Exception {
      job.promo(promo("c", "v1", 0, 60, 1));
      job.promo(promo("d", "v1", 0, 60, 1));
      job.advanceTo((T0 + 60) * 1000 - 1);
      job.audience("r", "a");
      job.lapse(Duration.ofMillis(500));
      assertThat(job.deliveries()).as("the first turn").hasSize(1);
      job.audience("r", "a", "late");
      job.lapse(Duration.ofSeconds(1));
      job.advance(Duration.ofSeconds(1));
      assertThat(job.batches())
          .filteredOn(batch -> batch.clients().clientIds().contains("late"))
          .hasSize(2)
          .allMatch(batch -> batch.matchedAt() == T0 + 60);
    }

    @Test
    void recordsActualNotPlannedTimeOfMatching() throws Exception {
      job.promo(promo("c", "v1", 0, 60, 1));
      job.audience("r", "a");
      job.restart(2, Duration.ofSeconds(10));
      job.advance(Duration.ofSeconds(1));
      assertThat(job.batches()).extracting(DeliveryBatch::matchedAt).containsExactly(T0 + 10);
    }
  }

  @Nested
  class BeforeStart {

    @Test
    void deliversAtTheStart() throws Exception {
      job.audience("r", "a", "b");
      job.promo(promo("c", "v1", 30, 60, 1));
      job.restart(3);
      job.advanceTo((T0 + 30) * 1000 - 1);
      assertThat(job.deliveries()).isEmpty();
      assertThat(job.metric("campaignsWaiting")).isEqualTo(1);
      job.restart(2);
      job.advance(Duration.ofMillis(1));
      job.advance(Duration.ofMillis(1));
      assertThat(job.deliveries()).containsExactlyInAnyOrder("c v1 a", "c v1 b");
      assertThat(job.metric("campaignsWaiting")).isZero();
      assertThat(job.metric("campaignsLive")).isEqualTo(1);
    }

    @Test
    void skipsSubscriberWhoLeftBeforeTheStart() throws Exception {
      job.audience("r", "a", "b");
      job.promo(promo("c", "v1", 30, 60, 1));
      job.audience("r", "b");
      job.restart(2);
      job.advance(Duration.ofSeconds(31));
      job.advance(Duration.ofMillis(5));
      assertThat(job.deliveries()).containsExactly("c v1 b");
    }

    @Test
    void countsMissedIfJobWasDownFromStartToEnd() throws Exception {
      job.refreshCompleted();
      job.audience("r", "a");
      job.promo(promo("c", "v1", 30, 60, 1));
      job.restart(2, Duration.ofMinutes(2));
      job.advance(Duration.ofSeconds(1));
      job.advance(Duration.ofSeconds(1));
      assertThat(job.deliveries()).isEmpty();
      assertThat(job.metric("promosMissed")).isEqualTo(1);
    }

    @Test
    void deliversAfterRestartIfStartPassedWhileDown() throws Exception {
      job.audience("r", "a");
      job.promo(promo("c", "v1", 30, 600, 1));
      job.restart(2, Duration.ofMinutes(2));
      job.advance(Duration.ofSeconds(1));
      job.advance(Duration.ofSeconds(1));
      assertThat(job.deliveries()).containsExactly("c v1 a");
      assertThat(job.metric("promosMissed")).isZero();
    }
  }

  @Nested
  class WhileTheClockTicks {

    @Test
    void deliversPromoThatArrivesJustBeforeItsStart() throws Exception {
      job.audience("r", "a");
      job.advanceTo((T0 + 10) * 1000 - 1);
      job.startTicking();
      job.promo(promo("c", "v1", 10, 60, 1));
      assertThat(job.metric("campaignsWaiting")).isEqualTo(1);
      job.advance(Duration.ofSeconds(2));
      assertThat(job.deliveries()).containsExactly("c v1 a");
    }

    @Test
    void closesCampaignSentJustBeforeItsEnd() throws Exception {
      for (int before = 1; before <= 5; before++) {
        String restaurant = "r" + before;
        job.audience(restaurant, "a");
        job.advanceTo((T0 + 10L * before) * 1000 - before);
        job.startTicking();
        job.promo(new Promo(restaurant, "c", "v1", "", "", T0, T0 + 10L * before - 1, 1));
        job.stopTicking();
      }
      job.advance(Duration.ofSeconds(2));
      assertThat(job.deliveries()).hasSize(5);
      assertThat(job.metric("campaignsLive")).isZero();
      assertThat(job.metric("campaignsRemembered")).isEqualTo(5);
    }
  }

  @Nested
  class Late {

    @Test
    void countsAndDropsLatePromo() throws Exception {
      job.audience("r", "a");
      job.promo(promo("c", "v1", -60, -1, 1));
      assertThat(job.metric("promosLate")).isEqualTo(1);
      job.restart(2);
      job.advance(Duration.ofSeconds(5));
      assertThat(job.deliveries()).isEmpty();
    }

    @Test
    void countsMissedInsteadOfLateIfJobWasDown() throws Exception {
      job.refreshCompleted();
      job.restart(2, Duration.ofMinutes(2));
      job.promo(promo("old", "v1", -60, -1, 1), (T0 - 30) * 1000);
      job.promo(promo("overdue", "v1", 10, 60, 1), (T0 + 70) * 1000);
      assertThat(job.metric("promosMissed")).isZero();
      job.promo(promo("c", "v1", 10, 60, 1), (T0 + 30) * 1000);
      assertThat(job.metric("promosMissed")).isEqualTo(1);
      job.advance(Duration.ofMinutes(2));
      job.promo(promo("behind", "v1", 130, 150, 1), (T0 + 130) * 1000);
      assertThat(job.metric("promosMissed")).isEqualTo(1);
      assertThat(job.metric("promosLate")).isEqualTo(3);
    }

    @Test
    void ignoresOlderVersionAfterCancellation() throws Exception {
      job.audience("r", "a");
      job.promo(promo("c", "cancel", -60, -1, 2));
      assertThat(job.metric("promosLate")).isEqualTo(1);
      job.restart(2);
      job.promo(promo("c", "v1", 0, 60, 1));
      assertThat(job.deliveries()).isEmpty();
      assertThat(job.metric("promosRepeated")).isEqualTo(1);
    }
  }

  @Nested
  class Versions {

    @Test
    void ignoresRepeatedPromo() throws Exception {
      job.audience("r", "a");
      job.promo(promo("c", "v1", 0, 60, 1));
      job.restart(2);
      job.promo(promo("c", "v1", 0, 60, 1));
      assertThat(job.deliveries()).containsExactly("c v1 a");
      assertThat(job.metric("promosRepeated")).isEqualTo(1);
    }

    @Test
    void deliversNewerVersionToRemainingClients() throws Exception {
      job.audience("r", "a");
      job.promo(promo("c", "v1", 0, 60, 1));
      job.restart(2);
      job.promo(promo("c", "v2", 0, 60, 2));
      job.audience("r", "a", "b");
      job.advance(Duration.ofMillis(5));
      assertThat(job.deliveries()).containsExactly("c v1 a", "c v2 b");
    }

    /** The time of matching is never before the promo was written. */
    @Test
    void matchesPendingClientsAgainForNewerVersion() throws Exception {
      job.audience("r", clients(3_000).toArray(String[]::new));
      job.setSinksFull(true);
      job.promo(promo("c", "v1", 0, 60, 1));
      job.advance(Duration.ofSeconds(10));
      job.promo(promo("c", "v2", 5, 60, 2));
      job.setSinksFull(false);
      job.advance(Duration.ofSeconds(2));
      assertThat(job.batches())
          .hasSize(3)
          .allMatch(batch -> batch.promo().content().equals("v2"))
          .allMatch(batch -> batch.matchedAt() == T0 + 10);
      assertThat(job.deliveries()).hasSize(3_000).doesNotHaveDuplicates();
    }

    @Test
    void sendsNewerVersionInRemainingSlices() throws Exception {
      job.audience("r", clients(3_000).toArray(String[]::new));
      job.promo(promo("c", "v1", 0, 60, 1));
      assertThat(job.deliveries()).hasSize(1_000).allMatch(d -> d.startsWith("c v1"));
      job.restart(2);
      job.promo(promo("c", "v2", 0, 60, 2));
      job.advance(Duration.ofSeconds(1));
      assertThat(job.deliveries()).hasSize(2_000).allMatch(d -> d.startsWith("c v2"));
    }

    @Test
    void cancelsCampaignByEndInThePast() throws Exception {
      job.audience("r", clients(3_000).toArray(String[]::new));
      job.promo(promo("c", "v1", 0, 60, 1));
      job.deliveries();
      job.restart(2);
      job.promo(promo("c", "gone", -60, -1, 2));
      job.advance(Duration.ofSeconds(1));
      job.audience("r", clients(4_000).toArray(String[]::new));
      job.advance(Duration.ofSeconds(1));
      assertThat(job.deliveries()).isEmpty();
      assertThat(job.metric("promosCancelled")).isEqualTo(1);
      assertThat(job.metric("slicesPending")).isZero();
      assertThat(job.metric("recipientsRemembered")).isEqualTo(1_000);
    }

    @Test
    void postponesRemainingDeliveriesByLaterStart() throws Exception {
      job.audience("r", clients(3_000).toArray(String[]::new));
      job.promo(promo("c", "v1", 0, 60, 1));
      List<String> first = job.deliveries();
      job.promo(promo("c", "v2", 30, 60, 2));
      job.restart(2);
      job.advance(Duration.ofSeconds(29));
      assertThat(job.deliveries()).isEmpty();
      job.advance(Duration.ofSeconds(2));
      job.advance(Duration.ofSeconds(1));
      List<String> second = job.deliveries();
      assertThat(second).hasSize(2_000).allMatch(d -> d.startsWith("c v2"));
      assertThat(clientsOf(second)).doesNotContainAnyElementsOf(clientsOf(first));
    }

    @Test
    void remembersEndedCampaignForCopiesAndExtensions() throws Exception {
      job.audience("r", "a");
      job.promo(promo("c", "v1", 0, 60, 1));
      job.deliveries();
      job.advance(Duration.ofMinutes(2));
      job.advance(Duration.ofSeconds(1));
      assertThat(job.metric("campaignsRemembered")).isEqualTo(1);
      job.restart(2, Duration.ofDays(6));
      job.promo(promo("c", "v1", 0, 60, 1));
      job.audience("r", "a", "b");
      long later = job.now() / 1000 - T0 + 60;
      job.promo(promo("c", "extended", 0, later, 2));
      job.advance(Duration.ofSeconds(1));
      assertThat(job.deliveries()).containsExactly("c extended b");
    }

    @Test
    void leavesNoStateOfForgottenCampaigns() throws Exception {
      job.promo(promo("c", "v1", 0, 60, 1));
      job.promo(promo("late", "v1", -60, -1, 1));
      job.promo(promo("cancelled", "v1", 30, 60, 1));
      job.promo(promo("cancelled", "v2", -30, -1, 2));
      job.audience("r", "a");
      job.advance(Duration.ofMinutes(2));
      job.advance(Duration.ofSeconds(1));
      job.audience("r");
      job.restart(2);
      assertThat(job.keyedStateEntries()).isPositive();
      job.advance(NO_RULES.rememberEnded().plusMinutes(2));
      job.advance(Duration.ofSeconds(1));
      assertThat(job.keyedStateEntries()).isZero();
      assertThat(job.timers()).isZero();
      for (String gauge : DeliveryDriver.POPULATION) {
        assertThat(job.metric(gauge)).as(gauge).isZero();
      }
    }
  }

  @Nested
  class Unsubscribing {

    @Test
    void deliversNoSecondTimeAfterResubscribing() throws Exception {
      job.audience("r", "a", "b");
      job.promo(promo("c", "v1", 0, 60, 1));
      job.deliveries();
      job.audience("r", "b");
      job.restart(2);
      job.audience("r", "a", "b");
      job.advance(Duration.ofSeconds(1));
      assertThat(job.deliveries()).isEmpty();
    }

    @Test
    void takesUnsubscribedClientOutOfPendingSlices() throws Exception {
      List<String> clients = clients(3_000);
      job.audience("r", clients.toArray(String[]::new));
      job.promo(promo("c", "v1", 0, 600, 1));
      List<String> got = new ArrayList<>(clientsOf(job.deliveries()));
      List<String> others = new ArrayList<>(clients);
      others.removeAll(new HashSet<>(got));
      String leaver = others.get(1_999);
      List<String> staying = new ArrayList<>(clients);
      staying.remove(leaver);
      job.audience("r", staying.toArray(String[]::new));
      job.restart(2);
      job.advance(Duration.ofSeconds(1));
      assertThat(clientsOf(job.deliveries())).hasSize(1_999).doesNotContain(leaver);
      job.audience("r", clients.toArray(String[]::new));
      job.advance(Duration.ofSeconds(1));
      assertThat(clientsOf(job.deliveries())).containsExactly(leaver);
    }
  }

  @Nested
  class LateSubscribers {

    @BeforeEach
    void limit() throws Exception {
      job.restart(2, LATE_WITHIN_30_S);
    }

    @Test
    void deliversOnlyUntilTheLimit() throws Exception {
      job.audience("r", "a");
      job.refreshCompleted();
      job.promo(promo("c", "v1", 0, 60, 1));
      job.advance(Duration.ofMillis(29_900));
      job.audience("r", "a", "b");
      job.advance(Duration.ofMillis(100));
      assertThat(job.deliveries()).containsExactly("c v1 a", "c v1 b");
      job.audience("r", "a", "b", "late");
      job.advance(Duration.ofMillis(5));
      assertThat(job.deliveries()).isEmpty();
      assertThat(job.metric("clientsTooLate")).isEqualTo(1);
    }

    @Test
    void neverDeliversToExcludedClient() throws Exception {
      job.audience("r", "a");
      job.refreshCompleted();
      job.promo(promo("c", "v1", 0, 60, 1));
      job.advance(Duration.ofSeconds(30));
      job.audience("r", "a", "late");
      job.restart(1, NO_RULES);
      job.promo(promo("c", "v2", 0, 90, 2));
      job.audience("r", "a");
      job.audience("r", "a", "late");
      job.advance(Duration.ofSeconds(5));
      assertThat(job.deliveries()).containsExactly("c v1 a");
    }

    @Test
    void deliversFirstListAfterTheLimit() throws Exception {
      job.promo(promo("c", "v1", 0, 60, 1));
      job.advance(Duration.ofSeconds(40));
      job.audience("r", "a");
      job.advance(Duration.ofMillis(5));
      assertThat(job.deliveries()).containsExactly("c v1 a");
    }

    @Test
    void deliversNewerVersionAfterTheLimit() throws Exception {
      job.audience("r", "a");
      job.refreshCompleted();
      job.setSinksFull(true);
      job.promo(promo("c", "v1", 0, 60, 1));
      job.advance(Duration.ofSeconds(40));
      job.promo(promo("c", "v2", 0, 60, 2));
      job.setSinksFull(false);
      job.advance(Duration.ofSeconds(1));
      assertThat(job.deliveries()).containsExactly("c v2 a");
    }

    @Test
    void countsFromTheStartOfEachCampaign() throws Exception {
      job.audience("r", "a");
      job.refreshCompleted();
      job.promo(promo("first", "v1", 0, 60, 1));
      job.promo(promo("second", "v1", 20, 60, 1));
      job.advance(Duration.ofSeconds(40));
      job.audience("r", "a", "b");
      job.advance(Duration.ofMillis(5));
      assertThat(job.deliveries())
          .containsExactlyInAnyOrder("first v1 a", "second v1 a", "second v1 b");
    }
  }

  @Nested
  class HeldOut {

    @Test
    void deliversNothingToTheControlGroup() throws Exception {
      job.restart(2, ALL_HELD_OUT);
      job.audience("r", "a", "b");
      job.refreshCompleted();
      job.promo(promo("c", "v1", 0, 60, 1));
      assertThat(job.metric("clientsHeldOut")).isEqualTo(2);
      job.restart(1, NO_RULES);
      job.audience("r", "a", "b", "joins");
      job.promo(promo("c", "v2", 0, 60, 2));
      job.advance(Duration.ofSeconds(61));
      assertThat(job.deliveries()).containsExactly("c v2 joins");
      assertThat(job.metric("promosMissed")).isZero();
    }

    @Test
    void doesNotReachBackToEarlierDeliveries() throws Exception {
      job.audience("r", "a");
      job.promo(promo("c", "v1", 0, 60, 1));
      job.restart(1, ALL_HELD_OUT);
      job.audience("r", "a", "b");
      job.advance(Duration.ofSeconds(5));
      assertThat(job.deliveries()).containsExactly("c v1 a");
      assertThat(job.metric("clientsHeldOut")).isEqualTo(1);
    }
  }

  @Nested
  class BeforeTheList {

    @Test
    void waitsForTheList() throws Exception {
      job.promo(promo("c", "v1", 0, 60, 1));
      job.restart(2);
      job.advance(Duration.ofSeconds(10));
      job.audience("r", "a");
      job.advance(Duration.ofMillis(5));
      assertThat(job.deliveries()).containsExactly("c v1 a");
    }

    @Test
    void appliesAudienceWithItsLastPart() throws Exception {
      job.promo(promo("c", "v1", 0, 60, 1));
      for (int part = 0; part < 4; part++) {
        job.update(new AudiencePart("r", part, false, Audience.of("stale" + part)));
      }
      job.update(new AudiencePart("r", 0, false, Audience.of("a")));
      job.restart(2);
      job.update(new AudiencePart("r", 1, false, Audience.of("b")));
      job.advance(Duration.ofMillis(5));
      assertThat(job.deliveries()).isEmpty();
      job.update(new AudiencePart("r", 2, true, Audience.of("c")));
      job.advance(Duration.ofMillis(5));
      assertThat(job.deliveries()).containsExactlyInAnyOrder("c v1 a", "c v1 b", "c v1 c");
    }

    @Test
    void countsMissedIfListArrivesAfterTheEnd() throws Exception {
      job.promo(promo("c", "v1", 0, 60, 1));
      job.restart(2);
      job.advance(Duration.ofSeconds(61));
      job.advance(Duration.ofSeconds(1));
      job.audience("r", "a");
      job.refreshCompleted();
      job.advance(Duration.ofSeconds(1));
      assertThat(job.deliveries()).isEmpty();
      assertThat(job.metric("promosMissed")).isEqualTo(1);
    }

    @Test
    void doesNotCountMissedWithoutSubscribers() throws Exception {
      job.promo(promo("c", "v1", 0, 60, 1));
      job.refreshCompleted();
      job.restart(2);
      job.advance(Duration.ofSeconds(61));
      job.advance(Duration.ofSeconds(1));
      assertThat(job.metric("campaignsRemembered")).isEqualTo(1);
      assertThat(job.metric("promosMissed")).isZero();
    }
  }

  @Nested
  class InSlices {

    @Test
    void sendsOneSlicePerTimer() throws Exception {
      int restaurants = 200;
      for (int i = 0; i < restaurants; i++) {
        job.audience("r" + i, "a", "b");
        job.promo(new Promo("r" + i, "c", "v1", "", "", T0 + 10, T0 + 60, 1));
      }
      job.advanceTo((T0 + 10) * 1000);
      assertThat(job.batches()).as("at the start itself nothing goes out").isEmpty();
      for (int i = 1; i <= restaurants; i++) {
        job.advance(Duration.ofMillis(1));
        assertThat(job.batches()).hasSize(i);
      }
      assertThat(job.deliveries()).hasSize(2 * restaurants);
    }

    @Test
    void deliversPostponedCampaignWhoseTurnComesAfterItsStart() throws Exception {
      job.audience("r", "a");
      job.setSinksFull(true);
      job.promo(promo("c", "v1", 0, 60, 1));
      job.promo(promo("c", "v2", 30, 60, 2));
      job.restart(2);
      job.advance(Duration.ofSeconds(31));
      job.setSinksFull(false);
      job.advance(Duration.ofSeconds(1));
      assertThat(job.deliveries()).containsExactly("c v2 a");
    }

    @Test
    void keepsTheTimerOfASlotWhenAWakeOfTheSameTimeMoves() throws Exception {
      for (int i = 0; i < 50; i++) {
        job.promo(new Promo("other" + i, "c", "v1", "", "", T0 + 11, T0 + 60, 1));
      }
      // The 51st wake of this second is 50 ms late.
      job.promo(promo("waits", "v1", 11, 60, 1));
      job.promo(promo("c", "v1", 0, 60, 1));
      job.restart(1);
      job.advanceTo((T0 + 11) * 1000 + 50 - 252);
      job.audience("r", "a");
      job.setSinksFull(true);
      // The turn comes 1 ms later, finds full sinks, and moves by 251 ms, to the time of the wake.
      job.advance(Duration.ofMillis(2));
      // After the restart, the wake of the same second is free, and replaces the late one.
      job.promo(promo("early", "v1", 11, 60, 1));
      job.setSinksFull(false);
      job.advance(Duration.ofSeconds(2));
      assertThat(job.deliveries()).containsExactlyInAnyOrder("c v1 a", "waits v1 a", "early v1 a");
    }

    @Test
    void spreadsCampaignsOfOneSecondOverIt() throws Exception {
      int restaurants = 3_000;
      for (int i = 0; i < restaurants; i++) {
        job.audience("r" + i, "a");
        // Some end with the second in which they start.
        job.promo(new Promo("r" + i, "c", "v1", "", "", T0 + 10, T0 + 10 + i % 2, 1));
      }
      int before = 0;
      for (int millis = 0; millis < 1_000; millis++) {
        job.advanceTo((T0 + 10) * 1000 + millis);
        assertThat(job.batches().size() - before).isLessThanOrEqualTo(8);
        before = job.batches().size();
      }
      assertThat(before).isGreaterThan(restaurants - 20);
      job.advanceTo((T0 + 20) * 1000);
      assertThat(job.deliveries()).hasSize(restaurants);
      assertThat(job.metric("promosMissed")).isZero();
    }

    @Test
    void doesNotCountMissedIfTimersAreLate() throws Exception {
      job.audience("r", "a");
      job.promo(promo("first", "v1", 1, 60, 1));
      job.advance(Duration.ofSeconds(2));
      job.promo(promo("c", "v1", 10, 11, 1));
      job.lapse(Duration.ofSeconds(30));
      job.advance(Duration.ofSeconds(1));
      assertThat(job.deliveries()).containsExactly("first v1 a", "c v1 a");
      assertThat(job.metric("promosMissed")).isZero();
    }

    @Test
    void keepsSlicesWhileThereIsNoRoomInFrontOfTheSinks() throws Exception {
      List<String> clients = clients(3_000);
      job.audience("r", clients.toArray(String[]::new));
      job.promo(promo("large", "v1", 0, 600, 1));
      List<String> got = new ArrayList<>(clientsOf(job.deliveries()));
      assertThat(got).hasSize(1_000);

      job.setRoom(false);
      job.advance(Duration.ofSeconds(1));
      assertThat(job.deliveries()).isEmpty();
      assertThat(job.metric("slicesPending")).isEqualTo(2);
      job.restart(2);
      job.advance(Duration.ofSeconds(1));
      assertThat(job.deliveries()).isEmpty();

      job.setRoom(true);
      job.advance(Duration.ofMillis(10));
      got.addAll(clientsOf(job.deliveries()));
      assertThat(got).containsExactlyInAnyOrderElementsOf(clients);
    }

    /** What the sinks cannot hold waits in the state of this operator, and only there. */
    @Test
    void keepsSlicesOfNewPromosWhileSinksAreFull() throws Exception {
      List<String> clients = clients(2_500);
      job.audience("r", clients.toArray(String[]::new));
      job.audience("small", "a");
      job.setSinksFull(true);
      job.promo(promo("c", "v1", 0, 60, 1));
      job.promo(new Promo("small", "c", "v1", "owner", "contact", T0, T0 + 60, 1));
      job.advance(Duration.ofSeconds(5));
      assertThat(job.deliveries()).isEmpty();
      assertThat(job.metric("slicesPending")).isEqualTo(4);
      job.restart(2);
      job.promo(promo("c", "v2", 0, 60, 2));
      job.advance(Duration.ofSeconds(5));
      assertThat(job.deliveries()).isEmpty();

      job.setSinksFull(false);
      job.advance(Duration.ofSeconds(1));
      assertThat(clientsOf(job.deliveries())).hasSize(2_501).containsAll(clients).contains("a");
    }

    @Test
    void finishesOneCampaignBeforeTheNext() throws Exception {
      job.audience("r", clients(2_500).toArray(String[]::new));
      for (int i = 0; i < 10; i++) {
        job.promo(promo("c" + i, "v1", 10, 60, 1));
      }
      job.advanceTo((T0 + 10) * 1000);
      job.restart(3);
      job.advance(Duration.ofSeconds(1));
      List<String> campaigns = job.batches().stream().map(b -> b.promo().campaignId()).toList();
      assertThat(campaigns).hasSize(30);
      for (int i = 0; i < 30; i += 3) {
        assertThat(campaigns.subList(i, i + 3)).containsOnly(campaigns.get(i));
      }
      assertThat(job.deliveries()).hasSize(25_000).doesNotHaveDuplicates();
    }
  }

  private static List<String> clients(int count) {
    return IntStream.range(0, count).mapToObj(i -> "client-" + i).toList();
  }

  private static List<String> clientsOf(List<String> deliveries) {
    return deliveries.stream().map(d -> d.substring(d.lastIndexOf(' ') + 1)).toList();
  }
}
