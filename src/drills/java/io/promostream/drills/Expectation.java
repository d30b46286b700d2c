package io.promostream.drills;

import io.promostream.local.Delivery;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Who has to have got what, and who may have, by the contract's rules, from what was done. It owes
 * nothing to the job's own code.
 *
 * <p>What was done says when something could be known at the earliest. When it was known at the
 * latest the deliveries tell, which bear the second of their decision: one of a promo shows that
 * this promo, and all before it in its partition, had been read by then; one to a client shows that
 * the list with this client had been read by then; and any of a restaurant shows that the job was
 * at work for it. Between the two lies what the contract leaves open:
 *
 * <ul>
 *   <li><b>Owed</b>: there was a second, shown by a delivery, in which the promo was known, live
 *       and not yet replaced, and the client on the list; or all of that holds in the end.
 *   <li><b>Allowed</b>: there may have been such a second. The promo may have come after its end,
 *       or its window have passed while the job was down; the client may have gone before a refresh
 *       saw it.
 *   <li><b>Wrong</b>: all else.
 * </ul>
 */
public final class Expectation {

  /** What a client gets once: a campaign of a restaurant. */
  public record Due(String restaurant, String campaign, String client) {

    static Due of(Delivery delivery) {
      return new Due(
          delivery.promo().restaurantId(), delivery.promo().campaignId(), delivery.clientId());
    }
  }

  private final Map<String, RestaurantHistory> restaurants = new HashMap<>();
  private final Set<Due> owed = new HashSet<>();
  private final Set<Due> open = new HashSet<>();

  /**
   * What is owed and what is allowed.
   *
   * @param deliveries what was delivered, as the witness of what had been read when
   * @param settledAt epoch seconds: after all that was done, and with time to deliver it; what
   *     starts later is not owed
   */
  public Expectation(List<Journal.Event> events, Collection<Delivery> deliveries, long settledAt) {
    for (Journal.Event event : events) {
      if (event instanceof Journal.Published published) {
        history(published.promo().restaurantId()).add(published);
      } else if (event instanceof Journal.Subscribed subscribed) {
        history(subscribed.restaurant()).add(subscribed);
      } else if (event instanceof Journal.Unsubscribed unsubscribed) {
        history(unsubscribed.restaurant()).add(unsubscribed);
      }
    }
    for (Delivery delivery : deliveries) {
      history(delivery.promo().restaurantId()).addWitness(delivery);
    }
    restaurants.forEach(
        (name, history) -> {
          history.close();
          for (String campaign : history.campaigns()) {
            for (String client : history.clients()) {
              Due due = new Due(name, campaign, client);
              if (history.owes(campaign, client, settledAt)) {
                owed.add(due);
              } else if (history.mayDeliver(campaign, client, settledAt)) {
                open.add(due);
              }
            }
          }
        });
  }

  private RestaurantHistory history(String restaurant) {
    return restaurants.computeIfAbsent(restaurant, name -> new RestaurantHistory());
  }

  /** What has to have been delivered. */
  public Set<Due> owed() {
    return owed;
  }

  /** What may have been delivered or not, as the moments of reading decided that nobody knows. */
  public Set<Due> open() {
    return open;
  }

  /** Whether this may have been delivered: to this client, in this version, in this second. */
  public boolean allows(Delivery delivery) {
    return history(delivery.promo().restaurantId())
        .mayDeliver(delivery.promo(), delivery.clientId(), delivery.matchedAt());
  }
}
