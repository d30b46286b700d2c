package io.promostream.drills;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.drills.Expectation.Due;
import io.promostream.local.Delivery;
import io.promostream.promo.Promo;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * The audit requires every delivery that the contract determines, and allows every one that depends
 * on timing.
 */
class ExpectationTest {

  private static final long ALWAYS = 9_000_000_000L;

  private final List<Journal.Event> events = new ArrayList<>();
  private final Map<Delivery, Long> writtenAt = new HashMap<>();

  private void subscribed(long second, String client) {
    events.add(new Journal.Subscribed(second * 1000, "r", client));
  }

  private void unsubscribed(long second, String client) {
    events.add(new Journal.Unsubscribed(second * 1000, "r", client));
  }

  private Promo published(long second, String campaign, long start, long end, long created) {
    Promo promo =
        new Promo("r", campaign, "written " + created, "owner", "contact", start, end, created);
    events.add(new Journal.Published(second * 1000, promo));
    return promo;
  }

  private Delivery delivered(Promo promo, String client, long second) {
    return delivered(promo, client, second, second);
  }

  private Delivery delivered(Promo promo, String client, long decided, long written) {
    Delivery delivery = new Delivery(promo, client, decided);
    writtenAt.put(delivery, written * 1000);
    return delivery;
  }

  private Expectation expectation() {
    return new Expectation(events, writtenAt, 1_000);
  }

  private static Set<Due> due(String campaign, String... clients) {
    return Set.copyOf(
        List.of(clients).stream().map(client -> new Due("r", campaign, client)).toList());
  }

  private void assertWrong(Promo promo, String client, long second) {
    assertThat(expectation().allows(new Delivery(promo, client, second))).isFalse();
  }

  @Test
  void owesPausedPromoOnlyAfterTheResume() {
    events.add(new Journal.Paused("r"));
    subscribed(1, "a");
    Promo promo = published(2, "c", 1, 9_999, 1);
    assertThat(expectation().owed()).isEmpty();
    assertThat(expectation().open()).isEmpty();
    assertWrong(promo, "a", 100);
    events.add(new Journal.Resumed(200_999, "r"));
    assertThat(expectation().owed()).isEqualTo(due("c", "a"));
    assertWrong(promo, "a", 199);
    assertThat(expectation().allows(new Delivery(promo, "a", 200))).isTrue();
  }

  @Test
  void allowsNothingOfStoppedRestaurant() {
    events.add(new Journal.Stopped("r"));
    subscribed(1, "a");
    Promo promo = published(2, "c", 1, 9_999, 1);
    assertThat(expectation().owed()).isEmpty();
    assertWrong(promo, "a", 100);
  }

  @Test
  void owesFinallyLivePromoToEverySubscriber() {
    subscribed(1, "a");
    published(2, "c", 0, ALWAYS, 1);
    subscribed(3, "b");
    assertThat(expectation().owed()).isEqualTo(due("c", "a", "b"));
  }

  @Test
  void doesNotOweFutureEndedOrReplacedPromos() {
    subscribed(1, "a");
    Promo future = published(2, "future", 5_000, ALWAYS, 1);
    Promo over = published(2, "over", 0, 1, 1);
    Promo newer = published(2, "c", 0, ALWAYS, 2);
    Promo older = published(2, "c", 0, ALWAYS, 1);
    Promo equal = new Promo("r", "c", "equal", "owner", "contact", 0, ALWAYS, 2);
    events.add(new Journal.Published(2_000, equal));
    assertThat(expectation().owed()).isEqualTo(due("c", "a"));
    assertThat(expectation().open()).isEmpty();
    assertThat(expectation().allows(new Delivery(newer, "a", 3))).isTrue();
    for (Promo wrong : List.of(future, over, older, equal)) {
      assertWrong(wrong, "a", 3);
    }
    assertWrong(newer, "stranger", 3);
    assertWrong(newer, "a", 1);
  }

  @Test
  void owesEndedPromoToAudienceOfDecisionThatWentOut() {
    subscribed(1, "a");
    subscribed(1, "b");
    Promo promo = published(10, "short", 11, 30, 1);
    assertThat(expectation().open())
        .as("it may have come too late")
        .isEqualTo(due("short", "a", "b"));
    delivered(published(10, "next", 0, ALWAYS, 1), "b", 12);
    delivered(promo, "a", 13);
    assertThat(expectation().owed())
        .as("a pace may have split the decision")
        .doesNotContain(new Due("r", "short", "b"));
    subscribed(14, "c");
    delivered(promo, "c", 20, 40);
    assertThat(expectation().owed()).contains(new Due("r", "short", "b"));
    assertThat(expectation().owed())
        .as("no decision is known to have come after the one with c")
        .doesNotContain(new Due("r", "short", "c"));
  }

  /** The slices waited for full sinks, and a refresh took the guest out of them. */
  @Test
  void allowsPromoToClientWhoUnsubscribedBeforeItWasWritten() {
    subscribed(1, "a");
    subscribed(2, "guest");
    Promo promo = published(3, "c", 0, ALWAYS, 1);
    delivered(published(3, "other", 0, ALWAYS, 1), "guest", 4);
    delivered(promo, "a", 5, 15);
    subscribed(6, "b");
    delivered(promo, "b", 9, 16);
    unsubscribed(10, "guest");
    assertThat(expectation().owed()).doesNotContain(new Due("r", "c", "guest"));
    assertThat(expectation().open()).contains(new Due("r", "c", "guest"));
  }

