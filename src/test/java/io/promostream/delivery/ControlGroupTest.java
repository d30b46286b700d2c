package io.promostream.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.promo.Promo;
import io.promostream.subscribers.Audience;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ControlGroupTest {

  private static final Audience CLIENTS =
      Audience.of(IntStream.range(0, 10_000).mapToObj(ControlGroupTest::client).toList());

  /** Half of the ids are UUIDs. */
  private static String client(int number) {
    return number % 2 == 0 ? "client " + number : new UUID(number, number).toString();
  }

  static Promo promo(String restaurant, String campaign) {
    return new Promo(restaurant, campaign, "content", "owner", "contact", 0, 1, 0);
  }

  private static Audience heldOut(int share, Promo promo) {
    return CLIENTS.minus(new ControlGroup(share).removeFrom(CLIENTS, promo));
  }

  @Test
  void isEmptyByDefault() {
    assertThat(new ControlGroup(0).removeFrom(CLIENTS, promo("r", "c"))).isSameAs(CLIENTS);
  }

  @Test
  void holdsEverybodyAtAHundredPercent() {
    assertThat(heldOut(10_000, promo("r", "c"))).isEqualTo(CLIENTS);
  }

  /** Four standard deviations of a binomial distribution are 120. */
  @Test
  void holdsItsShareOfClients() {
    assertThat(heldOut(1_000, promo("r", "c")).size()).isBetween(880, 1_120);
  }

  /** The first four bytes of md5("r/c/x"), modulo 10,000. */
  @Test
  void dependsOnDocumentedHash() {
    Audience client = Audience.of("x");
    int number = 1_940;
    assertThat(new ControlGroup(number).removeFrom(client, promo("r", "c"))).isEqualTo(client);
    assertThat(new ControlGroup(number + 1).removeFrom(client, promo("r", "c")).isEmpty()).isTrue();
  }

  @Test
  void growsWithItsShare() {
    Audience smaller = heldOut(100, promo("r", "c"));
    assertThat(smaller.minus(heldOut(500, promo("r", "c")))).isEqualTo(Audience.EMPTY);
  }

  /** Nobody is left out of all campaigns. */
  @Test
  void differsByCampaignAndRestaurant() {
    Audience group = heldOut(1_000, promo("r", "c"));
    for (Promo other : List.of(promo("r", "d"), promo("s", "c"))) {
      assertThat(group.and(heldOut(1_000, other)).size()).isLessThan(200);
    }
  }
}
