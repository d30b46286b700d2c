package io.promostream.replay;

import io.promostream.config.JobConfig.OnLostTransaction;
import io.promostream.metrics.JobMetric;
import io.promostream.metrics.RecentMax;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Replays the committables that a {@link ReplayLog} releases, in order, until it is closed. It logs
 * and counts each failure of the target, and retries for as long as necessary. No other part of the
 * job waits for it.
 */
final class ReplayThread<T> extends Thread {

  private static final Logger LOG = LoggerFactory.getLogger(ReplayThread.class);

  private static final long IDLE_MILLIS = 1_000;

  /** The pauses between attempts are 0.1, 0.2, 0.4 ... s, and at most this. */
  private static final long MAX_PAUSE_MILLIS = 5_000;

  /** How long the metrics show a loss before the task fails and its metrics disappear. */
  static final Duration SHOW_LOSS = Duration.ofSeconds(20);

  private final ReplayLog<T> log;
  private final Target<T> target;
  private final Replayer<T> replayer;
  private final Duration showLoss;
  private final Consumer<Throwable> failTask;

  private final Counter failures;
  private final Counter commitsLost;
  private final Counter recordsLost;
  private final RecentMax commitMillis;
  private final RecentMax deliveryDelay;

  /** The writer that the replayer has taken over since it connected. */
  private @Nullable String takenOver;

  private Mark mark = Mark.NONE;
  private volatile boolean closed;

  ReplayThread(
      String name,
      ReplayLog<T> log,
      Target<T> target,
      Replayer<T> replayer,
      MetricGroup metrics,
      Duration showLoss,
      Consumer<Throwable> failTask) {
    super("replay " + name);
    setDaemon(true);
    this.log = log;
    this.target = target;
    this.replayer = replayer;
    this.showLoss = showLoss;
    this.failTask = failTask;
    failures = JobMetric.REPLAY_FAILURES.counter(metrics);
    commitsLost = JobMetric.TRANSACTIONS_LOST.counter(metrics);
    recordsLost = JobMetric.RECORDS_LOST.counter(metrics);
    commitMillis = JobMetric.COMMIT_MILLIS.recentMax(metrics);
    deliveryDelay = JobMetric.DELIVERY_DELAY.recentMax(metrics);
  }

  @Override
  public void run() {
    int tries = 0;
    while (!closed) {
      try {
        step();
        tries = 0;
      } catch (InterruptedException e) {
        if (closed) {
          return;
        }
      } catch (LeaseException | LostCommitsException e) {
        reportAndFail(e);
        return;
      } catch (Exception e) {
        if (closed) {
          return;
        }
        tries++;
        retryLater(e, tries);
      } catch (Throwable t) {
        failTask.accept(t);
        return;
      }
    }
  }

  private void retryLater(Exception e, int tries) {
    failures.inc();
    if (e instanceof MarkMovedException) {
      LOG.info("{}. Reading the mark again.", e.getMessage());
    } else {
      // Log the stack trace once, then one line for each attempt.
      LOG.warn(
          "{}: attempt {} failed. Retrying until one succeeds. {}",
          getName(),
          tries,
          e.getMessage(),
          tries == 1 ? e : null);
    }
    replayer.reset();
    takenOver = null;
    pause(
        e instanceof MarkMovedException
            ? 50
            : Math.min(MAX_PAUSE_MILLIS, 50L << Math.min(tries, 10)));
  }

  private void reportAndFail(Exception e) {
    LOG.error("{}: {}", getName(), e.getMessage());
    if (e instanceof LostCommitsException) {
      pause(showLoss.toMillis());
    }
    if (!closed) {
      failTask.accept(e);
    }
  }

