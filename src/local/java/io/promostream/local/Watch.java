package io.promostream.local;

import static java.util.concurrent.TimeUnit.SECONDS;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Shows the job's status every second until its time is over or the user stops it. */
final class Watch {

  private static final Duration DRAIN_TIMEOUT = Duration.ofMinutes(2);

  private final Progress progress;
  private final Feed feed;
  private final LocalCluster cluster;
  private final StatusDisplay display;
  private final CountDownLatch stop;

  Watch(
      Progress progress,
      Feed feed,
      LocalCluster cluster,
      StatusDisplay display,
      CountDownLatch stop) {
    this.progress = progress;
    this.feed = feed;
    this.cluster = cluster;
    this.display = display;
    this.stop = stop;
  }

  /**
   * Watches the job for some time.
   *
   * @param time null to watch until the user stops the run
   * @return false if the user stopped the run before
   */
  boolean forTime(@Nullable Duration time) throws Exception {
    return until(status -> time != null && status.running().compareTo(time) >= 0, "");
  }

  /**
   * Watches the job after the feed has ended, until the job is idle.
   *
   * @return false if the user stopped the run before
   * @throws IllegalStateException if the job is not idle after two minutes
   */
  boolean untilIdle() throws Exception {
    return until(new Idle(progress.status(), feed.sent()), "(draining)");
  }

  private boolean until(Predicate<Status> end, String phase) throws Exception {
    while (true) {
      feed.check();
      cluster.check();
      Status status = progress.status();
      display.show(status, phase);
      if (end.test(status)) {
        return true;
      }
      if (stop.await(1, SECONDS)) {
        return false;
      }
    }
  }

  /** All promos are read, no slice is due, and no count changed during two checkpoints. */
  private static final class Idle implements Predicate<Status> {

    private final Duration latest;
    private final long sent;
    private Status unchangedSince;

    Idle(Status begin, long sent) {
      this.latest = begin.running().plus(DRAIN_TIMEOUT);
      this.unchangedSince = begin;
      this.sent = sent;
    }

    @Override
    public boolean test(Status status) {
      boolean moved =
          status.notifications() != unchangedSince.notifications()
              || status.rows() != unchangedSince.rows()
              || status.waiting() != unchangedSince.waiting();
      if (moved || unchangedSince.checkpoint() == null) {
        unchangedSince = status;
      }
      if (status.running().compareTo(latest) > 0) {
        throw new IllegalStateException("The job is not idle after two minutes: " + status);
      }
      return status.promosRead() >= sent
          && status.listAge() != null
          && status.slicesPending() == 0
          && status.checkpoint() != null
          && unchangedSince.checkpoint() != null
          && status.checkpoint().id() >= unchangedSince.checkpoint().id() + 2;
    }
  }
}
