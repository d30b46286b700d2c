package io.promostream.replay;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.apache.flink.annotation.VisibleForTesting;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.runtime.taskexecutor.GlobalAggregateManager;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How many bytes the sink subtask with the least room would still take, as every subtask may ask.
 * Sinks report, and each subtask of {@code deliver-promos} sends half of that until it looks again;
 * the rest stays in its slices. So a sink never blocks, never refuses, and its heap stays bounded
 * whatever the backlog, the checkpoint interval or the outage.
 *
 * <p>The figures meet at the JobMaster, by Flink's {@link GlobalAggregateManager}: nothing else
 * goes from a sink back to an operator before it. A report does not hold what was sent since, hence
 * the half.
 */
public final class Backlog implements AutoCloseable {

  /** What a sink is given at least, though it may take less in a second. */
  public static final long LEAST_ROOM_BYTES = 8 << 20;

  private static final Logger LOG = LoggerFactory.getLogger(Backlog.class);

  private static final String NAME = "promo-stream backlog";
  private static final long PERIOD_MILLIS = 1_000;

  /** A subtask that has not reported for this long is gone. */
  private static final long GONE_MILLIS = 10_000;

  private final GlobalAggregateManager aggregates;
  private final Supplier<Map<String, Long>> report;
  private final long withoutReports;
  private final AtomicLong room;
  private final Thread thread = new Thread(this::run, "backlog");
  private volatile boolean closed;

  @VisibleForTesting
  Backlog(
      GlobalAggregateManager aggregates, Supplier<Map<String, Long>> report, long withoutReports) {
    this.aggregates = aggregates;
    this.report = report;
    this.withoutReports = withoutReports;
    room = new AtomicLong(withoutReports);
  }

  /**
   * Reports for a sink subtask until closed.
   *
   * @param reporter distinct for each subtask
   * @param room how many bytes it would take, or less than 0
   */
  public static Backlog reporting(
      GlobalAggregateManager aggregates, String reporter, LongSupplier room) {
    return new Backlog(aggregates, () -> Map.of(reporter, room.getAsLong()), 0).start();
  }

  /**
   * Looks at the reports until closed.
   *
   * @param withoutReports the room that is assumed while no sink has reported, in bytes
   */
  public static Backlog watching(GlobalAggregateManager aggregates, long withoutReports) {
    return new Backlog(aggregates, Map::of, withoutReports).start();
  }

  /** Whether no more is to be sent before the next look, which is a second after the last. */
  public boolean isFull() {
    return room.get() <= 0;
  }

  /** Notes what the caller has sent. */
  public void sent(long bytes) {
    room.addAndGet(-bytes);
  }

  private Backlog start() {
    thread.setDaemon(true);
    thread.start();
    return this;
  }

  /** Reports, and looks at the reports of all sink subtasks. */
  @VisibleForTesting
  void look() throws IOException {
    // Only types of the JDK: the JobMaster reads the call before it knows the job's classes.
    Map<String, Long> own = new HashMap<>(report.get());
    Long least = aggregates.updateGlobalAggregate(NAME, own, new Least());
    room.set(least == null ? withoutReports : least / 2);
  }

  private void run() {
    while (!closed) {
      try {
        look();
      } catch (IOException | RuntimeException e) {
        LOG.debug("the backlog was not told; the last figures stay", e);
      }
      try {
        Thread.sleep(PERIOD_MILLIS);
      } catch (InterruptedException e) {
        // Only close() interrupts.
      }
    }
  }

  @Override
  public void close() {
    closed = true;
    thread.interrupt();
  }

  /** Keeps the last report of each subtask, with its time; runs at the JobMaster. */
  static final class Least
      implements AggregateFunction<Map<String, Long>, Map<String, long[]>, Long> {

    private static final long serialVersionUID = 1;

    @Override
    public Map<String, long[]> createAccumulator() {
      return new HashMap<>();
    }

    @Override
    public Map<String, long[]> add(Map<String, Long> report, Map<String, long[]> reports) {
      long now = System.currentTimeMillis();
      report.forEach((reporter, room) -> reports.put(reporter, new long[] {room, now}));
      reports.values().removeIf(last -> now - last[1] > GONE_MILLIS);
      return reports;
    }

    @Override
    public @Nullable Long getResult(Map<String, long[]> reports) {
      return reports.values().stream().map(last -> last[0]).min(Long::compare).orElse(null);
    }

    @Override
    public Map<String, long[]> merge(Map<String, long[]> one, Map<String, long[]> other) {
      one.putAll(other);
      return one;
    }
  }
}
