package io.promostream.local.page;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The last notifications of the clients that a person watches, at most {@value #MAX_CLIENTS}
 * clients and {@value #MAX_NOTIFICATIONS} notifications of each.
 */
final class ClientFeed {

  static final int MAX_CLIENTS = 50;
  static final int MAX_NOTIFICATIONS = 20;

  // The client that was watched last is the last one.
  private final Map<String, Deque<Arrival>> watched =
      new LinkedHashMap<>(16, 0.75f, /* accessOrder= */ true);
  private long arrivals;

  /**
   * A notification of a watched client.
   *
   * @param number greater than that of every earlier arrival
   * @param matchedAt epoch seconds
   * @param arrivedAt when the page read it, epoch milliseconds
   */
  record Arrival(long number, CampaignId campaign, String text, long matchedAt, long arrivedAt) {}

  /** Begins to watch a client. */
  synchronized void watch(String clientId) {
    watched.computeIfAbsent(clientId, client -> new ArrayDeque<>());
    if (watched.size() > MAX_CLIENTS) {
      watched.remove(watched.keySet().iterator().next());
    }
  }

  synchronized boolean isWatched(String clientId) {
    return watched.containsKey(clientId);
  }

  /** Takes a notification of a watched client. */
  synchronized void add(
      String clientId, CampaignId campaign, String text, long matchedAt, long arrivedAt) {
    Deque<Arrival> last = watched.get(clientId);
    if (last != null) {
      arrivals++;
      last.addLast(new Arrival(arrivals, campaign, text, matchedAt, arrivedAt));
      if (last.size() > MAX_NOTIFICATIONS) {
        last.removeFirst();
      }
    }
  }

  /** The arrivals of a client after one that the reader has seen, the oldest first. */
  synchronized List<Arrival> after(String clientId, long number) {
    List<Arrival> found = new ArrayList<>(watched.getOrDefault(clientId, new ArrayDeque<>()));
    found.removeIf(arrival -> arrival.number() <= number);
    return found;
  }
}
