package io.promostream.replay;

import java.io.IOException;

/** A target has lost commits that it had confirmed, or can no longer tell whether it has them. */
public final class LostCommitsException extends IOException {

  public LostCommitsException(String message) {
    super(message);
  }
}
