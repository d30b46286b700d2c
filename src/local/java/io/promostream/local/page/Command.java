package io.promostream.local.page;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A command to the job.
 *
 * @param restaurantId null for all restaurants
 * @param campaignId null for all campaigns of the restaurant
 */
record Command(String action, @Nullable String restaurantId, @Nullable String campaignId) {

  private static final Set<String> ACTIONS = Set.of("pause", "resume", "stop");

  /**
   * Reads a person's command.
   *
   * @throws IllegalArgumentException with a sentence for the person
   */
  static Command read(FlatJson json) {
    json.only(Set.of("action", "restaurant_id", "adv_campaign_id"));
    String action = json.text("action");
    if (!ACTIONS.contains(action)) {
      throw new IllegalArgumentException("action must be pause, resume or stop");
    }
    return new Command(
        action, json.optionalText("restaurant_id"), json.optionalText("adv_campaign_id"));
  }
}
