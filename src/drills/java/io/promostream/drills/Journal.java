package io.promostream.drills;

import io.promostream.promo.Promo;
import java.util.ArrayList;
import java.util.List;

/** What producers and subscribers did, in the order in which they did it. */
public final class Journal {

  /** Something done. */
  public sealed interface Event {}

  /** A client has subscribed to a restaurant. */
  public record Subscribed(String restaurant, String client) implements Event {}

  /** A client has unsubscribed from a restaurant. */
  public record Unsubscribed(String restaurant, String client) implements Event {}

  /** A restaurant has sent a promo. */
  public record Published(Promo promo) implements Event {}

  /** Something that is no promo was sent. */
  public record Spoiled(String message) implements Event {}

  private final List<Event> events = new ArrayList<>();

  public synchronized void note(Event event) {
    events.add(event);
  }

  public synchronized List<Event> events() {
    return List.copyOf(events);
  }

  /** How many messages were sent. */
  long messages() {
    return events().stream()
        .filter(event -> event instanceof Published || event instanceof Spoiled)
        .count();
  }
}
