package io.promostream.replay;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Replays committables into one target system. One thread calls all methods except {@link #close}.
 * After an exception, the caller calls {@link #reset} before any other method.
 *
 * @param <T> the element type of the sink
 */
public interface Replayer<T> extends AutoCloseable {

  /**
   * Fences earlier replayers of a writer if the target system needs that, and reads the writer's
   * mark.
   *
   * @param known the last known mark
   * @param next the committable to replay next; its age tells whether the target may have removed a
   *     missing mark; null if nothing is pending
   * @throws UnknownMarkException if the target system may have removed the mark
   */
  Mark takeOver(String writer, Mark known, @Nullable Committable next) throws Exception;

  /**
   * Moves the writer's mark from the previous committable to this one and writes the elements, in
   * one transaction.
   *
   * @param from the expected mark: the result of {@link #takeOver}, or the mark after the last
   *     commit
   * @throws MarkMovedException if the mark is at another position; nothing is written then
   */
  void commit(String writer, Mark from, Committable committable, List<T> elements) throws Exception;

  /** Makes sure that a commit of an earlier attempt is durable. */
  void confirm(String writer, Mark mark) throws Exception;

  /** Sets a mark to its last known position after commits were lost. */
  void forceMark(String writer, Mark mark) throws Exception;

  /** Reads a writer's mark without fencing other replayers. */
  Mark readMark(String writer) throws Exception;

  /**
   * Renews the lease when a renewal is due.
   *
   * @return false if the counter of the lease went back, which means that the target system has
   *     lost confirmed writes
   * @throws LeaseException if another job holds the lease
   */
  boolean holdLease() throws Exception;

  /** Releases the lease when the job stops with a savepoint. */
  void releaseLease() throws Exception;

  /** Closes the connection after a failure. The next call opens a new one. Never throws. */
  void reset();

  /** Closes all connections. Any thread may call it, and a running call fails. Never throws. */
  @Override
  void close();
}
