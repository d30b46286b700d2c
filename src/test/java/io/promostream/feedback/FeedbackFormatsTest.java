package io.promostream.feedback;

import io.promostream.testing.GoldenBytes;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The bytes of the feedback sink's state in checkpoints of release 0.1. */
class FeedbackFormatsTest {

  @Test
  void committable() {
    GoldenBytes.check(
        "FeedbackCommittable",
        new FeedbackCommittable.Serializer(),
        List.of(new FeedbackCommittable("promo-stream/3/17/5b1d0c9e2f7a4e66/3", 1L << 33, 1000)));
  }
}
