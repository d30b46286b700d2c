package io.promostream.drills;

import io.promostream.local.Delivery;
import io.promostream.promo.Promo;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Set;
import java.util.TreeSet;

/** One restaurant's promos and clients, with the earliest and the latest moment of each reading. */
final class RestaurantHistory {

  /**
   * How far from a limit a second must be to show something. The job decides by timers, which a
   * machine under load rings late: a decision in the second of a start does not show that the start
   * was heard, nor one in the last second that there was time left for another.
   */
  private static final long MARGIN = 3_000;

  /**
   * A job that has just restarted delivers what comes before it has gone over what started
   * meanwhile, and may fail again before it has. Two deliveries this far apart show that it had the
   * time.
   */
  private static final long AT_WORK_SECONDS = 3;

  private static final long NEVER = Long.MAX_VALUE;

  /**
   * A version of a campaign that came to hold.
   *
   * @param from when it could be read at the earliest, epoch milliseconds
   * @param readBy when it had been read
   * @param until when the next one could be read at the earliest
   * @param goneBy when the next one had been read
   */
  private record Version(Promo promo, long from, long readBy, long until, long goneBy) {

    private long startsAt() {
      return promo.start() * 1000;
    }

    private long endsAt() {
      return (promo.end() + 1) * 1000;
    }
  }

  /** A client's stay on the list, with the same four moments. */
  private record Stay(long from, long readBy, long until, long goneBy) {}

  private final List<Journal.Published> promos = new ArrayList<>();
  private final List<Journal.Event> changes = new ArrayList<>();
  private final NavigableSet<Long> seconds = new TreeSet<>();
  private final Map<Promo, Long> firstOfPromo = new HashMap<>();
  private final Map<String, Long> firstOfClient = new HashMap<>();

  private final Map<String, List<Version>> versions = new LinkedHashMap<>();
  private final Map<String, List<Stay>> stays = new LinkedHashMap<>();

  void add(Journal.Published promo) {
    promos.add(promo);
  }

  void add(Journal.Subscribed subscribed) {
    changes.add(subscribed);
  }

  void add(Journal.Unsubscribed unsubscribed) {
    changes.add(unsubscribed);
  }

  void addWitness(Delivery delivery) {
    long readBy = delivery.matchedAt() * 1000 + 999;
    seconds.add(delivery.matchedAt());
    firstOfPromo.merge(delivery.promo(), readBy, Math::min);
    firstOfClient.merge(delivery.clientId(), readBy, Math::min);
  }

  /** Ends the history; it can be asked then. */
  void close() {
    closePromos();
    closeChanges();
  }

  /** Of two versions the one written later holds, of equals the first. */
  private void closePromos() {
    long[] readBy = new long[promos.size()];
    Map<Promo, Integer> firstCopy = new HashMap<>();
    for (int i = 0; i < readBy.length; i++) {
      // A delivery may be of the first of several copies: it shows nothing of the others.
      boolean first = firstCopy.putIfAbsent(promos.get(i).promo(), i) == null;
      readBy[i] = first ? firstOfPromo.getOrDefault(promos.get(i).promo(), NEVER) : NEVER;
    }
    whatCameBeforeWasReadBefore(readBy);

    Map<String, Integer> next = new HashMap<>();
    for (int i : holding()) {
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

  /** Numbers of the promos that came to hold, the last one first. */
  private List<Integer> holding() {
    Map<String, Long> newest = new HashMap<>();
    List<Integer> holding = new ArrayList<>();
    for (int i = 0; i < promos.size(); i++) {
      Promo promo = promos.get(i).promo();
      Long known = newest.get(promo.campaignId());
      if (known == null || promo.created() > known) {
        newest.put(promo.campaignId(), promo.created());
        holding.add(0, i);
      }
    }
    return holding;
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
    whatCameBeforeWasReadBefore(readBy);

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

  private static void whatCameBeforeWasReadBefore(long[] readBy) {
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

  /** Whether a client has to have got a campaign. */
  boolean owes(String campaign, String client, long settledAt) {
    for (Version version : versions.get(campaign)) {
      for (Stay stay : stays.get(client)) {
        if (holdsInTheEnd(version, stay, settledAt) || heldForCertain(version, stay)) {
          return true;
        }
      }
    }
    return false;
  }

  /** In the end: when all was done, and the job has decided the last of it. */
  private boolean holdsInTheEnd(Version version, Stay stay, long settledAt) {
    long end = seconds.isEmpty() ? settledAt : Math.max(settledAt, seconds.last());
    return version.until == NEVER
        && stay.until == NEVER
        && version.promo.start() <= settledAt
        && end <= version.promo.end();
  }

  /** Whether the job decided something when it had to decide this, too. */
  private boolean heldForCertain(Version version, Stay stay) {
    long from = Math.max(version.readBy, Math.max(stay.readBy, version.startsAt() + MARGIN));
    long until = Math.min(version.until, Math.min(stay.until, version.endsAt())) - MARGIN;
    if (from >= until) {
      return false;
    }
    for (long first : seconds.tailSet(from / 1000, false)) {
      Long second = seconds.ceiling(first + AT_WORK_SECONDS);
      if (second != null && second <= first + 2 * AT_WORK_SECONDS && (second + 1) * 1000 <= until) {
        return true;
      }
    }
    return false;
  }

  /** Whether a client may have got a campaign. */
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

  /** Whether a client may have got a promo by a decision of some second. */
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
