package io.promostream.delivery;

import io.promostream.promo.Promo;
import io.promostream.subscribers.Audience;
import io.promostream.testing.GoldenBytes;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The serialized bytes of state and batches stay what they were. */
class DeliveryFormatsTest {

  private static final Promo PROMO = new Promo("r", "c", "text", "o", "o@x", 10, 20, 5);
  private static final Audience CLIENTS =
      Audience.of("b", "123e4567-e89b-12d3-a456-426614174000", "é");

  @Test
  void campaign() {
    GoldenBytes.check(
        "Campaign",
        new Campaign.Serializer(),
        List.of(
            new Campaign.Running(PROMO, false, 0, 0),
            new Campaign.Running(PROMO, true, 3, 7),
            new Campaign.Remembered(5, 1_700_000_000_000L)));
  }

  @Test
  void slice() {
    GoldenBytes.check("Slice", new Slice.Serializer(), List.of(new Slice(15, CLIENTS)));
  }

  @Test
  void deliveryBatch() {
    GoldenBytes.check(
        "DeliveryBatch",
        new DeliveryBatch.Serializer(),
        List.of(new DeliveryBatch(PROMO, 15, CLIENTS)));
  }
}
