package io.promostream.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class KeyReferenceTest {

  private static final String BEGIN = "<!-- configuration: begin -->\n";
  private static final String END = "<!-- configuration: end -->\n";

  @Test
  void pageContainsTable() throws IOException {
    String page = Files.readString(Path.of("src/site/markdown/configuration.md"));
    assertThat(page).contains(BEGIN + "\n" + KeyReference.markdown() + "\n" + END);
  }

  @Test
  void helpExplainsEveryKeyWithinLineWidth() {
    String help = KeyReference.help();
    for (ConfigKey<?> key : ConfigKeys.ALL) {
      assertThat(help.lines()).contains("  " + key.name());
      assertThat(help.replaceAll("\\s+", " ")).contains(key.type() + "; ", key.meaning());
    }
    assertThat(help.replaceAll("\\s+", " "))
        .contains("kafka.bootstrap-servers host:port,...; required. Kafka brokers")
        .contains("promos.remember-ended duration; default 7 d. How long");
    assertThat(help.lines()).allMatch(line -> line.length() <= 100);
  }
}
