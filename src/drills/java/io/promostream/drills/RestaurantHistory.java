package io.promostream.drills;

import io.promostream.local.Delivery;
import io.promostream.promo.Promo;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;

/**
 * One restaurant's promos and clients, with the earliest and the latest time at which the job can
 * have read each.
 */
final class RestaurantHistory {

  private static final long NEVER = Long.MAX_VALUE;

  /**
   * A version that became the current one of its campaign.
   *
   * @param from the earliest time at which the job can have read it, epoch milliseconds
   * @param readBy the time by which the job had read it
   * @param until the earliest time at which the job can have read the next version
   * @param goneBy the time by which the job had read the next version
   */
  private record Version(Promo promo, long from, long readBy, long until, long goneBy) {

    private long startsAt() {
      return promo.start() * 1000;
    }

    private long endsAt() {
      return (promo.end() + 1) * 1000;
    }
  }

  /** A client's subscription from its start to its end, with the same four times. */
  private record Stay(long from, long readBy, long until, long goneBy) {}

  private final List<Journal.Published> promos = new ArrayList<>();
  private final List<Journal.Event> changes = new ArrayList<>();
  private final Map<Promo, Long> firstOfPromo = new HashMap<>();
  private final Map<String, Long> firstOfClient = new HashMap<>();

  private final Map<String, List<Version>> versions = new LinkedHashMap<>();
  private final Map<String, List<Stay>> stays = new LinkedHashMap<>();

  /**
   * The seconds in which deliveries of a promo were decided, each with the earliest time at which
   * one of them was written, epoch milliseconds.
   */
  private final Map<Promo, NavigableMap<Long, Long>> decisions = new HashMap<>();

  private long lastSecond;

  void add(Journal.Published promo) {
    promos.add(promo);
  }

  void add(Journal.Subscribed subscribed) {
    changes.add(subscribed);
  }

  void add(Journal.Unsubscribed unsubscribed) {
    changes.add(unsubscribed);
  }

  /** Adds a delivery, and when it was written to the topic, epoch milliseconds. */
  void addWitness(Delivery delivery, long writtenAt) {
    long readBy = delivery.matchedAt() * 1000 + 999;
    decisions
        .computeIfAbsent(delivery.promo(), promo -> new TreeMap<>())
        .merge(delivery.matchedAt(), writtenAt, Math::min);
    lastSecond = Math.max(lastSecond, delivery.matchedAt());
    firstOfPromo.merge(delivery.promo(), readBy, Math::min);
    firstOfClient.merge(delivery.clientId(), readBy, Math::min);
  }

  /** Ends the history. The questions below need a closed one. */
  void close() {
    closePromos();
    closeChanges();
  }

  /**
   * Of two versions, the one with the later {@code datetime_created} is current; of two equal ones,
   * the first.
   */
  private void closePromos() {
    long[] readBy = new long[promos.size()];
    Map<Promo, Integer> firstCopy = new HashMap<>();
    for (int i = 0; i < readBy.length; i++) {
      // A delivery may come from the first of several copies, so it proves nothing about the
      // others.
      boolean first = firstCopy.putIfAbsent(promos.get(i).promo(), i) == null;
      readBy[i] = first ? firstOfPromo.getOrDefault(promos.get(i).promo(), NEVER) : NEVER;
    }
    propagateBackwards(readBy);

    Map<String, Integer> next = new HashMap<>();
    for (int i : currentVersions()) {
      Promo promo = promos.get(i).promo();
      Integer replacedBy = next.put(promo.campaignId(), i);
      versions
          .computeIfAbsent(promo.campaignId(), id -> new ArrayList<>())
          .add(
              new Version(
                  promo,
                  promos.get(i).at(),
                  readBy[i],
                  replacedBy == null ? NEVER : promos.get(replacedBy).at(),
                  replacedBy == null ? NEVER : readBy[replacedBy]));
    }
  }

  /** Indexes of the promos that became current, in reverse order. */
  private List<Integer> currentVersions() {
    Map<String, Long> newest = new HashMap<>();
    List<Integer> current = new ArrayList<>();
    for (int i = 0; i < promos.size(); i++) {
      Promo promo = promos.get(i).promo();
      Long known = newest.get(promo.campaignId());
      if (known == null || promo.created() > known) {
        newest.put(promo.campaignId(), promo.created());
        current.add(0, i);
      }
    }
    return current;
  }

