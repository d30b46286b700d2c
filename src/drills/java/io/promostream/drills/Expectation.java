package io.promostream.drills;

import io.promostream.promo.Promo;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Who should have got what, by the contract's rules, from what was done in its order. It owes
 * nothing to the job's own code.
 *
 * <p>It knows no delays: that is for the {@link Traffic} to see to, which does nothing whose
 * outcome would depend on them.
 */
public final class Expectation {

  /** What is due: a (restaurant, campaign) for a client. */
  public record Due(String restaurant, String campaign, String client) {}

  private record Campaign(String restaurant, String id) {}

  private final long now;
  private final Map<String, Set<String>> audiences = new HashMap<>();
  private final Map<String, List<Campaign>> campaigns = new HashMap<>();
  private final Map<Campaign, Promo> newest = new HashMap<>();
  private final Map<Due, Promo> deliveries = new HashMap<>();

  private Expectation(long now) {
    this.now = now;
  }

  /**
   * What each client should have by now.
   *
   * @param now epoch seconds; what has started by then counts as started when it was sent
   */
  public static Map<Due, Promo> of(List<Journal.Event> events, long now) {
    Expectation expectation = new Expectation(now);
    events.forEach(expectation::apply);
    return expectation.deliveries;
  }

  private void apply(Journal.Event event) {
    if (event instanceof Journal.Subscribed subscribed) {
      audience(subscribed.restaurant()).add(subscribed.client());
      for (Campaign campaign : campaigns.getOrDefault(subscribed.restaurant(), List.of())) {
        deliver(campaign, subscribed.client());
      }
    } else if (event instanceof Journal.Unsubscribed unsubscribed) {
      audience(unsubscribed.restaurant()).remove(unsubscribed.client());
    } else if (event instanceof Journal.Published published) {
      publish(published.promo());
    }
  }

  private Set<String> audience(String restaurant) {
    return audiences.computeIfAbsent(restaurant, name -> new LinkedHashSet<>());
  }

  private void publish(Promo promo) {
    Campaign campaign = new Campaign(promo.restaurantId(), promo.campaignId());
    Promo known = newest.get(campaign);
    if (known != null && known.created() >= promo.created()) {
      return;
    }
    newest.put(campaign, promo);
    if (known == null) {
      campaigns.computeIfAbsent(promo.restaurantId(), name -> new ArrayList<>()).add(campaign);
    }
    audience(promo.restaurantId()).forEach(client -> deliver(campaign, client));
  }

  private void deliver(Campaign campaign, String client) {
    Promo promo = newest.get(campaign);
    if (promo.start() <= now && now <= promo.end()) {
      deliveries.putIfAbsent(new Due(campaign.restaurant, campaign.id, client), promo);
    }
  }
}
