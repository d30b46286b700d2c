package io.promostream.replay;

/**
 * The position up to which a writer's committables are committed.
 *
 * @param sequence number of the last committed committable; 0 before the first
 * @param records how many records were committed up to this position; the job counts a loss with it
 */
public record Mark(long sequence, long records) {

  public static final Mark NONE = new Mark(0, 0);

  /** The mark once a committable is committed. */
  public Mark after(Committable committable) {
    return new Mark(committable.sequence(), records + committable.records());
  }
}
