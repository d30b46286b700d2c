package io.promostream.local.page;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class CampaignsTest {

  private static final Campaigns.Filter ACTIVE = new Campaigns.Filter(true, "");
  private static final Campaigns.Filter OVER = new Campaigns.Filter(false, "");

  private final Campaigns campaigns = new Campaigns();

  @Test
  void readsEveryFieldOfReport() {
    Report report =
        Report.parse(
            """
            {"restaurant_id":"r1","adv_campaign_id":"c1","state":"live",
            "adv_campaign_datetime_start":1,"adv_campaign_datetime_end":2,"datetime_created":3,
            "audience":10,"delivered":8,"pending":1,"held_out":4,"first_delivered_at":5,
            "last_delivered_at":6,"updated_at":7}
            """
                .getBytes(UTF_8));

    assertThat(report)
        .isEqualTo(
            new Report(
                new CampaignId("r1", "c1"), Report.State.LIVE, 1, 2, 3, 10L, 8, 1, 4, 5L, 6L, 7));
  }

  @Test
  void showsNewestReportAndNoRemovedCampaign() {
    report("c1", "waiting", "null", 1);
    report("c1", "live", "10", 2);
    report("c2", "live", "5", 3);
    assertThat(ids(ACTIVE)).containsExactly("c1", "c2");

    report("c1", "ended", "10", 4);
    assertThat(ids(ACTIVE)).containsExactly("c2");
    assertThat(ids(OVER)).containsExactly("c1");
    assertThat(campaigns.counts()).isEqualTo(new Campaigns.Counts(1, 1));

    campaigns.report(key("c1"), null);
    assertThat(ids(OVER)).isEmpty();
  }

  @Test
  void listsOwnCampaignsFirstThenLargeOnes() {
    report("small", "live", "1", 1);
    report("large", "live", "1000", 1);
    report("waiting", "waiting", "null", 1);
    report("paused", "paused", "7", 1);
    report("own", "waiting", "null", 1);
    campaigns.published(new CampaignId("r", "own"));

    assertThat(ids(ACTIVE)).containsExactly("own", "large", "small", "paused", "waiting");
    assertThat(campaigns.find(ACTIVE, 2)).hasSize(2);
  }

  @Test
  void listsCampaignsThatEndedLastFirst() {
    report("earlier", "ended", "1", 1);
    report("later", "cancelled", "1", 2);

    assertThat(ids(OVER)).containsExactly("later", "earlier");
  }

  @Test
  void findsByIdAndText() {
    report("c1", "live", "1", 1);
    report("c2", "live", "1", 1);
    campaigns.promo(new CampaignId("r", "c2"), "Скидка на супы");

    assertThat(ids(new Campaigns.Filter(true, " C1 "))).containsExactly("c1");
    assertThat(ids(new Campaigns.Filter(true, "скидка"))).containsExactly("c2");
    assertThat(ids(new Campaigns.Filter(true, "pizza"))).isEmpty();
  }

  @Test
  void forgetsCampaignsWhoseReportsAreOldest() {
    for (int i = 0; i <= Campaigns.MAX_CAMPAIGNS; i++) {
      report("c" + i, "live", "1", i);
      report("c0", "live", "1", i);
    }

    assertThat(campaigns.counts().active()).isEqualTo(Campaigns.MAX_CAMPAIGNS);
    assertThat(ids(new Campaigns.Filter(true, "c0"))).contains("c0");
    assertThat(ids(new Campaigns.Filter(true, "c1"))).doesNotContain("c1");
  }

  @Test
  void refusesOtherMessages() {
    for (String value :
        List.of("", "[]", "{}", json("c", "asleep", "1", 1), json("c", "live", "1.5", 1))) {
      assertThatThrownBy(() -> campaigns.report(key("c"), value.getBytes(UTF_8)))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  private List<String> ids(Campaigns.Filter filter) {
    return campaigns.find(filter, Integer.MAX_VALUE).stream()
        .map(view -> view.report().id().campaignId())
        .toList();
  }

  private void report(String campaign, String state, String audience, long updatedAt) {
    campaigns.report(key(campaign), json(campaign, state, audience, updatedAt).getBytes(UTF_8));
  }

  private static byte[] key(String campaign) {
    return "{\"restaurant_id\":\"r\",\"adv_campaign_id\":\"%s\"}"
        .formatted(campaign)
        .getBytes(UTF_8);
  }

  static String json(String campaign, String state, String audience, long updatedAt) {
    return """
    {"restaurant_id":"r","adv_campaign_id":"%s","state":"%s","adv_campaign_datetime_start":1,\
    "adv_campaign_datetime_end":4000000000,"datetime_created":1,"audience":%s,"delivered":0,\
    "pending":0,"held_out":0,"first_delivered_at":null,"last_delivered_at":null,"updated_at":%d}"""
        .formatted(campaign, state, audience, updatedAt);
  }
}