  @Test
  void allowsVersionThatWasReplacedBeforeItWasWritten() {
    subscribed(1, "a");
    subscribed(1, "b");
    Promo promo = published(2, "c", 0, ALWAYS, 1);
    delivered(published(2, "other", 0, ALWAYS, 1), "b", 3);
    delivered(promo, "a", 4, 12);
    subscribed(5, "d");
    delivered(promo, "d", 6, 12);
    published(10, "c", 0, 1, 2);
    assertThat(expectation().owed()).doesNotContain(new Due("r", "c", "b"));
    published(13, "e", 0, ALWAYS, 1);
    assertThat(expectation().open()).contains(new Due("r", "c", "b"));
  }

  @Test
  void allowsShortPromoThatJobMayHaveReadTooLate() {
    subscribed(1, "a");
    Promo brief = published(10, "short", 11, 15, 1);
    delivered(published(11, "next", 0, ALWAYS, 1), "a", 40);
    assertThat(expectation().owed()).isEqualTo(due("next", "a"));
    assertThat(expectation().open()).isEqualTo(due("short", "a"));
    assertThat(expectation().allows(new Delivery(brief, "a", 15))).isTrue();
    assertWrong(brief, "a", 16);
    assertWrong(brief, "a", 10);
  }

  @Test
  void allowsPromoThatEndsBeforeClosingPromoIsRead() {
    subscribed(1, "a");
    published(990, "short", 995, 1_005, 1);
    assertThat(expectation().owed()).isEqualTo(due("short", "a"));
    delivered(published(1_000, "closing", 0, ALWAYS, 1), "a", 1_006);
    assertThat(expectation().owed()).isEqualTo(due("closing", "a"));
    assertThat(expectation().open()).isEqualTo(due("short", "a"));
  }

  @Test
  void allowsCancelledPromoUntilCancellationIsRead() {
    subscribed(1, "a");
    Promo promo = published(2, "c", 0, ALWAYS, 1);
    published(5, "c", 0, 1, 2);
    assertThat(expectation().owed()).isEmpty();
    assertThat(expectation().open()).isEqualTo(due("c", "a"));
    assertThat(expectation().allows(new Delivery(promo, "a", 7))).isTrue();

    delivered(published(5, "next", 0, ALWAYS, 1), "a", 6);
    assertWrong(promo, "a", 7);
  }

  @Test
  void owesPostponedPromoToClientWhoMissedFirstVersion() {
    subscribed(1, "a");
    Promo first = published(2, "c", 0, 100, 1);
    Promo second = published(5, "c", 50, ALWAYS, 2);
    assertThat(expectation().owed()).isEqualTo(due("c", "a"));
    assertThat(expectation().allows(new Delivery(first, "a", 4))).isTrue();
    assertThat(expectation().allows(new Delivery(second, "a", 50))).isTrue();
    assertWrong(second, "a", 49);
  }

  @Test
  void forbidsDeliveryAfterRefreshWithoutClient() {
    subscribed(1, "leaver");
    unsubscribed(5, "leaver");
    subscribed(5, "comer");
    Promo promo = published(6, "c", 0, ALWAYS, 1);
    assertThat(expectation().owed()).isEqualTo(due("c", "comer"));
    assertThat(expectation().open()).isEqualTo(due("c", "leaver"));

    delivered(promo, "comer", 8);
    assertThat(expectation().allows(new Delivery(promo, "leaver", 8))).isTrue();
    assertWrong(promo, "leaver", 9);
  }

  @Test
  void owesLivePromoToClientWhoUnsubscribesLater() {
    subscribed(1, "a");
    subscribed(2, "guest");
    Promo promo = published(3, "c", 0, ALWAYS, 1);
    delivered(published(3, "other", 0, ALWAYS, 1), "guest", 4);
    delivered(promo, "a", 4);
    subscribed(5, "b");
    delivered(promo, "b", 9);
    unsubscribed(20, "guest");
    assertThat(expectation().owed())
        .as("the guest may have been read after the first decision")
        .doesNotContain(new Due("r", "c", "guest"));
    subscribed(11, "d");
    delivered(promo, "d", 12, 19);
    assertThat(expectation().owed()).contains(new Due("r", "c", "guest"));
  }

  @Test
  void countsLostDoubledAndWrongRows() {
    subscribed(1, "a");
    subscribed(1, "b");
    Promo promo = published(2, "c", 0, ALWAYS, 1);
    Delivery right = delivered(promo, "a", 3);
    Delivery wrong = new Delivery(promo, "stranger", 3);
    SinkAudit audit = SinkAudit.of("sink", expectation(), List.of(right, right, wrong));
    assertThat(audit.lost()).isEqualTo(1);
    assertThat(audit.doubled()).isEqualTo(1);
    assertThat(audit.wrong()).isEqualTo(1);
    assertThat(audit.examples()).hasSize(3);
  }
}
