package io.promostream.replay;

import java.time.Duration;
import org.apache.flink.annotation.VisibleForTesting;
import org.jspecify.annotations.Nullable;

/**
 * Lets one job at a time work under a {@code transaction-prefix}. The holder increments a counter
 * in the target every few seconds. A job that wants the lease of another job watches this counter
 * for {@link #TIME_TO_LIVE}. If the counter changes, the other job is alive. No clocks are
 * compared.
 *
 * <p>The owner's name is drawn when the job graph is built, so all subtasks of a job share it. A
 * subtask renews the lease only if no other subtask has just renewed it. The name is not the job
 * id, because jobs of different application clusters may have the same id.
 */
public final class Lease {

  /** A holder that does not renew the lease for this long is considered dead. */
  public static final Duration TIME_TO_LIVE = Duration.ofSeconds(10);

  private static final Duration RENEWAL_INTERVAL = TIME_TO_LIVE.dividedBy(3);
  private static final Duration POLL_INTERVAL = TIME_TO_LIVE.dividedBy(20);

  /** The owner's name in a released lease. */
  public static final String NOBODY = "";

  /**
   * Who holds a lease.
   *
   * @param renewals the number of renewals, across owners
   */
  public record Holder(String owner, long renewals) {}

  /** Stores the lease. */
  public interface Store {

    /** The current holder, or null if the lease was never taken. */
    @Nullable Holder read() throws Exception;

    /**
     * Replaces the holder if it is still the expected one. Some systems cannot compare, so the
     * caller must read the lease again.
     */
    void replace(@Nullable Holder expected, Holder next) throws Exception;

    /** Names the lease in an error message. */
    String describe();
  }

  /** The clock. Tests replace it. */
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
   * Takes the lease. If another job holds it, first waits to see whether that job is dead.
   *
   * @throws LeaseException if another job holds the lease and is alive
   */
  public void acquire() throws Exception {
    Holder found = store.read();
    if (found != null && !isFree(found)) {
      awaitExpiry(found);
    }
    while (found == null || !found.owner().equals(owner)) {
      store.replace(found, new Holder(owner, found == null ? 1 : found.renewals() + 1));
      // Another job may have taken the lease at the same moment.
      time.sleep(POLL_INTERVAL);
      Holder now = store.read();
      if (now != null && !isFree(now)) {
        throw refused(now);
      }
      found = now;
    }
    remember(found);
  }

  private boolean isFree(Holder holder) {
    return holder.owner().equals(owner) || holder.owner().equals(NOBODY);
  }

  private void awaitExpiry(Holder found) throws Exception {
    long deadline = time.nanos() + TIME_TO_LIVE.toNanos();
    while (time.nanos() < deadline) {
      time.sleep(POLL_INTERVAL);
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
   * Checks that the job still holds the lease, and renews the lease when a renewal is due.
   *
   * @return false if the counter went back, which means that the store has lost confirmed writes
   * @throws LeaseException if another job holds the lease
   */
  public boolean hold() throws Exception {
    if (seen != null && time.nanos() - seenNanos < RENEWAL_INTERVAL.toNanos()) {
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
    remember(now);
    return kept;
  }

  /**
   * Makes the next {@link #hold} read the store. A commit may have failed because the lease is
   * lost.
   */
  public void invalidate() {
    seenNanos = time.nanos() - RENEWAL_INTERVAL.toNanos();
  }

  private void remember(Holder holder) {
    seen = holder;
    seenNanos = time.nanos();
  }

  /** Releases the lease, so that the next job does not have to wait. */
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
