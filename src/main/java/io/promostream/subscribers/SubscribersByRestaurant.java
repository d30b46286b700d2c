package io.promostream.subscribers;

import static io.promostream.subscribers.IdNumbers.UNKNOWN;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Arrays;
import java.util.BitSet;
import java.util.Collection;
import org.jspecify.annotations.Nullable;

/**
 * Collects rows in bounded memory, then returns the subscribers of one restaurant after the other.
 * If the rows need more memory, some restaurants are left out, but never all.
 *
 * <p>Rows are kept in the order of their arrival, in shares by restaurant, and sorted into
 * audiences share by share. So each audience is allocated once in its full size, and the rows of a
 * share are released before the next share.
 */
final class SubscribersByRestaurant {

  private static final int SHARES = 256;

  /** Memory of a restaurant without its rows. */
  private static final int RESTAURANT_BYTES = 256;

  /** Memory of a row whose client id is a UUID or not longer. */
  private static final int ROW_BYTES = 24;

  // Counts of a restaurant, next to each other in memory because each row updates them.
  private static final int ROWS = 0;
  private static final int UUIDS = 1;
  private static final int HASH_1 = 2;
  private static final int HASH_2 = 3;
  private static final int COUNTS = 4;

  private final IdNumbers restaurants = new IdNumbers();
  private final long maxBytes;
  private final int[] numbers = new int[CopyRows.BLOCK_ROWS];
  private long[] counts = new long[64 * COUNTS];

  /** Rows by restaurant number modulo {@link #SHARES}; null once left out or polled. */
  private final @Nullable RowLog[] shares = new RowLog[SHARES];

  private final BitSet leftOut = new BitSet(SHARES);
  private long bytes;

  private int nextShare;
  private Audience.Builder[] audiences = {};
  private int nextAudience;

  SubscribersByRestaurant(long maxBytes) {
    this.maxBytes = maxBytes;
    Arrays.setAll(shares, share -> new RowLog());
  }

  /**
   * The subscribers of one restaurant.
   *
   * @param fingerprint of the rows
   */
  record Subscribers(String restaurantId, Audience audience, Fingerprint fingerprint) {}

  /** The approximate memory for a restaurant's rows while they are read. */
  static long expectedBytes(Fingerprint expected) {
    return RESTAURANT_BYTES + expected.rows() * ROW_BYTES;
  }

  /** Registers restaurants, which may turn out to have no rows. */
  void expect(Collection<String> restaurantIds) {
    for (String id : restaurantIds) {
      byte[] utf8 = id.getBytes(UTF_8);
      numberOf(utf8, 0, utf8.length);
    }
  }

  /** The number of a restaurant. A new restaurant gets the next number. */
  private int numberOf(byte[] source, int start, int length) {
    int known = restaurants.find(source, start, length);
    if (known != UNKNOWN) {
      return known;
    }
    int number = restaurants.add(source, start, length);
    if (number * COUNTS == counts.length) {
      counts = Arrays.copyOf(counts, 2 * counts.length);
    }
    if (shares[number % SHARES] != null) {
      bytes += RESTAURANT_BYTES;
    }
    return number;
  }

  /** Adds rows with a restaurant's and a client's id. */
  void add(CopyRows rows) {
    add(rows, true);
  }

  /** Adds those rows whose restaurants are expected. */
  void addExpected(CopyRows rows) {
    add(rows, false);
  }

  private void add(CopyRows rows, boolean addUnknown) {
    restaurants.find(rows, 0, numbers);
    for (int row = 0; row < rows.size(); row++) {
      int number = numbers[row];
      if (number == UNKNOWN && addUnknown) {
        number = numberOf(rows.bytes(row), rows.start(row, 0), rows.length(row, 0));
      }
      if (number != UNKNOWN) {
        add(number, rows.bytes(row), rows.start(row, 1), rows.length(row, 1));
      }
    }
    if (bytes > maxBytes) {
      leaveOut();
    }
  }

  private void add(int number, byte[] source, int start, int length) {
    RowLog share = shares[number % SHARES];
    if (share != null) {
      int at = number * COUNTS;
      bytes -= share.bytes();
      counts[at + UUIDS] += share.add(number, source, start, length) ? 1 : 0;
      bytes += share.bytes();
      counts[at + ROWS]++;
      counts[at + HASH_1] += PostgresHash.of(source, start, length, 0);
      counts[at + HASH_2] += PostgresHash.of(source, start, length, 1);
    }
  }

  /** Drops the rows of some restaurants, never of all. */
  private void leaveOut() {
    int kept = 0;
    for (int share = 0; share < SHARES; share++) {
      kept += shares[share] != null && restaurantsOf(share) > 0 ? 1 : 0;
    }
    for (int share = 0; share < SHARES && kept > 1 && bytes > maxBytes / 4 * 3; share++) {
      RowLog rows = shares[share];
      if (rows != null) {
        bytes -= rows.bytes() + (long) RESTAURANT_BYTES * restaurantsOf(share);
        shares[share] = null;
        leftOut.set(share);
        kept--;
      }
    }
  }

  private int restaurantsOf(int share) {
    return (restaurants.size() - share + SHARES - 1) / SHARES;
  }

  /** Whether a known restaurant was left out. */
  boolean isLeftOut(String restaurantId) {
    byte[] utf8 = restaurantId.getBytes(UTF_8);
    return leftOut.get(restaurants.find(utf8, 0, utf8.length) % SHARES);
  }

  boolean isComplete() {
    return leftOut.isEmpty();
  }

  /** Removes and returns the subscribers of one restaurant; null if no restaurant remains. */
  @Nullable Subscribers poll() {
    while (nextAudience == audiences.length) {
      if (nextShare == SHARES) {
        return null;
      }
      sort(nextShare++);
    }
    int number = nextShare - 1 + nextAudience * SHARES;
    int at = number * COUNTS;
    return new Subscribers(
        restaurants.id(number),
        audiences[nextAudience++].build(),
        new Fingerprint(counts[at + ROWS], counts[at + HASH_1], counts[at + HASH_2]));
  }

  private void sort(int share) {
    RowLog rows = shares[share];
    shares[share] = null;
    audiences = new Audience.Builder[rows == null ? 0 : restaurantsOf(share)];
    nextAudience = 0;
    for (int i = 0; i < audiences.length; i++) {
      int at = (share + i * SHARES) * COUNTS;
      audiences[i] = new Audience.Builder((int) counts[at + UUIDS]);
    }
    if (rows != null) {
      rows.addTo(restaurant -> audiences[restaurant / SHARES]);
    }
  }
}
