package io.promostream.bench;

import io.promostream.bench.Notifications.Written;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Sends promos of small restaurants, twenty a second, until it is closed. Their delays show how
 * another load affects other restaurants.
 */
final class Probes implements AutoCloseable {

  private static final int RESTAURANTS = 1_000;
  private static final int SUBSCRIBERS = 20;

  /** The ids of the restaurants without their numbers. */
  private static final String RESTAURANT = "small-restaurant-";

  /** Adds the subscriptions of the small restaurants. */
  static final String SUBSCRIPTIONS =
      """
      INSERT INTO subscribers_restaurants (client_id, restaurant_id)
      SELECT md5(r || '/' || c)::uuid::text, '%s' || r
      FROM generate_series(0, %d) r, generate_series(1, %d) c"""
          .formatted(RESTAURANT, RESTAURANTS - 1, SUBSCRIBERS);

  /** Changes to flink-conf/ for frequent checkpoints, all of which stay in the history. */
  static final Map<String, String> FLINK =
      Map.of(
          "execution.checkpointing.interval", "2 s",
          "execution.checkpointing.min-pause", "1 s",
          "web.checkpoints.history", "1000",
          "metrics.fetcher.update-interval", "1000");

  private static final int PAUSE_MILLIS = 50;
  private static final String CAMPAIGN = "probe-";

  private final Promos promos;
  private final Map<String, Long> sent = new ConcurrentHashMap<>();
  private final AtomicInteger count = new AtomicInteger();
  private final Thread thread = new Thread(this::run, "probes");
  private volatile boolean stopped;

  Probes(Installation installation) {
    promos = new Promos(installation);
    thread.start();
  }

  private void run() {
    while (!stopped) {
      int number = count.getAndIncrement();
      sent.put(CAMPAIGN + number, System.currentTimeMillis());
      promos.write(RESTAURANT + number % RESTAURANTS, CAMPAIGN + number, Promos.LONG_AGO);
      try {
        Thread.sleep(PAUSE_MILLIS);
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  /**
   * The delays of the probes of a span of time until the last notification of each.
   *
   * @param from epoch milliseconds
   * @param to epoch milliseconds
   * @throws IllegalStateException if notifications are missing
   */
  Delays delays(Map<String, Written> notifications, long from, long to) {
    return Delays.of(
        sent.entrySet().stream()
            .filter(probe -> probe.getValue() >= from && probe.getValue() < to)
            .mapToLong(probe -> notifications.get(probe.getKey()).last() - probe.getValue())
            .toArray());
  }

  /** In milliseconds. */
  record Delays(long min, long p50, long p99, long max) {

    static Delays of(long[] millis) {
      Arrays.sort(millis);
      int last = millis.length - 1;
      return new Delays(millis[0], millis[last / 2], millis[(int) (last * 0.99)], millis[last]);
    }
  }

  @Override
  public void close() throws InterruptedException {
    stopped = true;
    thread.interrupt();
    thread.join();
    promos.close();
  }
}
