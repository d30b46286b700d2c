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
  void isLiveFromStartToEndInclusive(long now, Arrival expected) {
    assertThat(Campaign.arrivalOf(promo(5), null, now)).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({"4, LIVE", "5, REPEATED", "6, REPEATED"})
  void ignoresVersionThatIsNotNewer(long known, Arrival expected) {
    assertThat(Campaign.arrivalOf(promo(5), running(known, true), 150_000)).isEqualTo(expected);
    assertThat(Campaign.arrivalOf(promo(5), new Remembered(known, 999_000), 150_000))
        .isEqualTo(expected);
  }

  @Test
  void endInThePastCancelsOnlyRunningCampaign() {
    assertThat(Campaign.arrivalOf(promo(5), running(4, true), 300_000))
        .isEqualTo(Arrival.CANCELLED);
    assertThat(Campaign.arrivalOf(promo(5), new Remembered(4, 999_000), 300_000))
        .isEqualTo(Arrival.LATE);
  }

  @Test
  void pendingIsAudienceMinusRecipientsWhileLive() {
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
  void isMissedIfNoClientCouldGetIt(boolean opened, boolean got, long listSince, boolean missed) {
    Audience recipients = got ? Audience.of("a") : Audience.EMPTY;
    assertThat(running(1, opened).isMissed(recipients, listSince)).isEqualTo(missed);
  }

  @Test
  void isRememberedFromEndOrCancellation() {
    Duration remember = Duration.ofSeconds(50);
    assertThat(Remembered.of(promo(5), 201_000, remember)).isEqualTo(new Remembered(5, 251_000));
    assertThat(Remembered.of(promo(5), 300_000, remember)).isEqualTo(new Remembered(5, 350_000));
  }

  @Test
  void changesAtStartThenAtEnd() {
    assertThat(running(1, false).nextChange()).isEqualTo(100_000);
    assertThat(running(1, true).nextChange()).isEqualTo(201_000);
    assertThat(new Remembered(1, 7).nextChange()).isEqualTo(7);
  }

  @Test
  void newerPromoReplacesTheCampaign() {
    Running withSlices = new Running(promo(4), true, 3, 7);
    assertThat(Running.after(promo(5), withSlices, 99_999))
        .isEqualTo(new Running(promo(5), false, 0, 0));
    assertThat(Running.after(promo(5), withSlices, 150_000))
        .as("numbers of slices are not reused")
        .isEqualTo(new Running(promo(5), true, 7, 7));
    assertThat(Running.after(promo(5), new Remembered(4, 999_000), 150_000))
        .isEqualTo(new Running(promo(5), false, 0, 0));
  }

  @ParameterizedTest
  @CsvSource({
    // planned, now, decision as of
    "150000, 160000, 160000",
    "200999, 201000, 200999",
    "201000, 202000, 201000"
  })
  void decidesAsOfNowWhileLiveAndAsPlannedAfterTheEnd(long planned, long now, long decideAt) {
    assertThat(running(1, true).decideAt(planned, now)).isEqualTo(decideAt);
    assertThat(running(1, true).decideAt(Campaign.NOTHING_TO_DECIDE, now))
        .isEqualTo(Campaign.NOTHING_TO_DECIDE);
  }

  @Test
  void clientsArePendingSinceTheStartOrSinceTheyJoined() {
    assertThat(running(1, false).pendingSince(100_500)).isEqualTo(100_000);
    assertThat(running(1, true).pendingSince(150_000)).isEqualTo(150_000);
  }

  @ParameterizedTest
  @CsvSource({"200999, 201000, true", "200999, 200999, false", "201000, 201000, false"})
  void hasEndedUndecidedIfDecisionWasPlannedBeforeTheEnd(long planned, long now, boolean ended) {
    assertThat(running(1, true).hasEndedUndecided(planned, now)).isEqualTo(ended);
  }

  @ParameterizedTest
  @CsvSource({
    // sent, the list was complete at, the job began to work at, passed while down
    "150000, 100000, 201000, true",
    "150000, 100000, 200999, false",
    "201000, 100000, 201000, false",
    "150000, 150001, 201000, false"
  })
  void passedWhileDownIfSentInTime(long sentAt, long listSince, long atWorkSince, boolean passed) {
    assertThat(Campaign.passedWhileDown(promo(1), sentAt, listSince, atWorkSince))
        .isEqualTo(passed);
  }
}
