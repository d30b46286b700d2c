package io.promostream.feedback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FeedbackTransactionTest {

  @Provide
  Arbitrary<FeedbackTransaction> transactions() {
    return Combinators.combine(
            Arbitraries.strings()
                .withCharRange('a', 'z')
                .withCharRange('A', 'Z')
                .numeric()
                .withChars("-_.")
                .ofMinLength(1)
                .ofMaxLength(100),
            Arbitraries.integers().between(0, 32767),
            Arbitraries.longs().between(0, 999_999_999_999_999_999L),
            Arbitraries.strings().withCharRange('0', '9').withCharRange('a', 'f').ofLength(16),
            Arbitraries.longs().between(1, 999_999_999_999_999_999L))
        .as(FeedbackTransaction::new);
  }

  @Property
  void aNameIsReadBackAndFitsPostgres(@ForAll("transactions") FeedbackTransaction transaction) {
    assertThat(FeedbackTransaction.parse(transaction.gid())).contains(transaction);
    assertThat(transaction.gid()).hasSizeLessThan(200).matches("[A-Za-z0-9._/-]+");
  }

  @Property
  void whatIsReadIsWrittenTheSame(@ForAll String text) {
    assertThat(FeedbackTransaction.parse(text).map(FeedbackTransaction::gid).orElse(text))
        .isEqualTo(text);
  }

  @Property
  void aPrefixThatBeginsAnotherIsAnother(
      @ForAll("transactions") FeedbackTransaction transaction, @ForAll @IntRange(min = 1) int end) {
    String shorter = transaction.prefix().substring(0, end % transaction.prefix().length());
    assertThat(FeedbackTransaction.parse(transaction.gid()).orElseThrow().prefix())
        .isNotEqualTo(shorter);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "promo-stream",
        "promo-stream/0/17/5b1d0c9e2f7a4e66",
        "promo-stream/0/17/5b1d0c9e2f7a4e66/3/",
        "promo-stream/0/17/5b1d0c9e2f7a4e66/3\n",
        "/promo-stream/0/17/5b1d0c9e2f7a4e66/3",
        "promo stream/0/17/5b1d0c9e2f7a4e66/3",
        "promo-stream/00/17/5b1d0c9e2f7a4e66/3",
        "promo-stream/0/+17/5b1d0c9e2f7a4e66/3",
        "promo-stream/0/17/5B1D0C9E2F7A4E66/3",
        "promo-stream/0/17/5b1d0c9e2f7a4e66/0",
        "promo-stream/-1/17/5b1d0c9e2f7a4e66/3",
        "promo-stream/99999999999/17/5b1d0c9e2f7a4e66/3",
        "131075_MS03LWE=_MQ==",
      })
  void othersNamesAreNotRead(String gid) {
    assertThat(FeedbackTransaction.parse(gid)).isEmpty();
  }

  @Test
  void aPrefixWithASlashIsRefused() {
    assertThatThrownBy(() -> new FeedbackTransaction("a/b", 0, 0, "0".repeat(16), 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("a/b");
  }
}
