package io.promostream.subscribers;

/**
 * By what two readings of a restaurant's rows are compared. Sums, because they don't depend on the
 * rows' order and, unlike XOR, don't cancel a duplicate.
 *
 * @param rows how many count, duplicates included
 * @param hash1 the sum of one 64-bit hash of each client's id, wrapping around
 * @param hash2 the sum of another
 */
record Fingerprint(long rows, long hash1, long hash2) {

  static final Fingerprint NO_ROWS = new Fingerprint(0, 0, 0);

  /** Of a restaurant whose audience is not sent to its end: equal to none that was read. */
  static final Fingerprint UNFINISHED = new Fingerprint(-1, 0, 0);
}
