package io.promostream.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.delivery.Campaign.Arrival;
import io.promostream.delivery.Campaign.Remembered;
import io.promostream.delivery.Campaign.Running;
import io.promostream.promo.Promo;
import io.promostream.subscribers.Audience;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CampaignTest {

  /** Live from second 100 to second 200. */
  private static Promo promo(long created) {
    return new Promo("r", "c", "", "", "", 100, 200, created);
  }

  private static Running running(long created, boolean opened) {
    return new Running(promo(created), opened, 0, 0);
  }

  @ParameterizedTest
  @CsvSource({
    "0, WAITING",
    "99999, WAITING",
    "100000, LIVE",
    "200999, LIVE",
    "201000, LATE",
    "300000, LATE"
  })
  void aNewPromoIsLiveFromStartToEndBothIncluded(long now, Arrival expected) {
    assertThat(Campaign.arrivalOf(promo(5), null, now)).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({"4, LIVE", "5, REPEATED", "6, REPEATED"})
  void theGreaterTimeOfWritingHoldsAndOfEqualsTheFirst(long known, Arrival expected) {
    assertThat(Campaign.arrivalOf(promo(5), running(known, true), 150_000)).isEqualTo(expected);
    assertThat(Campaign.arrivalOf(promo(5), new Remembered(known, 999_000), 150_000))
        .isEqualTo(expected);
  }

  @Test
  void anEndInThePastCancelsWhatRunsAndIsLateForWhatDoesNot() {
    assertThat(Campaign.arrivalOf(promo(5), running(4, true), 300_000))
        .isEqualTo(Arrival.CANCELLED);
    assertThat(Campaign.arrivalOf(promo(5), new Remembered(4, 999_000), 300_000))
        .isEqualTo(Arrival.LATE);
  }

  @Test
  void dueIsTheAudienceMinusThoseWhoGotItWhileLive() {
    Audience audience = Audience.of("a", "b", "c");
    Audience got = Audience.of("b", "gone");
    assertThat(running(1, true).pending(audience, got, 150_000)).isEqualTo(Audience.of("a", "c"));
    assertThat(running(1, true).pending(audience, got, 99_999)).isEqualTo(Audience.EMPTY);
    assertThat(running(1, true).pending(audience, got, 201_000)).isEqualTo(Audience.EMPTY);
  }

  @ParameterizedTest
  @CsvSource({
    // opened, somebody got it, the list was complete at, missed
    "true,  false, 150000, false",
    "true,  false, 201000, true",
    "true,  true,  201000, false",
    "false, false, 0,      true",
    "false, true,  0,      false"
  })
  void missedIsWhatNobodyCouldGet(boolean opened, boolean got, long listSince, boolean missed) {
    Audience recipients = got ? Audience.of("a") : Audience.EMPTY;
    assertThat(running(1, opened).isMissed(recipients, listSince)).isEqualTo(missed);
  }

  @Test
  void whatIsOverIsRememberedFromItsEndOrItsCancellationOn() {
    Duration remember = Duration.ofSeconds(50);
    assertThat(Remembered.of(promo(5), 201_000, remember)).isEqualTo(new Remembered(5, 251_000));
    assertThat(Remembered.of(promo(5), 300_000, remember)).isEqualTo(new Remembered(5, 350_000));
  }

  @Test
  void theNextChangeIsTheStartThenTheEnd() {
    assertThat(running(1, false).nextChange()).isEqualTo(100_000);
    assertThat(running(1, true).nextChange()).isEqualTo(201_000);
    assertThat(new Remembered(1, 7).nextChange()).isEqualTo(7);
  }
}
