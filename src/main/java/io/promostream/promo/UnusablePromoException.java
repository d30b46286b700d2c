package io.promostream.promo;

/** A message that is no promo: it goes to the rejected topic. */
public final class UnusablePromoException extends Exception {

  private final RejectReason reason;

  UnusablePromoException(RejectReason reason, String detail) {
    // Thrown per message, caught next door: nobody reads its stack trace.
    super(detail, null, false, false);
    this.reason = reason;
  }

  public RejectReason reason() {
    return reason;
  }
}
