package io.promostream.drills;

import io.promostream.promo.Promo;
import java.util.ArrayList;
import java.util.List;

/** What producers and subscribers did, in the order in which they did it. */
final class Journal {

  /** Something done. */
  sealed interface Event {}

  /** A client has subscribed to a restaurant. */
  record Subscribed(String restaurant, String client) implements Event {}

  /** A client has unsubscribed from a restaurant. */
  record Unsubscribed(String restaurant, String client) implements Event {}

  /** A restaurant has sent a promo. */
  record Published(Promo promo) implements Event {}

  /** Something that is no promo was sent. */
  record Spoiled(String message) implements Event {}

  private final List<Event> events = new ArrayList<>();

  synchronized void note(Event event) {
    events.add(event);
  }

  synchronized List<Event> events() {
    return List.copyOf(events);
  }

  /** How many messages were sent. */
  long messages() {
    return events().stream()
        .filter(event -> event instanceof Published || event instanceof Spoiled)
        .count();
  }
}
