package io.promostream.feedback;

import java.io.IOException;
import org.apache.flink.runtime.throwable.ThrowableAnnotation;
import org.apache.flink.runtime.throwable.ThrowableType;

/**
 * A transaction that a completed checkpoint relies on is not in the database, and never will be. A
 * restart would find the same: Flink fails the job at once, whatever its restart strategy.
 */
@ThrowableAnnotation(ThrowableType.NonRecoverableError)
public final class LostTransactionException extends IOException {

  LostTransactionException(String message) {
    super(message);
  }
}
