package io.promostream.config;

import static java.util.Map.entry;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.source.KafkaSourceOptions;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigException;

/** Validates the properties that {@code kafka.properties.*} passes to the Kafka clients. */
public final class KafkaProperties {

  private static final Map<String, ConfigDef.ConfigKey> KNOWN = new HashMap<>();

  static {
    KNOWN.putAll(AdminClientConfig.configDef().configKeys());
    KNOWN.putAll(ConsumerConfig.configDef().configKeys());
    KNOWN.putAll(ProducerConfig.configDef().configKeys());
  }

  private static final String DISCOVERY_INTERVAL =
      KafkaSourceOptions.PARTITION_DISCOVERY_INTERVAL_MS.key();

  /** Names that no client declares but that the clients or Flink's source read. */
  private static final Pattern ALSO_KNOWN =
      Pattern.compile(
          "config\\.providers(\\..+)?|client\\.id\\.prefix|partition\\.discovery\\.interval\\.ms"
              + "|register\\.consumer\\.metrics");

  /** Properties that the job sets, each with the reason or the key to use instead. */
  private static final Map<String, String> SET_BY_THE_JOB =
      Map.ofEntries(
          entry("bootstrap.servers", "set kafka.bootstrap-servers"),
          entry("group.id", "set promos.group-id"),
          entry("auto.offset.reset", "set promos.start-from"),
          entry("enable.auto.commit", "offsets are committed with the checkpoints"),
          entry("commit.offsets.on.checkpoint", "offsets are committed with the checkpoints"),
          entry("transactional.id", "set transaction-prefix"),
          entry(
              "transaction.two.phase.commit.enable",
              "transactions must time out when the job is gone"),
          entry("key.serializer", "the job brings its own"),
          entry("value.serializer", "the job brings its own"),
          entry("key.deserializer", "the job brings its own"),
          entry("value.deserializer", "the job brings its own"));

  private static final Set<String> READ_BY_THE_JOB =
      Set.of(
          ProducerConfig.TRANSACTION_TIMEOUT_CONFIG,
          ProducerConfig.MAX_REQUEST_SIZE_CONFIG,
          ProducerConfig.BUFFER_MEMORY_CONFIG);

  /** A reference that one of Kafka's config.providers resolves. */
  private static final Pattern REFERENCE = Pattern.compile("\\$\\{[^}:]+:[^}]+}");

  private KafkaProperties() {}

  /** Whether to hide a property's value: by its Kafka type or, if unknown, by its name. */
  public static boolean isSecret(String name) {
    ConfigDef.ConfigKey key = KNOWN.get(name);
    return key == null
        ? name.matches("(?i).*(password|passwd|secret|token|credential).*")
        : key.type == ConfigDef.Type.PASSWORD;
  }

  public static boolean holdsReference(String value) {
    return REFERENCE.matcher(value).find();
  }

  public static boolean isReferenceOnly(String value) {
    return REFERENCE.matcher(value.strip()).matches();
  }

  public static String withReferencesAs(String replacement, String value) {
    return REFERENCE.matcher(value).replaceAll(Matcher.quoteReplacement(replacement));
  }

  /** Whether the value of a secret property contains references instead of secrets. */
  public static boolean isWithoutSecrets(String name, String value) {
    return name.equals(KafkaLogin.PROPERTY)
        ? KafkaLogin.isWithoutSecrets(value)
        : isReferenceOnly(value);
  }

  /** Whether a Kafka client or Flink's source reads the property. */
  public static boolean isKnown(String name) {
    return KNOWN.containsKey(name) || ALSO_KNOWN.matcher(name).matches();
  }

  /** Whether a client declares the property and its value can be validated before the start. */
  public static boolean isKnownBeforehand(String name, String value) {
    ConfigDef.ConfigKey key = KNOWN.get(name);
    // The class path of the client that submits the job may lack a class of the cluster.
    return key != null && key.type != ConfigDef.Type.CLASS && !holdsReference(value);
  }

  /** Explains why a value is invalid, without showing it. */
  public static Optional<String> problem(String name, String value, DeliveryGuarantee guarantee) {
    if (SET_BY_THE_JOB.containsKey(name)) {
      return Optional.of("is set by the job: " + SET_BY_THE_JOB.get(name));
    }
    if (name.equals("acks") && !value.equals("all") && !value.equals("-1")) {
      return Optional.of("must be all: otherwise a broker failure can lose notifications");
    }
    if (name.equals("enable.idempotence")
        && !value.equals("true")
        && guarantee == DeliveryGuarantee.EXACTLY_ONCE) {
      return Optional.of("must be true: transactions require it");
    }
    if (READ_BY_THE_JOB.contains(name) && holdsReference(value)) {
      return Optional.of("must be a number: the job itself reads it");
    }
    if (name.equals(DISCOVERY_INTERVAL) && !value.matches("-?\\d{1,18}")) {
      return Optional.of("must be a number: Flink's source reads it");
    }
    if (name.equals(KafkaLogin.PROPERTY) && !KafkaLogin.isReadable(value)) {
      return Optional.of(
          "is not a login that Kafka can parse: it needs one module, \"required\", options as name=\"value\""
              + " and a semicolon; a reference may replace the whole login or the value of an option");
    }
    return invalid(name, value);
  }

  /** Applies Kafka's validator, but hides its message, which quotes the value. */
  private static Optional<String> invalid(String name, String value) {
    if (!isKnownBeforehand(name, value)) {
      return Optional.empty();
    }
    ConfigDef.ConfigKey key = KNOWN.get(name);
    try {
      Object parsed = ConfigDef.parseType(name, value, key.type);
      if (key.validator != null) {
        key.validator.ensureValid(name, parsed);
      }
      return Optional.empty();
    } catch (ConfigException e) {
      String range = key.validator == null ? "" : " " + key.validator;
      return Optional.of(
          "is not a value that Kafka accepts: " + key.type.name().toLowerCase(Locale.ROOT) + range);
    }
  }
}
