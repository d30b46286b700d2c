package io.promostream.kafka;

import io.promostream.config.KafkaLogin;
import org.apache.flink.util.ExceptionUtils;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.SslAuthenticationException;

/** Advice for people about a failure of a Kafka client. */
public final class KafkaAdvice {

  private KafkaAdvice() {}

  /** The failure's last cause in Kafka's words, and what to do about it. */
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
    if (isOf(failure, SslAuthenticationException.class)) {
      return "Look at ssl.truststore.* under kafka.properties: the CA there must have signed the"
          + " brokers' certificates, for the host names that they advertise";
    }
    if (isOf(failure, AuthenticationException.class)) {
      return "Look at sasl.mechanism and sasl.jaas.config under kafka.properties: account and"
          + " password must be the brokers'";
    }
    if (isOf(failure, AuthorizationException.class)) {
      return "The account lacks a right: --check says which";
    }
    return "Look at kafka.bootstrap-servers, the network, and security.protocol under"
        + " kafka.properties";
  }

  private static boolean isOf(Throwable failure, Class<? extends Throwable> type) {
    return ExceptionUtils.findThrowable(failure, type).isPresent();
  }
}
