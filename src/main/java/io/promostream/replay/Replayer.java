package io.promostream.replay;

import java.util.List;

/**
 * Replays committables into one system. Used by one thread, but for {@link #close}. After an
 * exception, {@link #reset} is called before anything else.
 *
 * @param <T> what a committable holds
 */
public interface Replayer<T> extends AutoCloseable {

  /**
   * Makes this the only replayer of a writer, as far as the system needs that, and finds out how
   * far the writer is.
   *
   * @param known what the writer is known to have committed
   * @param next the committable to be replayed next, whose age may decide whether a missing mark
   *     means anything; null if there is none
   * @throws UnknownMarkException if the system may have forgotten the mark
   */
  Mark takeOver(String writer, Mark known, @org.jspecify.annotations.Nullable Committable next)
      throws Exception;

  /**
   * In one transaction: moves the writer's mark from the committable before to this one, and writes
   * the elements.
   *
   * @param from the mark as it must be; after {@link #takeOver} or the last commit
   * @throws MarkMovedException if it is another, having written nothing
   */
  void commit(String writer, Mark from, Committable committable, List<T> elements) throws Exception;

  /** Makes sure that a commit which was found, not made, is durable. */
  void confirm(String writer, Mark mark) throws Exception;

  /** Sets a mark to where it was known to be, after commits were lost. */
  void forceMark(String writer, Mark mark) throws Exception;

  /** How far a writer is, without any claim to it. */
  Mark look(String writer) throws Exception;

  /**
   * Renews the lease if it is time to.
   *
   * @return false if the lease itself went back, so the system has lost what it had confirmed
   * @throws LeaseException if another job has it
   */
  boolean holdLease() throws Exception;

  /** Gives the lease back: the job ends as it was told to. */
  void releaseLease() throws Exception;

  /** Drops the connection after a failure; the next call opens another. Never throws. */
  void reset();

  /** Closes all connections, from any thread: a call under way fails. Never throws. */
  @Override
  void close();
}
