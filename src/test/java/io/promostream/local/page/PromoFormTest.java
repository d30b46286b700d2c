package io.promostream.local.page;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.promostream.promo.Promo;
import org.junit.jupiter.api.Test;

class PromoFormTest {

  private static final long NOW = 1_800_000_000L;

  @Test
  void makesPromoOfAllFields() {
    assertThat(
            read(
                """
                {"restaurant_id":" r1 ","adv_campaign_id":"c1","text":"Soup","starts_in":10,
                "lasts":30,"owner":"Ann","contact":"ann@example.com"}
                """))
        .isEqualTo(
            new Promo("r1", "c1", "Soup", "Ann", "ann@example.com", NOW + 10, NOW + 39, NOW));
  }

  @Test
  void fillsInWhatThePersonLeavesEmpty() {
    String form =
        "{\"restaurant_id\":\"r1\",\"text\":\"Soup\",\"starts_in\":0,\"lasts\":1,\"owner\":\"\"}";
    Promo promo = read(form);

    assertThat(promo.campaignId()).startsWith("page-").isNotEqualTo(read(form).campaignId());
    assertThat(promo.owner()).isNotEmpty();
    assertThat(promo.end()).isEqualTo(promo.start()).isEqualTo(NOW);
  }

  @Test
  void saysWhatIsWrong() {
    refuses("{}", "starts_in is missing");
    refuses("[]", "not a JSON object");
    refuses("{\"starts_in\":0,\"lasts\":1}", "restaurant_id is missing");
    refuses(
        "{\"starts_in\":0,\"lasts\":1,\"restaurant_id\":\"r\",\"text\":\" \"}", "text is missing");
    refuses("{\"starts_in\":-1}", "starts_in must be from 0 to 86400, not -1");
    refuses("{\"starts_in\":\"0\"}", "starts_in must be an integer");
    refuses("{\"starts_in\":0,\"lasts\":0}", "lasts must be from 1 to 31536000, not 0");
    refuses("{\"start_in\":0}", "unknown field start_in");
    refuses(
        "{\"starts_in\":0,\"lasts\":1,\"restaurant_id\":\"%s\"}".formatted("é".repeat(256)),
        "restaurant_id must have at most 255 characters");
    refuses(
        "{\"starts_in\":0,\"lasts\":1,\"restaurant_id\":\"a\\u0000\"}",
        "restaurant_id holds a character that cannot be stored");
  }

  @Test
  void readsCommands() {
    assertThat(Command.read(json("{\"action\":\"pause\",\"restaurant_id\":\"r\"}")))
        .isEqualTo(new Command("pause", "r", null));
    assertThatThrownBy(() -> Command.read(json("{\"action\":\"delete\"}")))
        .hasMessage("action must be pause, resume or stop");
    assertThatThrownBy(() -> Command.read(json("{\"action\":\"stop\",\"restaurant\":\"r\"}")))
        .hasMessage("unknown field restaurant");
  }

  private static void refuses(String form, String problem) {
    assertThatThrownBy(() -> read(form))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(problem);
  }

  private static Promo read(String form) {
    return PromoForm.read(json(form), NOW);
  }

  private static FlatJson json(String text) {
    return FlatJson.parse(text.getBytes(UTF_8));
  }
}
