package io.promostream.promo;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.promostream.testing.HostileMessages;
import io.promostream.testing.HostileMessages.Hostile;
import io.promostream.testing.PromoJson;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class PromoParserTest {

  static List<Hostile> hostile() {
    return HostileMessages.all();
  }

  @ParameterizedTest
  @MethodSource("hostile")
  void rejectsWithReason(Hostile message) {
    assertThatExceptionOfType(UnusablePromoException.class)
        .isThrownBy(() -> PromoParser.parse(message.value()))
        .satisfies(e -> assertThat(e.reason().code()).isEqualTo(message.reason()))
        .satisfies(e -> assertThat(e.getMessage()).isNotBlank());
  }

  @Test
  void readsAllFields() throws Exception {
    assertThat(PromoParser.parse(PromoJson.good().bytes()))
        .isEqualTo(
            new Promo(
                "123e4567-e89b-12d3-a456-426614174000",
                "campaign",
                "content",
                "owner",
                "contact",
                1_000_000_000L,
                9_999_999_999L,
                1_000_000_000L));
  }

  @Test
  void ignoresUnknownFieldsOfAnyContent() throws Exception {
    String nested = "[".repeat(900) + "]".repeat(900);
    byte[] json =
        PromoJson.good()
            .with("x", "{\"restaurant_id\":null,\"y\":[1e999,\"\\u0000\"]}")
            .with("nested", nested)
            .with("long", "9".repeat(100_000))
            .with("n".repeat(100_000), "\"" + "s".repeat(100_000) + "\"")
            .with("x\\u0000", "\"\\ud800\"")
            .bytes();
    assertThat(PromoParser.parse(json)).isEqualTo(PromoParser.parse(PromoJson.good().bytes()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "-0", "\"0\"", "\"000\"", "1", "253402300799", "\"0253402300799\""})
  void readsTimesAsNumbersAndAsStrings(String time) throws Exception {
    byte[] json = PromoJson.good().with("datetime_created", time).bytes();
    assertThat(PromoParser.parse(json).created()).isEqualTo(Long.parseLong(time.replace("\"", "")));
  }

  @Test
  void countsCharactersAsPostgresDoes() throws Exception {
    String longest = "\uD83C\uDF55".repeat(255);
    byte[] json = PromoJson.good().with("restaurant_id", "\"" + longest + "\"").bytes();
    assertThat(PromoParser.parse(json).restaurantId()).isEqualTo(longest);
  }

  @Test
  void acceptsAnyUtf8Text() throws Exception {
    byte[] json =
        PromoJson.good()
            .with("adv_campaign_content", "\"\\ud83c\\udf55 \uD83C\uDF55 \\u0001 \\\" \uffff\"")
            .with("adv_campaign_owner", "\"\"")
            .bytes();
    Promo promo = PromoParser.parse(json);
    assertThat(promo.content()).isEqualTo("\uD83C\uDF55 \uD83C\uDF55 \u0001 \" \uffff");
    assertThat(promo.owner()).isEmpty();
  }

  /**
   * Any bytes give a promo that all systems can hold, or a reason for rejection. No other exception
   * is thrown.
   */
  @Property
  void failsOnlyWithReasonForRejection(@ForAll("broken") byte[] bytes) {
    try {
      Promo promo = PromoParser.parse(bytes);
      for (String text :
          List.of(
              promo.restaurantId(),
              promo.campaignId(),
              promo.content(),
              promo.owner(),
              promo.ownerContact())) {
        assertThat(text).doesNotContain("\u0000");
        assertThat(isUtf8(text)).isTrue();
      }
      assertThat(promo.start()).isBetween(0L, promo.end());
    } catch (UnusablePromoException e) {
      assertThat(e.reason()).isNotNull();
    }
  }

  private static boolean isUtf8(String text) {
    try {
      UTF_8.newEncoder().encode(CharBuffer.wrap(text));
      return true;
    } catch (CharacterCodingException e) {
      return false;
    }
  }

  /** Random bytes, and good promos with a few bytes changed. */
  @Provide
  Arbitrary<byte[]> broken() {
    Arbitrary<byte[]> random = Arbitraries.bytes().array(byte[].class).ofMaxSize(200);
    byte[] good = PromoJson.good().bytes();
    Arbitrary<byte[]> changed =
        Arbitraries.integers()
            .between(0, good.length - 1)
            .tuple2()
            .flatMap(
                places ->
                    Arbitraries.bytes()
                        .tuple2()
                        .map(
                            bytes -> {
                              byte[] copy = good.clone();
                              copy[places.get1()] = bytes.get1();
                              copy[places.get2()] = bytes.get2();
                              return copy;
                            }));
    return Arbitraries.oneOf(random, changed);
  }
}