  private void closeChanges() {
    long[] readBy = new long[changes.size()];
    Map<String, Integer> firstStay = new HashMap<>();
    for (int i = 0; i < readBy.length; i++) {
      readBy[i] = NEVER;
      if (changes.get(i) instanceof Journal.Subscribed subscribed
          && firstStay.putIfAbsent(subscribed.client(), i) == null) {
        readBy[i] = firstOfClient.getOrDefault(subscribed.client(), NEVER);
      }
    }
    propagateBackwards(readBy);

    Map<String, Integer> gone = new HashMap<>();
    for (int i = readBy.length - 1; i >= 0; i--) {
      if (changes.get(i) instanceof Journal.Unsubscribed unsubscribed) {
        gone.put(unsubscribed.client(), i);
      } else if (changes.get(i) instanceof Journal.Subscribed subscribed) {
        Integer left = gone.get(subscribed.client());
        stays
            .computeIfAbsent(subscribed.client(), client -> new ArrayList<>())
            .add(
                new Stay(
                    subscribed.at(),
                    readBy[i],
                    left == null ? NEVER : ((Journal.Unsubscribed) changes.get(left)).at(),
                    left == null ? NEVER : readBy[left]));
      }
    }
  }

  private static void propagateBackwards(long[] readBy) {
    for (int i = readBy.length - 2; i >= 0; i--) {
      readBy[i] = Math.min(readBy[i], readBy[i + 1]);
    }
  }

  Set<String> campaigns() {
    return versions.keySet();
  }

  Set<String> clients() {
    return stays.keySet();
  }

  /** Whether the contract requires a delivery. */
  boolean owes(String campaign, String client, long settledAt) {
    for (Version version : versions.get(campaign)) {
      for (Stay stay : stays.get(client)) {
        if (isDueInTheEnd(version, stay, settledAt) || wasCertainlyDue(version, stay)) {
          return true;
        }
      }
    }
    return false;
  }

  /**
   * Whether the version and the subscription are still current after the last event and the last
   * delivery.
   */
  private boolean isDueInTheEnd(Version version, Stay stay, long settledAt) {
    long end = Math.max(settledAt, lastSecond);
    return version.until == NEVER
        && stay.until == NEVER
        && version.promo.start() <= settledAt
        && end <= version.promo.end();
  }

  /**
   * Whether the version was decided on while the client was on the list, and again later, and a
   * delivery of the later decision was written while the client and the version were still current.
   * The slices of a version go out in the order of their decisions, so that the client's must have
   * gone out, too. One decision is not enough: a pace may split it, and a client who unsubscribes
   * is taken out of the part that waits.
   */
  private boolean wasCertainlyDue(Version version, Stay stay) {
    long until = Math.min(version.until, stay.until);
    return decisions
            .getOrDefault(version.promo, Collections.emptyNavigableMap())
            .tailMap(stay.readBy / 1000, false)
            .values()
            .stream()
            .filter(writtenAt -> writtenAt < until)
            .count()
        >= 2;
  }

  /** Whether the contract allows a delivery of any version at any time. */
  boolean mayDeliver(String campaign, String client, long settledAt) {
    for (Version version : versions.get(campaign)) {
      for (Stay stay : stays.get(client)) {
        long from = Math.max(Math.max(version.from, version.startsAt()), stay.from);
        if (version.promo.start() <= settledAt
            && from < version.endsAt()
            && from <= version.goneBy
            && from <= stay.goneBy) {
          return true;
        }
      }
    }
    return false;
  }

  /** Whether the contract allows a delivery of a version that was decided in a given second. */
  boolean mayDeliver(Promo promo, String client, long second) {
    return promo.start() <= second
        && second <= promo.end()
        && versions.getOrDefault(promo.campaignId(), List.of()).stream()
            .anyMatch(
                version ->
                    version.promo.equals(promo)
                        && version.from / 1000 <= second
                        && second * 1000 <= version.goneBy)
        && stays.getOrDefault(client, List.of()).stream()
            .anyMatch(stay -> stay.from / 1000 <= second && second * 1000 <= stay.goneBy);
  }
}
