package io.promostream.feedback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class FeedbackCommittableTest {

  private final FeedbackCommittable.Serializer serializer = new FeedbackCommittable.Serializer();
  private final FeedbackCommittable committable =
      new FeedbackCommittable("promo-stream/0/17/5b1d0c9e2f7a4e66/3", 1L << 33, 12);

  @Test
  void whatIsWrittenIsReadBack() throws IOException {
    assertThat(serializer.deserialize(serializer.getVersion(), serializer.serialize(committable)))
        .isEqualTo(committable);
  }

  /** These bytes stand in checkpoints of the first release. */
  @Test
  void format1IsRead() throws IOException {
    byte[] bytes =
        HexFormat.of()
            .parseHex(
                "002470726f6d6f2d73747265616d2f302f31372f356231643063396532663761346536362f33"
                    + "0000000200000000000000000000000c");
    assertThat(serializer.deserialize(1, bytes)).isEqualTo(committable);
  }

  @Test
  void aNewerFormatIsRefused() {
    assertThatThrownBy(() -> serializer.deserialize(2, new byte[0]))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("format 2");
  }
}
