package io.promostream.drills;

import io.promostream.promo.Promo;
import java.util.ArrayList;
import java.util.List;

/**
 * The actions of producers and subscribers. One thread does and notes all actions of a restaurant,
 * and one partition holds its promos, so the journal has the order of the partition.
 */
public final class Journal {

  /** One action. */
  public sealed interface Event {}

  /**
   * A client has subscribed to a restaurant.
   *
   * @param at epoch milliseconds, before anybody could see it
   */
  public record Subscribed(long at, String restaurant, String client) implements Event {}

  /**
   * A client has unsubscribed from a restaurant.
   *
   * @param at epoch milliseconds, before anybody could see it
   */
  public record Unsubscribed(long at, String restaurant, String client) implements Event {}

  /**
   * A restaurant has sent a promo.
   *
   * @param at epoch milliseconds, before anybody could see it
   */
  public record Published(long at, Promo promo) implements Event {}

  /** All campaigns of a restaurant are paused before it sends any. */
  public record Paused(String restaurant) implements Event {}

  /**
   * A restaurant is resumed.
   *
   * @param at epoch milliseconds, before the job could read the command
   */
  public record Resumed(long at, String restaurant) implements Event {}

  /** A restaurant is stopped before it sends any promo, for ever. */
  public record Stopped(String restaurant) implements Event {}

  /** Somebody has sent a message that is not a valid promo. */
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
