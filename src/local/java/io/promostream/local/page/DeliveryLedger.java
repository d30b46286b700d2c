package io.promostream.local.page;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Compares both sinks while they grow: each delivery must appear once in each.
 *
 * <p>A delivery that a sink refused counts like one that it has: the job keeps it with the reason.
 * A delivery that only one sink has is <em>under way</em>. It is <em>lost</em> if the other sink
 * does not have it {@value #GRACE} checkpoints later. Checkpoints count only while both sinks can
 * be read, so an outage loses nothing. A delivery that arrives later still is no longer lost. A
 * delivery that a sink has again is <em>double</em>.
 *
 * <p>Memory is bounded. The ledger knows a delivery by a hash of 64 bits: among a million
 * deliveries, the chance that two have the same hash is 1 in 37 million. It remembers at least the
 * last {@value #REMEMBERED} complete deliveries, so it does not see that an older one is repeated;
 * the comparison at the end of the run does. It remembers at most {@value #MAX_UNDER_WAY}
 * deliveries under way: its caller stops reading the sink that is ahead ({@link #isFarAhead}).
 */
final class DeliveryLedger {

  static final int GRACE = 20;
  static final int REMEMBERED = 1 << 20;
  static final int MAX_UNDER_WAY = 200_000;

  private final RecentKeys complete = new RecentKeys(REMEMBERED);
  // In the order of their checkpoints, so the lost ones are the first ones.
  private final Map<Long, UnderWay> underWay = new LinkedHashMap<>();
  private long checkpoints;
  private long seenTwice;

  /** A delivery that only one sink has, since this checkpoint. */
  private record UnderWay(Sink sink, long checkpoint) {}

  /** The result of the comparison. */
  record Result(long underWay, long lost, long twice) {}

  /** A sink has a delivery. */
  synchronized void add(Sink sink, long key) {
    UnderWay waiting = underWay.get(key);
    if (waiting == null) {
      if (complete.contains(key)) {
        seenTwice++;
      } else {
        underWay.put(key, new UnderWay(sink, checkpoints));
      }
    } else if (waiting.sink() == sink) {
      seenTwice++;
    } else {
      underWay.remove(key);
      complete.add(key);
    }
  }

  /** The job completed a checkpoint, and both sinks were read afterwards. */
  synchronized void checkpoint() {
    checkpoints++;
  }

  synchronized boolean isFarAhead(Sink sink) {
    return underWay.size() >= MAX_UNDER_WAY && underWay.values().iterator().next().sink() == sink;
  }

  synchronized Result result() {
    long lost =
        underWay.values().stream()
            .takeWhile(delivery -> checkpoints - delivery.checkpoint() > GRACE)
            .count();
    return new Result(underWay.size() - lost, lost, seenTwice);
  }

  /** The number by which the ledger knows a delivery. */
  static long key(String restaurantId, String campaignId, String clientId) {
    long hash = 0x9E3779B97F4A7C15L;
    for (String id : new String[] {restaurantId, campaignId, clientId}) {
      for (int i = 0; i < id.length(); i++) {
        hash = mix(hash ^ id.charAt(i));
      }
      // Beyond every character, so that moving one between two ids changes the hash.
      hash = mix(hash ^ 0x10000);
    }
    return hash;
  }

  private static long mix(long hash) {
    long product = hash * 0xD6E8FEB86659FD93L;
    return product ^ (product >>> 32);
  }
}
