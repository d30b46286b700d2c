package io.promostream.subscribers;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.List;
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

  /** Two ids with hashes alike in the half that is kept, and in the place among 128 entries. */
  static List<String> alike() {
    Map<Long, String> byHash = new HashMap<>();
    for (int i = 0; ; i++) {
      String id = "id-" + i;
      long hash = PostgresHash.of(id.getBytes(UTF_8), 0, id.length(), 0);
      String other = byHash.put((hash >>> 32 << 7) | (hash & 127), id);
      if (other != null) {
        return List.of(other, id);
      }
    }
  }

  @Test
  void idsWhoseHashesAreAlikeAreToldApart() {
    String one = alike().get(0);
    String other = alike().get(1);
    add(one);
    assertThat(find(other)).isEqualTo(IdNumbers.UNKNOWN);
    add(other);
    assertThat(find(one)).isZero();
    assertThat(find(other)).isEqualTo(1);
  }
}
