package io.promostream.lost;

import io.promostream.config.ConfigException;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.List;

/**
 * When promo and client were matched ({@code trigger_datetime_created}), in whole seconds.
 *
 * @param from the first second
 * @param to the last second
 */
public record Window(Instant from, Instant to) {

  /**
   * Reads {@code 2026-11-25T10:00:00Z/2026-11-25T11:00:00Z}.
   *
   * @throws ConfigException saying what would be right
   */
  public static Window parse(String text) {
    String[] ends = text.split("/", -1);
    try {
      if (ends.length == 2) {
        Window window = new Window(Instant.parse(ends[0]), Instant.parse(ends[1]));
        if (!window.to.isBefore(window.from)) {
          return window;
        }
      }
    } catch (DateTimeParseException e) {
      // As the other mistakes.
    }
    throw new ConfigException(
        List.of(
            "--lost-notifications: must be FROM/TO, as in 2026-11-25T10:00:00Z/2026-11-25T11:00:00Z"));
  }
}
