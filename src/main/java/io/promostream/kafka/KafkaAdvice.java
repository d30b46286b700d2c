package io.promostream.kafka;

import io.promostream.config.KafkaLogin;
import org.apache.flink.util.ExceptionUtils;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.SslAuthenticationException;

/** Explains failures of Kafka clients. */
public final class KafkaAdvice {

  private KafkaAdvice() {}

  /** The root cause of a failure in Kafka's words, and what to do about it. */
  public static String causeAndAdvice(Throwable failure) {
    Throwable last = failure;
    while (last.getCause() != null) {
      last = last.getCause();
    }
    return "%s: %s. %s"
        .formatted(
            last.getClass().getSimpleName(),
            KafkaLogin.withoutQuotes(String.valueOf(last.getMessage())),
            of(failure));
  }

  /** What to do about a failure. */
  public static String of(Throwable failure) {
    if (isCausedBy(failure, SslAuthenticationException.class)) {
      return "Check ssl.truststore.* under kafka.properties: that CA must have signed the brokers'"
          + " certificates, and each certificate must name the host that its broker advertises";
    }
    if (isCausedBy(failure, AuthenticationException.class)) {
      return "Check sasl.mechanism and sasl.jaas.config under kafka.properties: the brokers must"
          + " know this account and this password";
    }
    if (isCausedBy(failure, AuthorizationException.class)) {
      return "The account lacks a permission. Run --check, which names the permission";
    }
    return "Check kafka.bootstrap-servers, the network, and security.protocol under"
        + " kafka.properties";
  }

  private static boolean isCausedBy(Throwable failure, Class<? extends Throwable> type) {
    return ExceptionUtils.findThrowable(failure, type).isPresent();
  }
}
