package io.promostream.preview;

import static io.promostream.preview.ScheduleTest.millis;
import static io.promostream.preview.ScheduleTest.promo;
import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.preview.Outcome.Accepted;
import io.promostream.preview.Outcome.Rejected;
import io.promostream.preview.Schedule.Quiet;
import io.promostream.promo.Promo;
import io.promostream.promo.Promo.Phase;
import org.junit.jupiter.api.Test;

/** The output as text and as JSON. */
class OutputTest {

  private static final Promo PROMO = promo("2026-05-01T10:00:00Z", "2026-05-01T20:00:00Z");
  private static final long NOON = millis("2026-05-01T12:00:00.500Z");
  private static final Reach REACH =
      new Reach(12_345, 345, 600, 700, true, "{\"client_id\":\"a\"}");
  private static final Reach NOBODY = new Reach(0, 0, 600, 600, false, "{\"client_id\":\"0\"}");

  private static final Outcome LIVE =
      new Accepted(
          7,
          PROMO,
          new Schedule(Phase.LIVE, Quiet.NONE, NOON),
          REACH,
          new Estimate(12_000, 100.0, 120L));

  private static final Outcome LATE =
      new Accepted(
          8,
          PROMO,
          new Schedule(Phase.ENDED, Quiet.NONE, null),
          NOBODY,
          new Estimate(0, null, null));

  private static final Outcome REJECTED =
      new Rejected(9, "wrong-type", "adv_campaign_owner is null, and must be a string");

  @Test
  void textDescribesAcceptedPromo() {
    assertThat(TextOutput.of(LIVE))
        .isEqualTo(
            """
            line 7: accepted
              restaurant   r
              campaign     c
              state        live until 2026-05-01T20:00:00Z
              audience     12,345 clients, 345 of them held out
              delivery     12,000 notifications in about 2 min 0 s, at most 100 per second
              size         600 bytes per notification, 700 the largest
              sample       for a client of the audience
              {"client_id":"a"}
            """);
  }

  @Test
  void textDescribesLatePromo() {
    assertThat(TextOutput.of(LATE))
        .contains("state        late: it ended at 2026-05-01T20:00:00Z, so it is dropped\n")
        .contains("delivery     0 notifications\n")
        .contains("size         600 bytes per notification\n")
        .contains("sample       for a placeholder, because no client gets the promo\n");
  }

  @Test
  void textDescribesRejectedPromo() {
    assertThat(TextOutput.of(REJECTED))
        .isEqualTo(
            """
            line 9: rejected
              reason       wrong-type
              detail       adv_campaign_owner is null, and must be a string
            """);
  }

  private static String text(Schedule schedule, Estimate estimate) {
    return TextOutput.of(new Accepted(1, PROMO, schedule, REACH, estimate));
  }

  @Test
  void textExplainsQuietHours() {
    assertThat(
            text(new Schedule(Phase.WAITING, Quiet.DELAY, NOON), new Estimate(12_000, null, null)))
        .contains("waiting until 2026-05-01T10:00:00Z, then live until 2026-05-01T20:00:00Z\n")
        .contains("quiet hours  delivery begins after them, at 2026-05-01T12:00:00Z\n")
        .contains("delivery     12,000 notifications; no pace is set\n");
    assertThat(text(new Schedule(Phase.WAITING, Quiet.MISS, null), new Estimate(0, null, null)))
        .contains("quiet hours  it is live only in them, so it is missed and no client gets it\n");
  }

  @Test
  void textWarnsOfDeliveryBeyondEnd() {
    Schedule schedule = new Schedule(Phase.LIVE, Quiet.NONE, NOON);
    assertThat(text(schedule, new Estimate(12_000, 0.5, 28_801L)))
        .contains("in about 8 h 0 min, at most 0.5 per second; the promo ends before that\n");
    assertThat(text(schedule, new Estimate(12_000, 0.5, 28_800L))).doesNotContain("ends before");
  }

  @Test
  void textUsesSingular() {
    Outcome one =
        new Accepted(
            1,
            PROMO,
            new Schedule(Phase.LIVE, Quiet.NONE, NOON),
            new Reach(1, 0, 600, 600, true, "{}"),
            new Estimate(1, null, null));
    assertThat(TextOutput.of(one))
        .contains("audience     1 client, 0 of them held out\n")
        .contains("delivery     1 notification; no pace is set\n");
  }

  @Test
  void textHasNoControlCharacters() {
    Promo hostile = new Promo("r\u001b[31m\n", "c", "", "", "", 1, 2, 3);
    Outcome outcome =
        new Accepted(
            1,
            hostile,
            new Schedule(Phase.ENDED, Quiet.NONE, null),
            NOBODY,
            new Estimate(0, null, null));
    assertThat(TextOutput.of(outcome)).contains("restaurant   r [31m\n").doesNotContain("\u001b");
  }

  /** Scripts rely on the names. */
  @Test
  void jsonDescribesAcceptedPromo() {
    assertThat(JsonOutput.of(LIVE))
        .isEqualTo(
            """
            {'line':7,'accepted':true,'restaurant_id':'r','adv_campaign_id':'c','state':'live',\
            'quiet_hours':'none','delivery_begins':1777636800,'audience':12345,'held_out':345,\
            'notifications':12000,'typical_bytes':600,'largest_bytes':700,'pace_per_second':100.0,\
            'delivery_seconds':120,'sample_client':'audience',\
            'sample_notification':{'client_id':'a'}}"""
                .replace('\'', '"'));
  }

  @Test
  void jsonHasNullForWhatDoesNotApply() {
    assertThat(JsonOutput.of(LATE))
        .contains("\"state\":\"late\"", "\"delivery_begins\":null", "\"pace_per_second\":null")
        .contains("\"delivery_seconds\":null", "\"sample_client\":\"placeholder\"");
  }

  @Test
  void jsonDescribesRejectedPromo() {
    assertThat(JsonOutput.of(REJECTED))
        .isEqualTo(
            "{\"line\":9,\"accepted\":false,\"reject_reason\":\"wrong-type\","
                + "\"reject_detail\":\"adv_campaign_owner is null, and must be a string\"}");
  }
}