  private void pause(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      // Only close() interrupts, and the loop checks for it.
    }
  }

  private void step() throws Exception {
    ReplayLog.Next next = log.next(IDLE_MILLIS);
    if (!replayer.holdLease()) {
      commitsLost.inc();
      LOG.error(
          "{}: the target has lost confirmed commits, because its lease went back. An older copy replaced the target, or it"
              + " failed over to a standby that was behind. The last commits of this job may be missing there.",
          getName());
      verifyOwnMark();
    }
    if (next == null) {
      verifyOwnMark();
    } else {
      replay(next);
    }
  }

  /** Checks that the target still has the commits that it confirmed to the own writer. */
  private void verifyOwnMark() throws Exception {
    Mark known = log.ownMark();
    if (known.sequence() > 0) {
      Mark found = replayer.readMark(log.ownWriter());
      if (found.sequence() < known.sequence()) {
        // Read the mark again: the target may only have been slow to show the last commit.
        Thread.sleep(IDLE_MILLIS);
        found = replayer.readMark(log.ownWriter());
      }
      if (found.sequence() < known.sequence()) {
        lost(log.ownWriter(), known, found);
      }
    }
  }

  private void replay(ReplayLog.Next next) throws Exception {
    if (!next.writer().equals(takenOver)) {
      mark = takeOver(next);
      takenOver = next.writer();
    }
    Committable committable = next.committable();
    if (committable == null || committable.sequence() <= mark.sequence()) {
      LOG.info("{}: {} of writer {} was committed before", getName(), mark, next.writer());
      replayer.confirm(next.writer(), mark);
      log.committed(next.writer(), mark);
    } else {
      commit(next.writer(), committable);
    }
  }

  private Mark takeOver(ReplayLog.Next next) throws Exception {
    Mark known = next.committed();
    Mark found;
    try {
      found = replayer.takeOver(next.writer(), known, next.committable());
    } catch (UnknownMarkException e) {
      if (target.onLostCommits() == OnLostTransaction.FAIL) {
        throw new LostCommitsException(
            e.getMessage()
                + ". To continue as if it had been written, start from the same checkpoint with"
                + " feedback.on-lost-transaction: continue");
      }
      LOG.error(
          "{}. The job continues as if it had been written, as feedback.on-lost-transaction says.",
          e.getMessage());
      commitsLost.inc();
      found = known.after(next.committable());
      replayer.forceMark(next.writer(), found);
    }
    if (found.sequence() < known.sequence()) {
      lost(next.writer(), known, found);
      return known;
    }
    return found;
  }

  private void lost(String writer, Mark known, Mark found) throws Exception {
    commitsLost.inc(known.sequence() - found.sequence());
    recordsLost.inc(known.records() - found.records());
    String message =
        ("the target has lost confirmed commits: writer %s had committed %d (%d records), and the target has %d (%d records)."
                + " An older copy replaced the target, it failed over to a standby that was behind, or somebody deleted marks"
                + " that were still needed")
            .formatted(
                writer, known.sequence(), known.records(), found.sequence(), found.records());
    if (target.onLostCommits() == OnLostTransaction.FAIL) {
      throw new LostCommitsException(
          message
              + ". To continue without these records, start from the same checkpoint with feedback.on-lost-transaction: continue");
    }
    LOG.error("{}. The job continues without them, as feedback.on-lost-transaction says.", message);
    replayer.forceMark(writer, known);
  }

  private void commit(String writer, Committable committable) throws Exception {
    long start = System.nanoTime();
    replayer.commit(writer, mark, committable, unpack(committable));
    commitMillis.note((System.nanoTime() - start) / 1_000_000);
    mark = mark.after(committable);
    log.committed(writer, mark);
    if (committable.dueSince() != Long.MAX_VALUE) {
      deliveryDelay.note(System.currentTimeMillis() - committable.dueSince());
    }
  }

  private List<T> unpack(Committable committable) throws IOException {
    TypeSerializer<T> serializer = target.serializer().reading(committable.format());
    DataInputDeserializer in = new DataInputDeserializer(committable.bytes());
    List<T> elements = new ArrayList<>(committable.elements());
    for (int i = 0; i < committable.elements(); i++) {
      elements.add(serializer.deserialize(in));
    }
    return elements;
  }

  /**
   * Ends the thread, even during a replay. The state of the last checkpoint contains the
   * committables that it has not replayed.
   *
   * @param releaseLease whether the job stops with a savepoint and everything is replayed
   */
  void close(boolean releaseLease) {
    closed = true;
    if (!releaseLease) {
      replayer.close();
    }
    interrupt();
    try {
      join();
      if (releaseLease) {
        replayer.releaseLease();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (Exception e) {
      LOG.warn(
          "{}: cannot release the lease, so the next job waits for {} s: {}",
          getName(),
          Lease.TIME_TO_LIVE.toSeconds(),
          e.getMessage());
    }
    replayer.close();
  }
}
