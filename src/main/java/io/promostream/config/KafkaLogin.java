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
 * What is wrong with a value of {@code sasl.jaas.config}, by Kafka's own parser. Kafka's clients
 * would say it too, again and again, quoting the word that they stumble over: of an unquoted
 * password with a space in it the second one.
 */
public final class KafkaLogin {

  public static final String PROPERTY = SaslConfigs.SASL_JAAS_CONFIG;

  /** Stands for what a reference will bring, for the parser one word, within quotes or not. */
  private static final String RESOLVED = "\uE000";

  private static final Pattern QUOTED = Pattern.compile("'.*' in JAAS config", Pattern.DOTALL);

  private KafkaLogin() {}

  /** Whether it is a login, or a reference to one, of which nothing is known yet. */
  public static boolean isReadable(String value) {
    return KafkaProperties.isReferenceOnly(value) || options(value).isPresent();
  }

  /**
   * Whether references stand for all that may be secret: for the whole login, or for each of its
   * options but the account's name.
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

  /** Whether a client was refused for a login that only its references' files show to be wrong. */
  public static boolean isBlamedFor(Throwable failure) {
    return ExceptionUtils.findThrowable(
            failure,
            cause ->
                cause instanceof IllegalArgumentException
                    && String.valueOf(cause.getMessage()).contains("JAAS config"))
        .isPresent();
  }

  /** Kafka's words about a login, without those of the login. */
  public static String withoutQuotes(String message) {
    return QUOTED.matcher(message).replaceAll("'***' in JAAS config");
  }
}
