package io.promostream.replay;

import java.io.IOException;

/** The target has no mark of a writer, and may have removed it. */
public final class UnknownMarkException extends IOException {

  public UnknownMarkException(String message) {
    super(message);
  }
}
