package io.promostream.report;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.kafka.Message;
import io.promostream.promo.Promo;
import io.promostream.report.Report.State;
import io.promostream.testing.GoldenBytes;
import java.util.List;
import org.junit.jupiter.api.Test;

class ReportTest {

  private static final Promo PROMO = new Promo("r", "c\"", "text", "o", "o@x", 100, 200, 5);

  @Test
  void countsClients() {
    Report report = Report.of(PROMO).undecided().decided(10, 8, 2);
    assertThat(report.counts()).isEqualTo(new Report.Counts(10, 0, 8, 2, false, -1, -1));
    report = report.delivered(5, 150_000).delivered(1, 151_000).takenBack(2);
    assertThat(report.counts()).isEqualTo(new Report.Counts(10, 6, 0, 2, false, 150_000, 151_000));
    assertThat(report.decided(12, 4, 1).counts())
        .isEqualTo(new Report.Counts(12, 6, 4, 3, false, 150_000, 151_000));
  }

  @Test
  void hasStateOfItsTimesUntilItIsOver() {
    Report report = Report.of(PROMO);
    assertThat(report.state(false, 99_999)).isEqualTo(State.WAITING);
    assertThat(report.state(true, 99_999)).isEqualTo(State.PAUSED);
    assertThat(report.state(false, 100_000)).isEqualTo(State.LIVE);
    assertThat(report.state(true, 200_999)).isEqualTo(State.PAUSED);
    assertThat(report.state(true, 201_000)).isEqualTo(State.ENDED);
    assertThat(report.over(PROMO, State.MISSED).state(true, 150_000)).isEqualTo(State.MISSED);
    assertThat(report.over(PROMO, State.ENDED).runs(PROMO).state(false, 150_000))
        .as("after an extension")
        .isEqualTo(State.LIVE);
  }

  @Test
  void becomesJson() {
    Message message =
        ReportMessage.of(
            "r",
            "c\"",
            Report.of(PROMO).decided(10, 8, 2).delivered(5, 150_999),
            State.LIVE,
            3,
            160_000);
    assertThat(message.headers()).isEmpty();
    assertThat(new String(message.key(), UTF_8))
        .isEqualTo("{\"restaurant_id\":\"r\",\"adv_campaign_id\":\"c\\\"\"}");
    assertThat(new String(message.value(), UTF_8))
        .isEqualTo(
            "{\"restaurant_id\":\"r\",\"adv_campaign_id\":\"c\\\"\",\"state\":\"live\","
                + "\"adv_campaign_datetime_start\":100,\"adv_campaign_datetime_end\":200,"
                + "\"datetime_created\":5,\"audience\":10,\"delivered\":5,\"pending\":3,"
                + "\"held_out\":2,\"first_delivered_at\":150,\"last_delivered_at\":150,"
                + "\"updated_at\":160}");
  }

  @Test
  void writesNullForWhatIsUnknown() {
    Message message = ReportMessage.of("r", "c", Report.of(PROMO), State.WAITING, 0, 0);
    assertThat(new String(message.value(), UTF_8))
        .contains("\"audience\":null", "\"first_delivered_at\":null", "\"last_delivered_at\":null");
    assertThat(ReportMessage.tombstone("r", "c").value()).isNull();
    assertThat(ReportMessage.tombstone("r", "c").key()).isEqualTo(message.key());
  }

  /** The serialized bytes of reports stay what they were. */
  @Test
  void keepsItsFormat() {
    GoldenBytes.check(
        "Report",
        new Report.Serializer(),
        List.of(
            Report.of(PROMO),
            Report.of(PROMO).undecided().decided(10, 8, 2).delivered(5, 150_999).undecided(),
            Report.of(PROMO).over(PROMO, State.MISSED).written(State.MISSED, 160_000)));
  }
}
