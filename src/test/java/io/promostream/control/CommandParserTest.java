package io.promostream.control;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.promostream.control.Command.Action;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CommandParserTest {

  private static Command parse(String json) {
    return CommandParser.parse(json.getBytes(UTF_8), 7);
  }

  @Test
  void readsAllFields() {
    assertThat(
            parse(
                """
                {"action": "pause", "restaurant_id": "r", "adv_campaign_id": "c",
                 "by": "anna", "reason": "wrong price"}
                """))
        .isEqualTo(new Command(Action.PAUSE, "r", "c", "anna", "wrong price", 7))
        .hasToString("PAUSE campaign c of restaurant r by anna: wrong price");
  }

  @Test
  void coversEverythingWithoutIds() {
    assertThat(parse("{\"action\":\"stop\"}"))
        .isEqualTo(new Command(Action.STOP, null, null, null, null, 7))
        .hasToString("STOP all campaigns of all restaurants by an unknown person: no reason given");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "~~ | not a JSON object",
        "nonsense | not JSON",
        "{\"action\":\"pause\" | not JSON",
        "[] | not a JSON object",
        "{\"action\":\"pause\"} {} | followed by more text",
        "{} | action is missing",
        "{\"action\":\"PAUSE\"} | action is \"PAUSE\", and must be one of pause, resume, stop",
        "{\"action\":\"pause\",\"action\":\"stop\"} | Duplicate field",
        "{\"action\":\"stop\",\"restaurant\":\"r\"} | \"restaurant\" is not a field of a command",
        "{\"action\":\"stop\",\"restaurant_id\":7} | restaurant_id is not a string",
        "{\"action\":\"stop\",\"restaurant_id\":null} | restaurant_id is not a string",
        "{\"action\":\"stop\",\"restaurant_id\":\"\"} | restaurant_id must have 1 to 255 characters",
      })
  void refusesEverythingElse(String json, String problem) {
    assertThatThrownBy(() -> parse(json))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(problem);
  }

  @Test
  void refusesMissingAndBinaryValues() {
    assertThatThrownBy(() -> CommandParser.parse(null, 7))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> CommandParser.parse(new byte[] {(byte) 0xC3, 0x28, 0, 1}, 7))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> parse("[".repeat(5_000))).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(
            () -> parse("{\"action\":\"stop\",\"restaurant_id\":\"" + "x".repeat(256) + "\"}"))
        .hasMessageContaining("1 to 255 characters");
  }
}
