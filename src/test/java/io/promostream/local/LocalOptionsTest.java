package io.promostream.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class LocalOptionsTest {

  @Test
  void runsDemoUntilStoppedByDefault() {
    assertThat(LocalOptions.parse()).isEqualTo(new LocalOptions(null, false, 5, false));
  }

  @Test
  void readsEveryOptionOfHelp() {
    assertThat(
            LocalOptions.parse(
                "--seconds", "60", "--samples", "--promos-per-second", "20", "--help"))
        .isEqualTo(new LocalOptions(Duration.ofSeconds(60), true, 20, true));
    assertThat(
            Pattern.compile("--[a-z-]+").matcher(LocalOptions.HELP).results().map(r -> r.group()))
        .containsExactly("--seconds", "--samples", "--promos-per-second", "--help");
  }

  @Test
  void reportsAllMistakes() {
    assertThatThrownBy(
            () ->
                LocalOptions.parse(
                    "--sample", "--seconds", "0", "--promos-per-second", "1e3", "--seconds"))
        .hasMessage(
            String.join(
                System.lineSeparator(),
                "--sample is not an option; --help lists all options",
                "--seconds needs a number from 1 to 86400, not '0'",
                "--promos-per-second needs a number from 1 to 1000, not '1e3'",
                "--seconds needs a number from 1 to 86400, not ''"));
  }
}
