package io.promostream.replay;

/**
 * How far a writer's committables are committed.
 *
 * @param sequence number of the last committed committable; 0 before the first
 * @param records how many records the committables up to it hold, so that a loss can be counted
 */
public record Mark(long sequence, long records) {

  public static final Mark NONE = new Mark(0, 0);

  /** The mark after the next committable. */
  public Mark after(Committable committable) {
    return new Mark(committable.sequence(), records + committable.records());
  }
}
