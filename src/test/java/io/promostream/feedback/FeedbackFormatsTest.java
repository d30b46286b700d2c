package io.promostream.feedback;

import io.promostream.testing.GoldenBytes;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The bytes, and the names, of what a checkpoint holds of the feedback table. */
class FeedbackFormatsTest {

  @Test
  void committable() {
    GoldenBytes.check(
        "FeedbackCommittable",
        new FeedbackCommittable.Serializer(),
        List.of(
            new FeedbackCommittable(
                new FeedbackTransaction("promo-stream", 3, 17, "5b1d0c9e2f7a4e66", 3).gid(),
                1L << 33,
                1000)));
  }
}
