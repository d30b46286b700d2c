package io.promostream.config;

import io.promostream.config.ConfigFile.Entry;
import io.promostream.config.ConfigKeys.DatabaseKeys;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Merges the values of all sources and collects their problems, so that one start reports all of
 * them.
 */
final class Settings {

  private static final Logger LOG = LoggerFactory.getLogger(Settings.class);

  private final Map<String, Entry> entries = new HashMap<>();
  private final List<String> problems = new ArrayList<>();

  /** Keys suggested for an unknown key; they are not reported as missing again. */
  private final Set<String> suggested = new HashSet<>();

  /** Merges the sources: arguments override environment variables, which override the file. */
  static Settings gather(CommandLine commandLine, Map<String, String> environment) {
    Settings settings = new Settings();
    settings.problems.addAll(commandLine.problems());
    if (commandLine.configFile() != null) {
      ConfigFile.read(commandLine.configFile(), settings.problems).forEach(settings::put);
    }
    settings.putVariables(environment);
    commandLine.settings().forEach(settings::putArgument);
    return settings;
  }

  private void put(String name, Entry entry) {
    if (ConfigKeys.find(name).isPresent()) {
      entries.put(name, entry);
    } else {
      problems.add(unknown(name, entry.origin()));
    }
  }

  private void putVariables(Map<String, String> environment) {
    Map<String, String> names = new HashMap<>();
    ConfigKeys.ALL.forEach(key -> names.put(ConfigKey.variable(key.name()), key.name()));
    String familyPrefix = ConfigKeys.KAFKA_PROPERTIES.familyPrefix();
    String familyVariable = ConfigKey.variable(familyPrefix);
    new TreeMap<>(environment)
        .forEach(
            (variable, value) -> {
              String name =
                  variable.startsWith(familyVariable)
                      ? familyPrefix
                          + variable
                              .substring(familyVariable.length())
                              .toLowerCase(Locale.ROOT)
                              .replace('_', '.')
                      : names.get(variable);
              if (name != null && ConfigKeys.find(name).isPresent()) {
                entries.put(name, new Entry(value, "variable " + variable));
              } else if (ConfigKey.isVariable(variable)) {
                LOG.info(
                    "Ignoring environment variable {}: it matches no configuration key.", variable);
              }
            });
  }

  private void putArgument(String name, String value) {
    String family = ConfigKeys.KAFKA_PROPERTIES.familyPrefix();
    boolean ofKafka = name.startsWith(family);
    if (ConfigKeys.isSecret(name)
        && !(ofKafka && KafkaProperties.isWithoutSecrets(name.substring(family.length()), value))) {
      problems.add(
          "%s: is a secret, and the web UI shows the command line: set the variable %s or use %s"
              .formatted(
                  name,
                  ConfigKey.variable(name),
                  ofKafka
                      ? "--config or, for each secret in it, a ${provider:...} reference of Kafka's"
                          + " config.providers"
                      : "--config or " + name + "-file"));
    } else {
      put(name, new Entry(value, "command line"));
    }
  }

  private String unknown(String name, String origin) {
    Optional<String> nearest =
        Stream.concat(ConfigKeys.ALL.stream().map(ConfigKey::name), CommandLine.OPTIONS.stream())
            .filter(key -> key.endsWith("." + name) || distance(key, name) <= key.length() / 3)
            .min(Comparator.comparingInt(key -> distance(key, name)));
    nearest.ifPresent(suggested::add);
    return name
        + ": is not a key"
        + nearest.map(key -> "; did you mean " + key + "?").orElse("; --help lists all keys")
        + " ("
        + origin
        + ")";
  }

  /** Returns the value or the default, or records a problem and returns null. */
  <T> @Nullable T get(ConfigKey<T> key) {
    Entry entry = entries.get(key.name());
    if (entry == null && key.required()) {
      if (!suggested.contains(key.name())) {
        problems.add(
            "%s: is required (%s); set it by --%s, the variable %s or --config"
                .formatted(key.name(), key.type(), key.name(), ConfigKey.variable(key.name())));
      }
      return null;
    }
    try {
      return key.parser().apply(entry == null ? key.defaultText() : entry.value());
    } catch (IllegalArgumentException e) {
      problems.add(key.name() + ": " + e.getMessage() + " (" + entry + ")");
      return null;
    }
  }

  /** Returns the properties of the Kafka clients by Kafka's names. */
  Map<String, String> kafkaProperties(@Nullable DeliveryGuarantee guarantee) {
    String prefix = ConfigKeys.KAFKA_PROPERTIES.familyPrefix();
    Map<String, String> properties = new TreeMap<>();
    entries.forEach(
        (name, entry) -> {
          if (name.startsWith(prefix)) {
            properties.put(name.substring(prefix.length()), entry.value());
          }
        });
    properties.forEach(
        (name, value) ->
            KafkaProperties.problem(name, value, guarantee)
                .ifPresent(
                    problem ->
                        problems.add(
                            prefix
                                + name
                                + ": "
                                + problem
                                + " ("
                                + entries.get(prefix + name)
                                + ")")));
    return properties;
  }

  Database database(DatabaseKeys keys) {
    String password = get(keys.password());
    String file = get(keys.passwordFile());
    if (!password.isEmpty() && !file.isEmpty()) {
      problems.add(
          "%s and %s: set one of them, not both"
              .formatted(keys.password().name(), keys.passwordFile().name()));
    }
    Secret secret = file.isEmpty() ? new Secret(password, null) : new Secret(null, file);
    return new Database(get(keys.url()), get(keys.user()), secret);
  }

  @Nullable QuietHours quietHours() {
    QuietHours utc = get(ConfigKeys.DELIVERY_QUIET_HOURS);
    ZoneId zone = get(ConfigKeys.DELIVERY_TIME_ZONE);
    return utc == null || zone == null ? null : utc.in(zone);
  }

  /** Records a problem if two keys have the same value; {@code otherwise} is the consequence. */
  void requireDistinct(ConfigKey<?> one, ConfigKey<?> other, String otherwise) {
    String value = value(one);
    if (value != null && !value.isEmpty() && value.equals(value(other))) {
      problems.add(one.name() + " and " + other.name() + ": must differ, " + otherwise);
    }
  }

  private @Nullable String value(ConfigKey<?> key) {
    return entries.containsKey(key.name())
        ? entries.get(key.name()).value().strip()
        : key.defaultText();
  }

  /**
   * Stops the start if there are problems.
   *
   * @throws ConfigException with all problems
   */
  void throwIfWrong() {
    if (!problems.isEmpty()) {
      throw new ConfigException(problems);
    }
  }

  /** The Levenshtein distance. */
  private static int distance(String one, String other) {
    int[] row = new int[other.length() + 1];
    for (int j = 0; j <= other.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= one.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= other.length(); j++) {
        int replaced = diagonal + (one.charAt(i - 1) == other.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(replaced, Math.min(row[j], row[j - 1]) + 1);
      }
    }
    return row[other.length()];
  }
}
