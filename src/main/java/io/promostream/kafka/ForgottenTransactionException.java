package io.promostream.kafka;

import java.io.IOException;
import org.apache.flink.runtime.throwable.ThrowableAnnotation;
import org.apache.flink.runtime.throwable.ThrowableType;

/**
 * Kafka no longer knows a transaction that the restored state relies on. A restart would find the
 * same: Flink fails the job at once, whatever its restart strategy.
 */
@ThrowableAnnotation(ThrowableType.NonRecoverableError)
public final class ForgottenTransactionException extends IOException {

  ForgottenTransactionException(String message, Throwable cause) {
    super(message, cause);
  }
}
