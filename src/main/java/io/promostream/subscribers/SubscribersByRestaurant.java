package io.promostream.subscribers;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Subscribers while they are read, in bounded memory: where they would take more, some restaurants
 * are left out, but never all.
 */
final class SubscribersByRestaurant {

  private final Map<Id, Subscribers> restaurants;
  private final Set<Id> leftOut = new HashSet<>();
  private final Id wanted = new Id();
  private final long maxBytes;
  private long bytes;

  /**
   * @param expected how many restaurants
   */
  SubscribersByRestaurant(int expected, long maxBytes) {
    restaurants = new HashMap<>(expected * 4 / 3 + 1);
    this.maxBytes = maxBytes;
  }

  /** An id in UTF-8, amid other bytes: no text is made of it for each row. */
  private static final class Id {

    private byte[] source = {};
    private int start;
    private int length;
    private int hash;

    Id set(byte[] newSource, int newStart, int newLength) {
      source = newSource;
      start = newStart;
      length = newLength;
      hash = 0;
      for (int i = start; i < start + length; i++) {
        hash = 31 * hash + source[i];
      }
      return this;
    }

    static Id of(byte[] bytes) {
      return new Id().set(bytes, 0, bytes.length);
    }

    /** The same, apart from what it lay in. */
    Id copy() {
      return of(Arrays.copyOfRange(source, start, start + length));
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Id that
          && hash == that.hash
          && Arrays.equals(
              source, start, start + length, that.source, that.start, that.start + that.length);
    }

    @Override
    public int hashCode() {
      return hash;
    }

    @Override
    public String toString() {
      return new String(source, start, length, UTF_8);
    }
  }

  /** Has a restaurant in it, with or without rows. */
  void expect(String restaurantId, long rows) {
    expect(Id.of(restaurantId.getBytes(UTF_8)), rows);
  }

  private Subscribers expect(Id id, long rows) {
    Subscribers expected = new Subscribers(rows);
    restaurants.put(id, expected);
    bytes += expected.bytes();
    return expected;
  }

  /** Those of a row's restaurant; null unless they were expected. */
  @Nullable Subscribers get(CopyRows row, int restaurantColumn) {
    return restaurants.get(id(row, restaurantColumn));
  }

  /** Those of a row's restaurant, expected or not; null if they are left out. */
  @Nullable Subscribers getOrExpect(CopyRows row, int restaurantColumn) {
    Id id = id(row, restaurantColumn);
    Subscribers known = restaurants.get(id);
    return known == null && !leftOut.contains(id) ? expect(id.copy(), Subscribers.UNKNOWN) : known;
  }

  private Id id(CopyRows row, int column) {
    return wanted.set(row.bytes(), row.start(column), row.length(column));
  }

  /** Adds a row's client to the subscribers of its restaurant. */
  void add(Subscribers subscribers, CopyRows row, int clientColumn) {
    bytes += subscribers.add(row, clientColumn);
    if (bytes > maxBytes) {
      bytes -= leaveOut(maxBytes / 4);
    }
  }

  /** Forgets what was read of some restaurants, never of all; returns the bytes that it took. */
  private long leaveOut(long enough) {
    long left = 0;
    Iterator<Map.Entry<Id, Subscribers>> each = restaurants.entrySet().iterator();
    while (left < enough && restaurants.size() > 1) {
      Map.Entry<Id, Subscribers> next = each.next();
      left += next.getValue().bytes();
      leftOut.add(next.getKey());
      each.remove();
    }
    return left;
  }

  boolean isComplete() {
    return leftOut.isEmpty();
  }

  /** Hands out what is not left out, by the restaurants' ids. */
  void forEach(BiConsumer<String, Subscribers> taker) {
    restaurants.forEach((id, subscribers) -> taker.accept(id.toString(), subscribers));
  }
}
