package io.promostream.replay;

import java.io.IOException;

/** A mark is not where the replay expects it: an earlier attempt has moved it meanwhile. */
public final class MarkMovedException extends IOException {

  public MarkMovedException(String message) {
    super(message);
  }
}
