package io.promostream.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.promo.Promo;
import io.promostream.subscribers.Audience;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SliceTest {

  @ParameterizedTest
  @CsvSource({
    // characters of a client id, of the promo, clients, clients of the largest slice
    "16,   100,     10500, 1000",
    "1020, 100,     1000,  256",
    "16,   1048570, 100,   8",
    "16,   8388604, 3,     1"
  })
  void isBounded(int idLength, int textLength, int clients, int largest) {
    Audience audience =
        Audience.of(
            IntStream.range(0, clients)
                .mapToObj(i -> ("%0" + idLength + "d").formatted(i))
                .toList());
    Promo promo = new Promo("r", "c", "x".repeat(textLength), "", "", 100, 200, 1);
    List<Slice> slices = Slice.cut(promo, audience, 150_999);
    assertThat(slices)
        .allMatch(slice -> slice.matchedAt() == 150)
        .allMatch(slice -> slice.clients().size() <= largest)
        .anyMatch(slice -> slice.clients().size() == largest);
    assertThat(Audience.union(slices.stream().map(Slice::clients).toList())).isEqualTo(audience);
    assertThat(slices.stream().mapToInt(slice -> slice.clients().size()).sum()).isEqualTo(clients);
  }
}
