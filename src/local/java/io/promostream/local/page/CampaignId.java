package io.promostream.local.page;

/** Identifies a campaign: the key of its reports. */
record CampaignId(String restaurantId, String campaignId) {

  static CampaignId of(FlatJson json) {
    return new CampaignId(json.text("restaurant_id"), json.text("adv_campaign_id"));
  }
}
