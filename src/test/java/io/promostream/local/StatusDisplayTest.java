package io.promostream.local;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class StatusDisplayTest {

  private final ByteArrayOutputStream shown = new ByteArrayOutputStream();
  private final PrintStream out = new PrintStream(shown, false, StandardCharsets.UTF_8);

  @Test
  void writesOneLinePerStatusWithoutTerminal() {
    StatusDisplay display = new StatusDisplay(out, false);
    display.show(status(0, 0, null), "");
    display.show(
        status(61, 6_100, new Status.Checkpoint(7, millis(300), millis(12))), "(draining)");

    assertThat(text().lines())
        .containsExactly(
            "00:00 promos read 1,000 waiting 1 live 2 rejected 3 late 4"
                + " | subscriptions 100,000 list not read yet"
                + " | notifications 0, 0/s | rows 0, 0/s | checkpoint none yet",
            "01:01 (draining) promos read 1,000 waiting 1 live 2 rejected 3 late 4"
                + " | subscriptions 100,000 list 9 s old"
                + " | notifications 6,100, 100/s | rows 6,100, 100/s"
                + " | checkpoint 7, 0.3 s ago, took 12 ms");
  }

  @Test
  void updatesStatusInPlaceOnTerminal() {
    StatusDisplay display = new StatusDisplay(out, true);
    display.show(status(0, 0, null), "");
    String first = text();
    shown.reset();
    display.show(status(1, 5, new Status.Checkpoint(1, millis(300), millis(12))), "");

    assertThat(first)
        .contains(
            "Promos         1,000 read   1 waiting   2 live   3 rejected   4 late",
            "Subscriptions  100,000 in 3,000 restaurants, list not read yet");
    assertThat(text())
        .as("back over all lines shown before, none of which may have wrapped")
        .startsWith(
            "\033[?7l\033[" + first.lines().filter(line -> line.endsWith("\033[K")).count() + "A")
        .endsWith("\033[?7h")
        .contains("Notifications  5 committed   5/s", "Checkpoint     1, 0.3 s ago, took 12 ms");
  }

  @Test
  void ratesCoverOnlyLastSeconds() {
    StatusDisplay display = new StatusDisplay(out, false);
    for (int second = 0; second <= 20; second++) {
      display.show(status(second, Math.min(second, 10) * 1_000L, null), "");
    }

    assertThat(text().lines().toList().get(10)).contains("notifications 10,000, 1,000/s");
    assertThat(text().lines().toList().get(20)).contains("notifications 10,000, 0/s");
  }

  private String text() {
    return shown.toString(StandardCharsets.UTF_8);
  }

  private static Duration millis(long millis) {
    return Duration.ofMillis(millis);
  }

  private static Status status(int seconds, long committed, Status.Checkpoint checkpoint) {
    return new Status(
        Duration.ofSeconds(seconds),
        1_000,
        1,
        2,
        3,
        4,
        0,
        3_000,
        100_000,
        checkpoint == null ? null : Duration.ofSeconds(9),
        committed,
        committed,
        checkpoint);
  }
}
