package io.promostream.subscribers;

import static io.promostream.subscribers.PackedIds.UUID_BYTES;

/** The subscribers of one restaurant, as far as they are read. */
final class Subscribers {

  private static final int RESTAURANT_BYTES = 256;
  private static final int TEXT_BYTES = 48;

  /**
   * Of a restaurant that nothing is known of: what its share of {@link #RESTAURANT_BYTES} holds.
   */
  static final long UNKNOWN = 8;

  private final Audience.Builder audience;
  private long rows;
  private long hash1;
  private long hash2;
  private long bytes = RESTAURANT_BYTES;

  /**
   * @param expected how many rows, or fewer
   */
  Subscribers(long expected) {
    audience = new Audience.Builder(expected);
  }

  /**
   * What the subscribers will take in memory while they are read, where half of their ids are
   * UUIDs.
   */
  static long expectedBytes(Fingerprint expected) {
    return RESTAURANT_BYTES + expected.rows() * (UUID_BYTES + TEXT_BYTES) / 2;
  }

  /** What they take now. */
  long bytes() {
    return bytes;
  }

  Audience audience() {
    return audience.build();
  }

  Fingerprint fingerprint() {
    return new Fingerprint(rows, hash1, hash2);
  }

  /** Adds the client of a row; returns the bytes that it takes. */
  int add(CopyRows row, int clientColumn) {
    int length = row.length(clientColumn);
    boolean uuid = audience.add(row.bytes(), row.start(clientColumn), length);
    int more = uuid ? UUID_BYTES : TEXT_BYTES + length;
    bytes += more;
    return more;
  }

  /** Has the fingerprint count a row. */
  void count(long clientHash1, long clientHash2) {
    rows++;
    hash1 += clientHash1;
    hash2 += clientHash2;
  }

  /** The fingerprint, where it is known without counting. */
  void expect(Fingerprint fingerprint) {
    rows = fingerprint.rows();
    hash1 = fingerprint.hash1();
    hash2 = fingerprint.hash2();
  }
}
