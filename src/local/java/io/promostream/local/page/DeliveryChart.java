package io.promostream.local.page;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;

/** The deliveries of each of the last {@value #SECONDS} seconds, in each sink. */
final class DeliveryChart {

  static final int SECONDS = 120;

  /** The sinks commit once per checkpoint, so single seconds would jump between 0 and twice. */
  static final int AVERAGE_OVER = 3;

  private static final int KEPT = SECONDS + AVERAGE_OVER;

  private final Map<Sink, long[]> counts = new EnumMap<>(Sink.class);
  private final Map<Sink, Long> totals = new EnumMap<>(Sink.class);
  private long newest;

  DeliveryChart() {
    for (Sink sink : Sink.values()) {
      counts.put(sink, new long[KEPT]);
      totals.put(sink, 0L);
    }
  }

  /**
   * Counts deliveries.
   *
   * @param second epoch seconds; a time before one that was passed already counts as that one
   */
  synchronized void add(Sink sink, long second, long deliveries) {
    advance(second);
    counts.get(sink)[(int) (newest % KEPT)] += deliveries;
    totals.merge(sink, deliveries, Long::sum);
  }

  synchronized long total(Sink sink) {
    return totals.get(sink);
  }

  /**
   * Deliveries per second, the oldest first. The last value is for the second before {@code now},
   * which is complete.
   */
  synchronized long[] perSecond(Sink sink, long now) {
    advance(now);
    long[] raw = counts.get(sink);
    long[] rates = new long[SECONDS];
    for (int i = 0; i < SECONDS; i++) {
      long sum = 0;
      for (int j = 0; j < AVERAGE_OVER; j++) {
        sum += raw[(int) Math.floorMod(newest - SECONDS + i - j, (long) KEPT)];
      }
      rates[i] = Math.round((double) sum / AVERAGE_OVER);
    }
    return rates;
  }

  private void advance(long second) {
    if (second - newest >= KEPT) {
      counts.values().forEach(raw -> Arrays.fill(raw, 0));
      newest = second;
    }
    while (newest < second) {
      newest++;
      for (long[] raw : counts.values()) {
        raw[(int) (newest % KEPT)] = 0;
      }
    }
  }
}
