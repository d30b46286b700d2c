package io.promostream.local;

import static java.util.concurrent.TimeUnit.SECONDS;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Shows the job's progress, a status a second, until it is time or someone stops it. */
final class Watch {

  private static final Duration LONGEST_DRAIN = Duration.ofMinutes(2);

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
   * Watches for some time.
   *
   * @param time null: until it is stopped
   * @return false if it was stopped before
   */
  boolean forTime(@Nullable Duration time) throws Exception {
    return until(status -> time != null && status.running().compareTo(time) >= 0, "");
  }

  /**
   * Watches, after the feed has ended, until the job has nothing left to do.
   *
   * @return false if it was stopped before
   * @throws IllegalStateException if the job does not come to rest in two minutes
   */
  boolean untilAtRest() throws Exception {
    return until(new AtRest(progress.status(), feed.sent()), "(draining)");
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

  /** All promos are read, none is due, and nothing has moved while two checkpoints completed. */
  private static final class AtRest implements Predicate<Status> {

    private final Duration latest;
    private final long sent;
    private Status still;

    AtRest(Status begin, long sent) {
      this.latest = begin.running().plus(LONGEST_DRAIN);
      this.still = begin;
      this.sent = sent;
    }

    @Override
    public boolean test(Status status) {
      boolean moved =
          status.notifications() != still.notifications()
              || status.rows() != still.rows()
              || status.waiting() != still.waiting();
      if (moved || still.checkpoint() == null) {
        still = status;
      }
      if (status.running().compareTo(latest) > 0) {
        throw new IllegalStateException("the job did not come to rest: " + status);
      }
      return status.promosRead() >= sent
          && status.listAge() != null
          && status.slicesPending() == 0
          && status.checkpoint() != null
          && still.checkpoint() != null
          && status.checkpoint().id() >= still.checkpoint().id() + 2;
    }
  }
}
