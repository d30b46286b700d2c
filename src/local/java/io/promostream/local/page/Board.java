package io.promostream.local.page;

import java.time.Clock;
import java.util.concurrent.atomic.AtomicLong;

/** Everything that the page shows about deliveries and campaigns. Several threads use it. */
record Board(
    Campaigns campaigns,
    DeliveryLedger ledger,
    DeliveryChart chart,
    ClientFeed clients,
    AtomicLong refused,
    Clock clock) {

  Board(Clock clock) {
    this(
        new Campaigns(),
        new DeliveryLedger(),
        new DeliveryChart(),
        new ClientFeed(),
        new AtomicLong(),
        clock);
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
    compare(sink, campaign, clientId);
    chart.add(sink, second, 1);
  }

  /** Takes a delivery that a sink refused. The job keeps it elsewhere, so it is not lost. */
  void refused(Sink sink, CampaignId campaign, String clientId) {
    compare(sink, campaign, clientId);
    refused.incrementAndGet();
  }

  private void compare(Sink sink, CampaignId campaign, String clientId) {
    ledger.add(sink, DeliveryLedger.key(campaign.restaurantId(), campaign.campaignId(), clientId));
  }
}
