package io.promostream.promo;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class RejectReasonTest {

  /** If this fails, copy the expected table between the markers of the page. */
  @Test
  void pageListsAllReasons() throws Exception {
    String table =
        Arrays.stream(RejectReason.values())
            .map(reason -> "| `%s` | %s |\n".formatted(reason.code(), reason.meaning()))
            .collect(
                Collectors.joining("", "| reject.reason | what is wrong |\n| --- | --- |\n", ""));
    assertThat(Files.readString(Path.of("src/site/markdown/formats.md")))
        .contains("<!-- reasons: begin -->\n\n" + table + "\n<!-- reasons: end -->");
  }
}
