package io.promostream.replay;

import java.io.IOException;

/** The target has no mark where there may have been one that it has forgotten. */
public final class UnknownMarkException extends IOException {

  public UnknownMarkException(String message) {
    super(message);
  }
}
