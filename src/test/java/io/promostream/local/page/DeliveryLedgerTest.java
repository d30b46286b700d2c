package io.promostream.local.page;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.local.page.DeliveryLedger.Result;
import org.junit.jupiter.api.Test;

class DeliveryLedgerTest {

  private final DeliveryLedger ledger = new DeliveryLedger();

  @Test
  void findsNothingWhenBothSinksHaveEachDeliveryOnce() {
    for (Sink first : Sink.values()) {
      long key = DeliveryLedger.key("r", "c", first.name());
      ledger.add(first, key);
      assertThat(ledger.result()).isEqualTo(new Result(1, 0, 0));
      ledger.add(first.other(), key);
      assertThat(ledger.result()).isEqualTo(new Result(0, 0, 0));
    }
  }

  @Test
  void countsDeliveryAsLostAfterTheGraceUntilTheOtherSinkHasIt() {
    ledger.add(Sink.NOTIFICATIONS, 7);
    checkpoints(DeliveryLedger.GRACE);
    ledger.add(Sink.ROWS, 8);
    assertThat(ledger.result()).isEqualTo(new Result(2, 0, 0));

    checkpoints(1);
    assertThat(ledger.result()).isEqualTo(new Result(1, 1, 0));

    ledger.add(Sink.ROWS, 7);
    assertThat(ledger.result()).isEqualTo(new Result(1, 0, 0));
  }

  @Test
  void countsEachRepetitionInEitherSink() {
    ledger.add(Sink.ROWS, 7);
    ledger.add(Sink.ROWS, 7);
    assertThat(ledger.result()).as("before the other sink has it").isEqualTo(new Result(1, 0, 1));

    ledger.add(Sink.NOTIFICATIONS, 7);
    ledger.add(Sink.NOTIFICATIONS, 7);
    ledger.add(Sink.ROWS, 7);
    assertThat(ledger.result()).as("after it").isEqualTo(new Result(0, 0, 3));
  }

  @Test
  void stopsReadingTheSinkThatIsFarAhead() {
    for (long key = 0; key < DeliveryLedger.MAX_UNDER_WAY; key++) {
      assertThat(ledger.isFarAhead(Sink.NOTIFICATIONS)).isFalse();
      ledger.add(Sink.NOTIFICATIONS, key);
    }
    assertThat(ledger.isFarAhead(Sink.NOTIFICATIONS)).isTrue();
    assertThat(ledger.isFarAhead(Sink.ROWS)).isFalse();

    ledger.add(Sink.ROWS, 0);
    assertThat(ledger.isFarAhead(Sink.NOTIFICATIONS)).isFalse();
  }

  @Test
  void tellsDeliveriesApart() {
    assertThat(DeliveryLedger.key("r", "c", "client"))
        .isEqualTo(DeliveryLedger.key("r", "c", "client"))
        .isNotEqualTo(DeliveryLedger.key("rc", "", "client"))
        .isNotEqualTo(DeliveryLedger.key("c", "r", "client"))
        .isNotEqualTo(DeliveryLedger.key("r", "cc", "lient"))
        .isNotEqualTo(DeliveryLedger.key("r", "c", "Client"));
  }

  private void checkpoints(int number) {
    for (int i = 0; i < number; i++) {
      ledger.checkpoint();
    }
  }
}
