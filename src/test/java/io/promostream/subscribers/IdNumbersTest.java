package io.promostream.subscribers;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class IdNumbersTest {

  /** The first two ids of id-0, id-1, id-2 ... whose entries collide. */
  static final List<String> COLLIDING = List.of("id-266954", "id-1612857");

  private final IdNumbers numbers = new IdNumbers();

  private int find(String id) {
    byte[] amidOthers = ("_" + id + "__").getBytes(UTF_8);
    return numbers.find(amidOthers, 1, amidOthers.length - 3);
  }

  private void add(String id) {
    byte[] utf8 = id.getBytes(UTF_8);
    numbers.add(utf8, 0, utf8.length);
  }

  @Test
  void numbersIdsInTheOrderOfTheirArrival() {
    for (int i = 0; i < 10_000; i++) {
      assertThat(find("id-" + i)).isEqualTo(IdNumbers.UNKNOWN);
      add("id-" + i);
      assertThat(find("id-" + i / 2)).isEqualTo(i / 2);
    }
    for (int i = 0; i < 10_000; i++) {
      assertThat(find("id-" + i)).isEqualTo(i);
      assertThat(numbers.id(i)).isEqualTo("id-" + i);
    }
    assertThat(numbers.size()).isEqualTo(10_000);
  }

  /** The upper half of the hash, which an entry holds, and its place in a table of 128 entries. */
  private static List<Long> entry(String id) {
    long hash = PostgresHash.of(id.getBytes(UTF_8), 0, id.length(), 0);
    return List.of(hash >>> 32, hash & 127);
  }

  @Test
  void distinguishesIdsWithCollidingHashes() {
    String one = COLLIDING.get(0);
    String other = COLLIDING.get(1);
    assertThat(entry(one)).as("hash").isEqualTo(entry(other));
    add(one);
    assertThat(find(other)).isEqualTo(IdNumbers.UNKNOWN);
    add(other);
    assertThat(find(one)).isZero();
    assertThat(find(other)).isEqualTo(1);
  }
}
