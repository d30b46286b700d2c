package io.promostream.control;

import io.promostream.control.Command.Action;
import io.promostream.testing.GoldenBytes;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The serialized bytes of commands stay what they were. */
class ControlFormatsTest {

  @Test
  void command() {
    GoldenBytes.check(
        "Command",
        new Command.Serializer(),
        List.of(
            new Command(Action.PAUSE, null, null, null, null, 1),
            new Command(Action.RESUME, "r", null, "anna", "é", 2),
            new Command(Action.STOP, "r", "c", "anna", "", 3)));
  }
}
