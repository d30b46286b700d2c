package io.promostream.replay;

import java.io.IOException;

/** A target has lost confirmed commits, or no longer knows whether it has them. */
public final class LostCommitsException extends IOException {

  public LostCommitsException(String message) {
    super(message);
  }
}
