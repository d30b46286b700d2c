package io.promostream.drills;

import io.promostream.local.Delivery;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which deliveries the contract requires, and which it allows, computed from a journal. It shares
 * no code with the job.
 *
 * <p>The journal gives the earliest time at which the job could know of an event. The deliveries
 * give the latest time, because each one carries the second in which the job decided on it:
 *
 * <ul>
 *   <li>A delivery of a promo proves that the job had read this promo, and all earlier ones of its
 *       partition.
 *   <li>A delivery to a client proves that the job had read a list with this client.
 *   <li>A second decision on a promo proves, once one of its deliveries is written, that all
 *       deliveries of the first one went out.
 * </ul>
 *
 * <p>The contract leaves the time between the earliest and the latest open. So each combination of
 * campaign and client is one of these:
 *
 * <ul>
 *   <li><b>Owed</b>: the deliveries prove that a decision on the promo, with the client on the
 *       list, went out before the promo was replaced and the client unsubscribed; or the promo is
 *       live and the client is on the list in the end.
 *   <li><b>Allowed</b>: there may have been such a second. The job may have read the promo after
 *       its end, or may have been down while the promo was live, or the client may have
 *       unsubscribed before a refresh.
 *   <li><b>Wrong</b>: every other delivery.
 * </ul>
 */
public final class Expectation {

  /** A delivery, which a client must get at most once. */
  public record Due(String restaurant, String campaign, String client) {

    static Due of(Delivery delivery) {
      return new Due(
          delivery.promo().restaurantId(), delivery.promo().campaignId(), delivery.clientId());
    }
  }

  private final Map<String, RestaurantHistory> restaurants = new HashMap<>();
  private final Map<String, Long> heldUntil = new HashMap<>();
  private final Set<Due> owed = new HashSet<>();
  private final Set<Due> open = new HashSet<>();

  /**
   * Computes the owed and the allowed deliveries.
   *
   * @param writtenAt the actual deliveries, and when each was first written to the topic, epoch
   *     milliseconds
   * @param settledAt epoch seconds: a time after the last event that leaves the job time to
   *     deliver; promos that start later are not owed
   */
  public Expectation(List<Journal.Event> events, Map<Delivery, Long> writtenAt, long settledAt) {
    for (Journal.Event event : events) {
      if (event instanceof Journal.Published published) {
        history(published.promo().restaurantId()).add(published);
      } else if (event instanceof Journal.Subscribed subscribed) {
        history(subscribed.restaurant()).add(subscribed);
      } else if (event instanceof Journal.Unsubscribed unsubscribed) {
        history(unsubscribed.restaurant()).add(unsubscribed);
      } else if (event instanceof Journal.Paused paused) {
        heldUntil.put(paused.restaurant(), Long.MAX_VALUE);
      } else if (event instanceof Journal.Resumed resumed) {
        heldUntil.put(resumed.restaurant(), resumed.at());
      } else if (event instanceof Journal.Stopped stopped) {
        heldUntil.put(stopped.restaurant(), Long.MAX_VALUE);
      }
    }
    writtenAt.forEach(
        (delivery, at) -> history(delivery.promo().restaurantId()).addWitness(delivery, at));
    restaurants.forEach(
        (name, history) -> {
          history.close();
          if (heldUntil(name) == Long.MAX_VALUE) {
            return;
          }
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

  /** When commands no longer hold a restaurant, epoch milliseconds. */
  private long heldUntil(String restaurant) {
    return heldUntil.getOrDefault(restaurant, 0L);
  }

  private RestaurantHistory history(String restaurant) {
    return restaurants.computeIfAbsent(restaurant, name -> new RestaurantHistory());
  }

  /** Deliveries that the contract requires. */
  public Set<Due> owed() {
    return owed;
  }

  /**
   * Deliveries that the contract allows but does not require, because it is unknown when the job
   * read its input.
   */
  public Set<Due> open() {
    return open;
  }

  /** Whether the contract allows a delivery to its client, of its version, in its second. */
  public boolean allows(Delivery delivery) {
    String restaurant = delivery.promo().restaurantId();
    return delivery.matchedAt() >= heldUntil(restaurant) / 1000
        && history(restaurant)
            .mayDeliver(delivery.promo(), delivery.clientId(), delivery.matchedAt());
  }
}
