package io.promostream.local.page;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

class RecentKeysTest {

  private static final int GENERATION = 1024;

  @Test
  void remembersAtLeastOneGenerationAndAtMostTwo() {
    RecentKeys keys = new RecentKeys(GENERATION);
    Random random = new Random(1);
    long[] added = random.longs(5 * GENERATION).toArray();
    for (int i = 0; i < added.length; i++) {
      keys.add(added[i]);
      assertThat(keys.contains(added[i])).isTrue();
      if (i >= GENERATION) {
        assertThat(keys.contains(added[i - GENERATION + 1])).isTrue();
      }
      if (i >= 2 * GENERATION) {
        assertThat(keys.contains(added[i - 2 * GENERATION])).isFalse();
      }
    }
  }

  @Test
  void knowsZeroAndCollidingNumbers() {
    RecentKeys keys = new RecentKeys(GENERATION);
    assertThat(keys.contains(0)).isFalse();
    for (long key : new long[] {0, 2 * GENERATION, 4 * GENERATION, -1}) {
      assertThat(keys.contains(key)).isFalse();
      keys.add(key);
      assertThat(keys.contains(key)).isTrue();
    }
  }
}
