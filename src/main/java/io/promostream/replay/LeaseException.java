package io.promostream.replay;

import java.io.IOException;

/** Another job holds the lease of this job's {@code transaction-prefix}. */
public final class LeaseException extends IOException {

  public LeaseException(String message) {
    super(message);
  }
}
