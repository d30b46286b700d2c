package io.promostream.config;

import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.apache.flink.util.ExceptionUtils;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.config.SaslConfigs;
import org.apache.kafka.common.config.types.Password;
import org.apache.kafka.common.security.JaasContext;

/**
 * Validates {@code sasl.jaas.config} with Kafka's parser. Without this check Kafka's clients would
 * log the error at each restart and quote the word that they cannot parse, which can be the second
 * word of an unquoted password.
 */
public final class KafkaLogin {

  public static final String PROPERTY = SaslConfigs.SASL_JAAS_CONFIG;

  /** Replaces a reference; the parser reads it as one word, inside or outside quotes. */
  private static final String RESOLVED = "\uE000";

  private static final Pattern QUOTED = Pattern.compile("'.*' in JAAS config", Pattern.DOTALL);

  private KafkaLogin() {}

  /** Whether the value is a valid login, or a reference that only the client can resolve. */
  public static boolean isReadable(String value) {
    return KafkaProperties.isReferenceOnly(value) || options(value).isPresent();
  }

  /**
   * Whether the value contains no secret: it is a reference, or all its options except {@code
   * username} are references.
   */
  public static boolean isWithoutSecrets(String value) {
    return KafkaProperties.isReferenceOnly(value)
        || options(value)
            .filter(
                options ->
                    options.entrySet().stream()
                        .allMatch(
                            option ->
                                option.getKey().equals("username")
                                    || option.getValue().equals(RESOLVED)))
            .isPresent();
  }

  private static Optional<Map<String, ?>> options(String value) {
    Password login = new Password(KafkaProperties.withReferencesAs(RESOLVED, value));
    try {
      return Optional.of(
          JaasContext.loadClientContext(Map.of(PROPERTY, login))
              .configurationEntries()
              .get(0)
              .getOptions());
    } catch (IllegalArgumentException | KafkaException e) {
      return Optional.empty();
    }
  }

  /** Whether a client failed because a resolved reference yields an invalid login. */
  public static boolean isBlamedFor(Throwable failure) {
    return ExceptionUtils.findThrowable(
            failure,
            cause ->
                cause instanceof IllegalArgumentException
                    && String.valueOf(cause.getMessage()).contains("JAAS config"))
        .isPresent();
  }

  /** Masks the parts of the login that Kafka's message quotes. */
  public static String withoutQuotes(String message) {
    return QUOTED.matcher(message).replaceAll("'***' in JAAS config");
  }
}
