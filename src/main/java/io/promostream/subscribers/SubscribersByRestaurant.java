package io.promostream.subscribers;

import static io.promostream.subscribers.IdNumbers.UNKNOWN;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Arrays;
import java.util.BitSet;
import java.util.Collection;
import org.jspecify.annotations.Nullable;

/**
 * Rows while they are read, in bounded memory, then the subscribers of one restaurant after the
 * other. Where the rows would take more, some restaurants are left out, but never all.
 *
 * <p>Rows are kept as they come, in shares by restaurant, and sorted into audiences share by share:
 * an audience's memory is taken once and in its full size, and a share's rows are gone by the next.
 */
final class SubscribersByRestaurant {

  private static final int SHARES = 256;

  /** What a restaurant takes beside its rows. */
  private static final int RESTAURANT_BYTES = 256;

  /** What a row takes, where the clients' ids are UUIDs or as short. */
  private static final int ROW_BYTES = 24;

  // What is counted of a restaurant, together: it is looked up for each row.
  private static final int ROWS = 0;
  private static final int UUIDS = 1;
  private static final int HASH_1 = 2;
  private static final int HASH_2 = 3;
  private static final int COUNTS = 4;

  private final IdNumbers restaurants = new IdNumbers();
  private final long maxBytes;
  private final int[] numbers = new int[CopyRows.BATCH];
  private long[] counts = new long[64 * COUNTS];

  /** Of the restaurants with these numbers modulo {@link #SHARES}; null once left out or taken. */
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

  /** What a restaurant's rows will take, roughly, while they are read. */
  static long expectedBytes(Fingerprint expected) {
    return RESTAURANT_BYTES + expected.rows() * ROW_BYTES;
  }

  /** Has some restaurants in it, with or without rows. */
  void expect(Collection<String> restaurantIds) {
    for (String id : restaurantIds) {
      byte[] utf8 = id.getBytes(UTF_8);
      enter(utf8, 0, utf8.length);
    }
  }

  /** The number of a restaurant, which it has got from a row before, or gets now. */
  private int enter(byte[] source, int start, int length) {
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

  private void add(CopyRows rows, boolean whateverComes) {
    restaurants.find(rows, 0, numbers);
    for (int row = 0; row < rows.size(); row++) {
      int number = numbers[row];
      if (number == UNKNOWN && whateverComes) {
        number = enter(rows.bytes(row), rows.start(row, 0), rows.length(row, 0));
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

  /** Forgets what was read of some restaurants, never of all. */
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

  /** Whether a restaurant that is known is left out. */
  boolean isLeftOut(String restaurantId) {
    byte[] utf8 = restaurantId.getBytes(UTF_8);
    return leftOut.get(restaurants.find(utf8, 0, utf8.length) % SHARES);
  }

  boolean isComplete() {
    return leftOut.isEmpty();
  }

  /** Takes the subscribers of one restaurant out; null where all that is not left out is taken. */
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
