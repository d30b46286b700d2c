package io.promostream.replay;

import java.time.Duration;
import org.apache.flink.annotation.VisibleForTesting;
import org.jspecify.annotations.Nullable;

/**
 * Lets one job at a time work under a {@code transaction-prefix}. The holder counts up a number in
 * the target every few seconds. Who wants the lease and finds another's name watches that number
 * for {@link #TIME_TO_LIVE}: if it moves, the other job lives. No clocks are compared.
 *
 * <p>The owner's name is drawn where the job graph is made, so all subtasks of a job share it, and
 * each renews only what none of the others has renewed. It is not the job's id, because application
 * clusters may share that.
 */
public final class Lease {

  /** A holder that does not renew for this long is taken for dead. */
  public static final Duration TIME_TO_LIVE = Duration.ofSeconds(10);

  private static final Duration RENEW_EVERY = TIME_TO_LIVE.dividedBy(3);
  private static final Duration PAUSE = TIME_TO_LIVE.dividedBy(20);

  /** The name in a lease that nobody holds. */
  public static final String NOBODY = "";

  /**
   * Who holds a lease.
   *
   * @param renewals counts up with each renewal, across owners
   */
  public record Holder(String owner, long renewals) {}

  /** Where a lease is kept. */
  public interface Store {

    /** The holder as of now, or null if there has been none. */
    @Nullable Holder read() throws Exception;

    /**
     * Replaces the holder, if it still is the expected one; where the system can't compare, the
     * caller reads again.
     */
    void replace(@Nullable Holder expected, Holder next) throws Exception;

    /** The lease in words, for an error message. */
    String describe();
  }

  /** The clock, which a test replaces. */
  interface Time {

    long nanos();

    void sleep(Duration pause) throws InterruptedException;
  }

  private static final Time SYSTEM_TIME =
      new Time() {
        @Override
        public long nanos() {
          return System.nanoTime();
        }

        @Override
        public void sleep(Duration pause) throws InterruptedException {
          Thread.sleep(pause.toMillis());
        }
      };

  private final Store store;
  private final String owner;
  private final Time time;
  private @Nullable Holder seen;
  private long seenNanos;

  public Lease(Store store, String owner) {
    this(store, owner, SYSTEM_TIME);
  }

  @VisibleForTesting
  Lease(Store store, String owner, Time time) {
    this.store = store;
    this.owner = owner;
    this.time = time;
  }

  /**
   * Takes the lease, waiting for a holder that may be dead.
   *
   * @throws LeaseException if another job holds it and lives
   */
  public void acquire() throws Exception {
    Holder found = store.read();
    if (found != null && !isFree(found)) {
      awaitDeath(found);
    }
    while (found == null || !found.owner().equals(owner)) {
      store.replace(found, new Holder(owner, found == null ? 1 : found.renewals() + 1));
      // Somebody else may have taken it at the same moment.
      time.sleep(PAUSE);
      Holder now = store.read();
      if (now != null && !isFree(now)) {
        throw refused(now);
      }
      found = now;
    }
    note(found);
  }

  private boolean isFree(Holder holder) {
    return holder.owner().equals(owner) || holder.owner().equals(NOBODY);
  }

  private void awaitDeath(Holder found) throws Exception {
    long deadline = time.nanos() + TIME_TO_LIVE.toNanos();
    while (time.nanos() < deadline) {
      time.sleep(PAUSE);
      Holder now = store.read();
      if (now == null || isFree(now)) {
        return;
      }
      if (!now.equals(found)) {
        throw refused(now);
      }
    }
  }

  /**
   * Makes sure that the job still has the lease, and renews it if it is time to.
   *
   * @return false if the count went back: the store has lost what it had confirmed
   * @throws LeaseException if another job has it
   */
  public boolean hold() throws Exception {
    if (seen != null && time.nanos() - seenNanos < RENEW_EVERY.toNanos()) {
      return true;
    }
    Holder now = store.read();
    if (now != null && !isFree(now)) {
      throw refused(now);
    }
    boolean kept = seen == null || (now != null && now.renewals() >= seen.renewals());
    if (now == null || now.equals(seen) || !now.owner().equals(owner)) {
      Holder next = new Holder(owner, now == null ? 1 : now.renewals() + 1);
      store.replace(now, next);
      now = next;
    }
    note(now);
    return kept;
  }

  /**
   * Lets the next {@link #hold} look at the store: a commit that failed may have lost the lease.
   */
  public void doubt() {
    seenNanos = time.nanos() - RENEW_EVERY.toNanos();
  }

  private void note(Holder holder) {
    seen = holder;
    seenNanos = time.nanos();
  }

  /** Gives the lease back, so that the next job need not wait. */
  public void release() throws Exception {
    Holder now = store.read();
    if (now != null && now.owner().equals(owner)) {
      store.replace(now, new Holder(NOBODY, now.renewals() + 1));
    }
  }

  private LeaseException refused(Holder holder) {
    return new LeaseException(
        ("transaction-prefix is in use: the lease %s is held by the job %s, which renews it. Give each job that shares a"
                + " broker or a database a transaction-prefix of its own, or stop the other job")
            .formatted(store.describe(), holder.owner()));
  }
}
