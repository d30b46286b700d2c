package io.promostream.bench;

import io.promostream.bench.GarbageLog.Garbage;

/** A program that delivers promos in its turns, and uses no processor between them. */
interface Contender {

  String name();

  /** Begins its turn. */
  default void wake() throws Exception {}

  /** Makes promos ready; this is not measured. */
  default void prepare(Town town, long promos) throws Exception {}

  /** Delivers them, and returns when the last delivery became visible, {@link System#nanoTime}. */
  long deliver(long deliveries) throws Exception;

  /** The garbage collections since the last call. */
  default Garbage garbage() throws Exception {
    return Garbage.NONE;
  }

  /** Ends its turn. */
  default void rest() throws Exception {}
}
