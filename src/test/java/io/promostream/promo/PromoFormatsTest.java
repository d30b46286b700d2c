package io.promostream.promo;

import io.promostream.kafka.Message;
import io.promostream.testing.GoldenBytes;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The bytes of promos in state and between tasks. */
class PromoFormatsTest {

  @Test
  void promo() {
    GoldenBytes.check(
        "Promo",
        new Promo.Serializer(),
        List.of(
            new Promo("r", "c", "10 % off", "o", "o@x", 1_700_000_000, 253_402_300_799L, 1),
            new Promo("é", "😀", "", "\n", "\"", 0, 0, Long.MAX_VALUE)));
  }

  @Test
  void rawPromo() {
    GoldenBytes.check(
        "RawPromo",
        new RawPromo.Serializer(),
        List.of(
            new RawPromo("t", 3, 1L << 40, -1, new Message(null, new byte[] {0, -1}, List.of()))));
  }

  @Test
  void message() {
    GoldenBytes.check(
        "Message",
        new Message.Serializer(),
        List.of(
            new Message(null, null, List.of()),
            new Message(
                new byte[] {1},
                new byte[] {},
                List.of(
                    new Message.Header("k", new byte[] {2, 3}), new Message.Header("k", null)))));
  }
}
