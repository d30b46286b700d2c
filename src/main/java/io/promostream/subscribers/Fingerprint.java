package io.promostream.subscribers;

/**
 * The fingerprint of a restaurant's rows, which shows whether they changed between two refreshes.
 * It uses sums, because they do not depend on the order of the rows and, unlike XOR, do not cancel
 * a duplicate.
 *
 * @param rows the number of usable rows, including duplicates
 * @param hash1 the sum of one 64-bit hash of each client's id, wrapping around
 * @param hash2 the sum of another
 */
record Fingerprint(long rows, long hash1, long hash2) {

  static final Fingerprint NO_ROWS = new Fingerprint(0, 0, 0);

  /**
   * A restaurant whose audience was not sent completely. It equals no fingerprint from Postgres.
   */
  static final Fingerprint UNFINISHED = new Fingerprint(-1, 0, 0);
}
