package io.promostream.delivery;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How many deliveries a subtask may make now. Each limit is a token bucket that holds the
 * deliveries of one second. The buckets are not part of the state: they are empty after a start.
 *
 * <p>A bucket opens when it holds the deliveries of a tenth of a second, so that slices do not go
 * out client by client.
 */
final class Pace {

  private static final long BURST_MILLIS = 1_000;
  private static final long MIN_BATCH_MILLIS = 100;

  /** Restaurants whose buckets are kept before full ones are looked for. */
  private static final int MIN_CLEANUP = 1_024;

  private final @Nullable Bucket total;
  private final @Nullable Integer perRestaurant;
  private final long startedAt;
  private final Map<String, Bucket> restaurants = new HashMap<>();
  private int cleanUpAt = MIN_CLEANUP;

  /**
   * Makes empty buckets.
   *
   * @param maxPerSecond deliveries of the whole job; null for no limit
   * @param maxPerSecondPerRestaurant deliveries of each restaurant; null for no limit
   * @param subtasks that share the limit of the job
   * @param now epoch milliseconds
   */
  Pace(
      @Nullable Integer maxPerSecond,
      @Nullable Integer maxPerSecondPerRestaurant,
      int subtasks,
      long now) {
    total = maxPerSecond == null ? null : new Bucket((double) maxPerSecond / subtasks, now);
    perRestaurant = maxPerSecondPerRestaurant;
    startedAt = now;
  }

  /** When this subtask may make deliveries again, epoch milliseconds; at most now if it may. */
  long opensAt(long now) {
    return total == null ? now : total.opensAt(now);
  }

  /** When a restaurant may get deliveries again, epoch milliseconds; at most now if it may. */
  long opensAt(String restaurantId, long now) {
    return perRestaurant == null ? now : bucket(restaurantId, now).opensAt(now);
  }

  /** How many deliveries a restaurant may get now. */
  int room(String restaurantId, long now) {
    if (total == null && perRestaurant == null) {
      return Integer.MAX_VALUE;
    }
    int room = total == null ? Integer.MAX_VALUE : total.room(now);
    return perRestaurant == null ? room : Math.min(room, bucket(restaurantId, now).room(now));
  }

  /** Notes deliveries of a restaurant. */
  void delivered(String restaurantId, int clients, long now) {
    if (total != null) {
      total.take(clients, now);
    }
    if (perRestaurant != null) {
      bucket(restaurantId, now).take(clients, now);
    }
  }

  /** The number of restaurants with a bucket. */
  int restaurants() {
    return restaurants.size();
  }

  private Bucket bucket(String restaurantId, long now) {
    if (restaurants.size() >= cleanUpAt) {
      restaurants.values().removeIf(bucket -> bucket.isFull(now));
      cleanUpAt = Math.max(MIN_CLEANUP, 2 * restaurants.size());
    }
    return restaurants.computeIfAbsent(
        restaurantId, unseen -> new Bucket(perRestaurant, startedAt));
  }

  /** A token bucket, stored as the moment at which it was or would have been empty. */
  private static final class Bucket {

    private final double perMilli;
    private final double minBatch;
    private final double fillMillis;
    private double emptyAt;

    Bucket(double perSecond, double emptyAt) {
      this.emptyAt = emptyAt;
      perMilli = perSecond / 1_000;
      minBatch = Math.max(1, Math.floor(perMilli * MIN_BATCH_MILLIS));
      fillMillis = Math.max(BURST_MILLIS, 1 / perMilli);
    }

    boolean isFull(long now) {
      return emptyAt <= now - fillMillis;
    }

    long opensAt(long now) {
      return (long) Math.ceil(Math.max(emptyAt, now - fillMillis) + minBatch / perMilli);
    }

    int room(long now) {
      // Opened by the same arithmetic that says when.
      return opensAt(now) > now
          ? 0
          : (int) Math.max(minBatch, Math.min(fillMillis, now - emptyAt) * perMilli);
    }

    void take(int tokens, long now) {
      emptyAt = Math.max(emptyAt, now - fillMillis) + tokens / perMilli;
    }
  }
}
