package io.promostream.replay;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.runtime.taskexecutor.GlobalAggregateManager;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How full the fullest sink subtask of the job is, as every subtask may ask. Sinks report what they
 * hold, and {@code deliver-promos} keeps its slices while one of them is full: so a sink never
 * blocks, never refuses, and its heap stays bounded whatever the backlog, the checkpoint interval
 * or the outage.
 *
 * <p>The figures meet at the JobMaster, by Flink's {@link GlobalAggregateManager}: nothing else
 * goes from a sink back to an operator before it. They are a second old; what is released in that
 * second is little beside the limit.
 */
public final class Backlog implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(Backlog.class);

  private static final String NAME = "promo-stream backlog";
  private static final long PERIOD_MILLIS = 1_000;

  /** A subtask that has not reported for this long is gone. */
  private static final long GONE_MILLIS = 10_000;

  private static final long FULL_PERCENT = 100;

  private final GlobalAggregateManager aggregates;
  private final String reporter;
  private final LongSupplier percent;
  private final Thread thread = new Thread(this::run, "backlog");
  private volatile long fullest;
  private volatile boolean closed;

  private Backlog(GlobalAggregateManager aggregates, String reporter, LongSupplier percent) {
    this.aggregates = aggregates;
    this.reporter = reporter;
    this.percent = percent;
    thread.setDaemon(true);
    thread.start();
  }

  /**
   * Reports for a sink subtask until closed.
   *
   * @param reporter distinct for each subtask
   * @param percent how full it is; 100 or more is full
   */
  public static Backlog reporting(
      GlobalAggregateManager aggregates, String reporter, LongSupplier percent) {
    return new Backlog(aggregates, reporter, percent);
  }

  /** Looks at the reports until closed. */
  public static Backlog watching(GlobalAggregateManager aggregates) {
    return new Backlog(aggregates, "", () -> 0);
  }

  /** Whether some sink subtask was full within the last second or so. */
  public boolean isFull() {
    return fullest >= FULL_PERCENT;
  }

  private void run() {
    while (!closed) {
      try {
        // Only types of the JDK: the JobMaster reads the call before it knows the job's classes.
        Map<String, Long> report = new HashMap<>(Map.of(reporter, percent.getAsLong()));
        fullest = aggregates.updateGlobalAggregate(NAME, report, new Fullest());
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
  static final class Fullest
      implements AggregateFunction<Map<String, Long>, Map<String, long[]>, Long> {

    private static final long serialVersionUID = 1;

    @Override
    public Map<String, long[]> createAccumulator() {
      return new HashMap<>();
    }

    @Override
    public Map<String, long[]> add(Map<String, Long> report, Map<String, long[]> reports) {
      long now = System.currentTimeMillis();
      report.forEach((reporter, percent) -> reports.put(reporter, new long[] {percent, now}));
      reports.values().removeIf(last -> now - last[1] > GONE_MILLIS);
      return reports;
    }

    @Override
    public Long getResult(Map<String, long[]> reports) {
      return reports.values().stream().mapToLong(last -> last[0]).max().orElse(0);
    }

    @Override
    public Map<String, long[]> merge(Map<String, long[]> one, Map<String, long[]> other) {
      one.putAll(other);
      return one;
    }
  }
}
