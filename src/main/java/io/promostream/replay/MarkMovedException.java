package io.promostream.replay;

import java.io.IOException;

/** A mark is not at the expected position, because an earlier attempt has moved it. */
public final class MarkMovedException extends IOException {

  public MarkMovedException(String message) {
    super(message);
  }
}
