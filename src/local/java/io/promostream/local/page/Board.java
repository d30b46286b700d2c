package io.promostream.local.page;

import java.time.Clock;

/** Everything that the page shows about deliveries and campaigns. Several threads use it. */
record Board(
    Campaigns campaigns,
    DeliveryLedger ledger,
    DeliveryChart chart,
    ClientFeed clients,
    Clock clock) {

  Board(Clock clock) {
    this(new Campaigns(), new DeliveryLedger(), new DeliveryChart(), new ClientFeed(), clock);
  }

  /** Takes a message of the promos topic. */
  void promo(FlatJson promo) {
    campaigns.promo(CampaignId.of(promo), promo.text("adv_campaign_content"));
  }

  /** Takes a message of the notifications topic. */
  void notification(FlatJson notification, long second) {
    CampaignId campaign = CampaignId.of(notification);
    String clientId = notification.text("client_id");
    delivery(Sink.NOTIFICATIONS, campaign, clientId, second);
    if (clients.isWatched(clientId)) {
      clients.add(
          clientId,
          campaign,
          notification.text("adv_campaign_content"),
          notification.number("trigger_datetime_created"),
          clock.millis());
    }
  }

  /** Takes a delivery that a sink has. */
  void delivery(Sink sink, CampaignId campaign, String clientId, long second) {
    ledger.add(sink, DeliveryLedger.key(campaign.restaurantId(), campaign.campaignId(), clientId));
    chart.add(sink, second, 1);
  }
}
