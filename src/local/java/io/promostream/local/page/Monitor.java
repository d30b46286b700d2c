package io.promostream.local.page;

import java.sql.SQLException;
import java.time.Clock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the feedback rows, the refused rows and the job's numbers twice a second, and counts the
 * checkpoints.
 */
final class Monitor implements Runnable, AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(Monitor.class);
  private static final long MILLIS = 500;

  private final Engine engine;
  private final RowReader rows;
  private final RowReader refused;
  private final Board board;
  private final Faults faults;
  private final Clock clock;
  private volatile boolean closed;
  private volatile boolean rowsReadable;
  private volatile Engine.@Nullable Flow flow;
  private long checkpoint;

  Monitor(Engine engine, Site site, Board board, Faults faults, Clock clock) {
    this.engine = engine;
    rows =
        new RowReader(
            site,
            site.feedbackTable(),
            board.ledger(),
            (campaign, client, second) -> board.delivery(Sink.ROWS, campaign, client, second));
    refused =
        new RowReader(
            site,
            site.refusedTable(),
            board.ledger(),
            (campaign, client, second) -> board.refused(Sink.ROWS, campaign, client));
    this.board = board;
    this.faults = faults;
    this.clock = clock;
  }

  /** The job's last known numbers; null before the first ones. */
  Engine.@Nullable Flow flow() {
    return flow;
  }

  /** Whether Postgres answered the last time. */
  boolean rowsReadable() {
    return rowsReadable;
  }

  @Override
  public void run() {
    try (rows;
        refused) {
      while (!closed) {
        readRows();
        readFlow();
        Thread.sleep(MILLIS);
      }
    } catch (InterruptedException e) {
      // close() ends the wait in this way.
    }
  }

  private void readRows() {
    try {
      rows.read(clock.instant().getEpochSecond());
      refused.read(clock.instant().getEpochSecond());
      rowsReadable = true;
    } catch (SQLException e) {
      rowsReadable = false;
      LOG.debug("Cannot read the feedback rows", e);
    }
  }

  private void readFlow() throws InterruptedException {
    try {
      Engine.Flow read = engine.flow();
      flow = read;
      if (rowsReadable && read.checkpoint() > checkpoint) {
        checkpoint = read.checkpoint();
        board.ledger().checkpoint();
      }
      faults.observe(read, rowsReadable);
    } catch (InterruptedException e) {
      throw e;
    } catch (Exception e) {
      LOG.debug("Cannot read the job's numbers", e);
    }
  }

  @Override
  public void close() {
    closed = true;
  }
}
