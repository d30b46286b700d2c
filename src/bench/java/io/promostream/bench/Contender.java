package io.promostream.bench;

import io.promostream.bench.GarbageLog.Garbage;

/** A program that delivers promos when it is its turn, and uses no processor until then. */
interface Contender {

  String name();

  /** Begins its turn. */
  default void wake() throws Exception {}

  /** Makes promos ready; this is not measured. */
  default void prepare(Town town, long promos) throws Exception {}

  /** Delivers them until the last delivery can be read; when that was, {@link System#nanoTime}. */
  long deliver(long deliveries) throws Exception;

  /** What its garbage collector did since the last time that this was asked. */
  default Garbage garbage() throws Exception {
    return Garbage.NONE;
  }

  /** Ends its turn. */
  default void rest() throws Exception {}
}
