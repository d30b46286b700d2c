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
 * Tells senders how many bytes the fullest sink subtask can still take. Every sink subtask reports
 * its room. Each subtask of {@code deliver-promos} sends at most half of the smallest room until it
 * reads the reports again, and keeps the rest in its slices. The next hop is a rebalance, so each
 * sink gets an equal share. A sink therefore never blocks and never refuses a batch. Its heap stays
 * bounded, however long the backlog, the checkpoint interval or the outage is.
 *
 * <p>The reports meet at the JobMaster, in Flink's {@link GlobalAggregateManager}. Flink has no
 * other way from a sink back to an upstream operator. A sender uses only half of the room, because
 * a report does not include the bytes sent after it.
 */
public final class Backlog implements AutoCloseable {

  /** A sink subtask may always hold this much, however little it replays between checkpoints. */
  public static final long MIN_ROOM_BYTES = 8 << 20;

  private static final Logger LOG = LoggerFactory.getLogger(Backlog.class);

  private static final String NAME = "promo-stream backlog";

  /**
   * With a period of 1 s, senders of small promos used up their half of the room early in each
   * period, and a fifth of two cores was idle. Each subtask sends the JobMaster one message per
   * period.
   */
  private static final long PERIOD_MILLIS = 500;

  /** A report older than this is ignored, because its subtask no longer runs. */
  private static final long REPORT_EXPIRY_MILLIS = 10_000;

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
   * Reports the room of a sink subtask until it is closed.
   *
   * @param reporter distinct for each subtask
   * @param room how many bytes the subtask can take; negative if it holds too many
   */
  public static Backlog reporting(
      GlobalAggregateManager aggregates, String reporter, LongSupplier room) {
    return new Backlog(aggregates, () -> Map.of(reporter, room.getAsLong()), 0).start();
  }

  /**
   * Reads the reports until it is closed.
   *
   * @param withoutReports the room in bytes that is assumed while no sink has reported
   */
  public static Backlog watching(GlobalAggregateManager aggregates, long withoutReports) {
    return new Backlog(aggregates, Map::of, withoutReports).start();
  }

  /** Whether the caller must stop sending until the reports are read again, twice per second. */
  public boolean isFull() {
    return room.get() <= 0;
  }

  /** Subtracts what the caller has sent. */
  public void sent(long bytes) {
    room.addAndGet(-bytes);
  }

  private Backlog start() {
    thread.setDaemon(true);
    thread.start();
    return this;
  }

  /** Sends a report, and reads the reports of all sink subtasks. */
  @VisibleForTesting
  void exchangeReports() throws IOException {
    // Use only JDK types, because the JobMaster reads the call before it has the job's classes.
    Map<String, Long> own = new HashMap<>(report.get());
    Long smallest = aggregates.updateGlobalAggregate(NAME, own, new SmallestRoom());
    room.set(smallest == null ? withoutReports : smallest / 2);
  }

  private void run() {
    while (!closed) {
      try {
        exchangeReports();
      } catch (IOException | RuntimeException e) {
        LOG.debug(
            "Cannot exchange backlog reports. Sending stops when the last reported room is used up.",
            e);
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

  /** Keeps the last report of each subtask with its time. It runs at the JobMaster. */
  static final class SmallestRoom
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
      reports.values().removeIf(last -> now - last[1] > REPORT_EXPIRY_MILLIS);
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
