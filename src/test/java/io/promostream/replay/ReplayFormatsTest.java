package io.promostream.replay;

import io.promostream.testing.GoldenBytes;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The bytes of a writer's log in a checkpoint. */
class ReplayFormatsTest {

  @Test
  void writerLog() {
    GoldenBytes.check(
        "WriterLog",
        new WriterLog.Serializer(),
        List.of(
            new WriterLog("0123456789abcdef0123456789abcdef", new Mark(7, 70_000), List.of()),
            new WriterLog(
                "fedcba9876543210fedcba9876543210",
                Mark.NONE,
                List.of(
                    new Committable(1, 1, new byte[] {1, 2, 3}, 1, 10, Long.MAX_VALUE, 1 << 20),
                    new Committable(2, 1, new byte[0], 0, 0, 1L << 40, 1L << 41)))));
  }
}
