package io.promostream.promo;

/** The message is not a valid promo and goes to the rejected topic. */
public final class UnusablePromoException extends Exception {

  private final RejectReason reason;

  UnusablePromoException(RejectReason reason, String detail) {
    // Thrown once per message and always caught, so the stack trace would only cost time.
    super(detail, null, false, false);
    this.reason = reason;
  }

  public RejectReason reason() {
    return reason;
  }
}
