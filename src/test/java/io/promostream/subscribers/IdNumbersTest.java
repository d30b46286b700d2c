package io.promostream.subscribers;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class IdNumbersTest {

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
  void idsAreNumberedAsTheyCome() {
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

  @Test
  void idsWhoseHashesAreAlikeAreToldApart() {
    // Alike in the half that is kept, and in the place among the first 128 entries.
    Map<Long, String> byHash = new HashMap<>();
    String one = null;
    String other = "";
    for (int i = 0; one == null; i++) {
      other = "id-" + i;
      long hash = PostgresHash.of(other.getBytes(UTF_8), 0, other.length(), 0);
      one = byHash.put((hash >>> 32 << 7) | (hash & 127), other);
    }
    add(one);
    assertThat(find(other)).isEqualTo(IdNumbers.UNKNOWN);
    add(other);
    assertThat(find(one)).isZero();
    assertThat(find(other)).isEqualTo(1);
  }
}
