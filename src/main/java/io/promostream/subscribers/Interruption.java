package io.promostream.subscribers;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Interrupts a thread that waits or runs a statement. The caller never waits. */
final class Interruption {

  private static final Logger LOG = LoggerFactory.getLogger(Interruption.class);

  /** A cancel request that arrives before its statement has no effect, so it is repeated. */
  private static final long REPEAT_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  /** After this time the server counts as lost, and the socket is closed. */
  private static final long ABORT_AFTER_NANOS = TimeUnit.SECONDS.toNanos(5);

  private boolean requested;
  private @Nullable Connection running;

  synchronized void request() {
    if (running != null && !requested) {
      Connection connection = running;
      Thread canceller = new Thread(() -> cancel(connection), "cancel-subscribers-query");
      canceller.setDaemon(true);
      canceller.start();
    }
    requested = true;
    notifyAll();
  }

  /** Whether there was a request since the last call. */
  synchronized boolean happened() {
    boolean happened = requested;
    requested = false;
    return happened;
  }

  /**
   * Waits for a request, at most until {@link System#nanoTime()} reaches a value.
   *
   * @return whether there was a request
   */
  synchronized boolean awaitUntil(long nanos) throws InterruptedException {
    awaitUntil(nanos, () -> requested);
    return happened();
  }

  /**
   * From now on a request cancels the statement that runs on the connection.
   *
   * @throws SQLException if there was a request already
   */
  synchronized void watch(Connection connection) throws SQLException {
    if (requested) {
      throw new SQLException("interrupted before the first statement");
    }
    running = connection;
  }

  synchronized void unwatch() {
    running = null;
    notifyAll();
  }

  private void cancel(Connection connection) {
    long abortAt = System.nanoTime() + ABORT_AFTER_NANOS;
    try {
      do {
        connection.unwrap(PGConnection.class).cancelQuery();
        if (System.nanoTime() - abortAt > 0) {
          connection.abort(Runnable::run);
        }
      } while (stillRuns(connection));
    } catch (SQLException e) {
      LOG.debug("The connection was closed before its query was cancelled", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Waits a while, and tells whether the query still runs. */
  private synchronized boolean stillRuns(Connection connection) throws InterruptedException {
    awaitUntil(System.nanoTime() + REPEAT_NANOS, () -> running != connection);
    return running == connection;
  }

  private synchronized void awaitUntil(long nanos, BooleanSupplier done)
      throws InterruptedException {
    long left = nanos - System.nanoTime();
    while (left > 0 && !done.getAsBoolean()) {
      TimeUnit.NANOSECONDS.timedWait(this, left);
      left = nanos - System.nanoTime();
    }
  }
}
