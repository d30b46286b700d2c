package io.promostream.feedback;

import io.promostream.delivery.DeliveryBatch;
import io.promostream.postgres.Connections;
import io.promostream.replay.Committable;
import io.promostream.replay.Lease;
import io.promostream.replay.Lease.Holder;
import io.promostream.replay.Mark;
import io.promostream.replay.MarkMovedException;
import io.promostream.replay.Replayer;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.util.IOUtils;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Replays batches into the feedback table.
 *
 * <p>A commit first moves the mark and then writes the rows. An earlier attempt that is still
 * running holds the lock on the mark's row. This attempt waits for that lock and then sees that the
 * mark has moved. No other mechanism protects from an earlier attempt. Nothing depends on the
 * session, so a pooler in transaction mode works.
 */
final class FeedbackReplayer implements Replayer<DeliveryBatch> {

  private static final Logger LOG = LoggerFactory.getLogger(FeedbackReplayer.class);

  private final FeedbackTarget target;
  private final CommitsTable commits;
  private final Lease lease;
  private final FeedbackSession.Counters counters;

  private volatile @Nullable Connection connection;
  private volatile boolean closed;
  private @Nullable FeedbackSession session;

  FeedbackReplayer(FeedbackTarget target, MetricGroup metrics) {
    this.target = target;
    commits = new CommitsTable(target.config().commitsTable(), target.prefix(), target.owner());
    lease = new Lease(new Leases(), target.owner());
    counters = FeedbackSession.Counters.of(metrics);
  }

  /** Connects, checks the tables, and takes the lease. */
  void open() throws Exception {
    session()
        .inTransaction(
            c -> {
              commits.requireUsable(c);
              return null;
            });
    lease.acquire();
  }

  private Connection connect() throws SQLException {
    Connection opened =
        Connections.open(target.config().database(), "promo-stream feedback " + target.prefix());
    connection = opened;
    if (closed) {
      close();
    }
    return opened;
  }

  private FeedbackSession session() throws SQLException, IOException {
    if (session == null) {
      Connection opened = connection == null ? connect() : connection;
      session = new FeedbackSession(target.config(), opened, counters);
    }
    return session;
  }

  @Override
  public Mark takeOver(String writer, Mark known, @Nullable Committable next) throws Exception {
    return readMark(writer);
  }

  @Override
  public Mark readMark(String writer) throws Exception {
    return session().inTransaction(c -> commits.mark(c, writer));
  }

  @Override
  public void commit(String writer, Mark from, Committable committable, List<DeliveryBatch> batches)
      throws Exception {
    try {
      session()
          .write(
              c -> {
                if (!commits.move(c, writer, from, committable)) {
                  throw new MarkMovedException(
                      "The mark of writer %s is not at %d, or this job has lost its lease"
                          .formatted(writer, from.sequence()));
                }
                return null;
              },
              batches);
    } catch (SQLException e) {
      throw target.failure("Cannot write feedback rows", e);
    }
  }

  /**
   * Commits a change of the mark's row. Once a standby has this commit, it also has every earlier
   * one.
   */
  @Override
  public void confirm(String writer, Mark mark) throws Exception {
    session()
        .inTransaction(
            c -> {
              commits.touch(c, writer);
              return null;
            });
  }

  @Override
  public void forceMark(String writer, Mark mark) throws Exception {
    session()
        .inTransaction(
            c -> {
              commits.force(c, writer, mark);
              return null;
            });
  }

  @Override
  public boolean holdLease() throws Exception {
    return lease.hold();
  }

  @Override
  public void releaseLease() throws Exception {
    lease.release();
  }

  @Override
  public void reset() {
    IOUtils.closeQuietly(connection);
    connection = null;
    session = null;
    lease.invalidate();
  }

  /** Aborts the connection, which ends a running statement. */
  @Override
  public void close() {
    closed = true;
    Connection opened = connection;
    if (opened != null) {
      try {
        opened.abort(Runnable::run);
      } catch (SQLException e) {
        LOG.debug("Cannot abort the connection.", e);
      }
    }
  }

  /** The lease as a row of the commits table. */
  private final class Leases implements Lease.Store {

    @Override
    public @Nullable Holder read() throws Exception {
      return session().inTransaction(c -> commits.holder(c, false));
    }

    @Override
    public void replace(@Nullable Holder expected, Holder next) throws Exception {
      session()
          .inTransaction(
              c -> {
                commits.replaceHolder(c, expected, next);
                return null;
              });
    }

    @Override
    public String describe() {
      return commits.toString();
    }
  }
}
