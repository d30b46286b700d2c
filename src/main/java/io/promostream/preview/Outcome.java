package io.promostream.preview;

import io.promostream.promo.Promo;

/** What the job would do with one promo. */
sealed interface Outcome {

  /**
   * The job would reject the promo.
   *
   * @param line its number in the file
   * @param reason the code of {@code reject.reason}
   * @param detail the text of {@code reject.detail}
   */
  record Rejected(int line, String reason, String detail) implements Outcome {}

  /**
   * The job would accept the promo.
   *
   * @param line its number in the file
   */
  record Accepted(int line, Promo promo, Schedule schedule, Reach reach, Estimate estimate)
      implements Outcome {}
}
