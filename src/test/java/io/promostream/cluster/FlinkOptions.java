package io.promostream.cluster;

import static java.util.Map.entry;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;
import org.apache.flink.annotation.docs.Documentation.SuffixOption;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.FallbackKey;
import org.apache.flink.configuration.RestartStrategyOptions.RestartStrategyType;
import org.apache.flink.kubernetes.configuration.KubernetesConfigOptions;
import org.apache.flink.metrics.prometheus.PrometheusReporter;
import org.apache.flink.metrics.reporter.MetricReporterFactory;
import org.apache.flink.runtime.highavailability.JobResultStoreOptions;
import org.apache.flink.runtime.jobmanager.HighAvailabilityMode;
import org.apache.flink.state.rocksdb.RocksDBOptions;
import org.apache.flink.util.NetUtils;

/**
 * The options of Flink and of its operator. Flink ignores a key that it does not know, and refuses
 * a bad value only where it is used, which may be in the cluster, at the first failure.
 */
final class FlinkOptions {

  private static final String OF_THE_OPERATOR = "kubernetes/flink-kubernetes-operator-options.txt";

  /** A class of each jar that declares options. */
  private static final List<Class<?>> JARS =
      List.of(
          CoreOptions.class,
          JobResultStoreOptions.class,
          RocksDBOptions.class,
          KubernetesConfigOptions.class,
          PrometheusReporter.class);

  /** What options are mere text to the configuration takes, but not to those who use them. */
  private static final Map<String, Consumer<String>> USES =
      Map.ofEntries(
          entry("restart-strategy.type", RestartStrategyType::of),
          entry("state.backend.type", oneOf("hashmap", "rocksdb")),
          entry("execution.checkpointing.storage", oneOf("jobmanager", "filesystem")),
          entry(
              "high-availability.type",
              value -> HighAvailabilityMode.valueOf(value.toUpperCase(Locale.ROOT))),
          entry("metrics.latency.granularity", oneOf("single", "operator", "subtask")),
          entry("metrics.reporters", oneOf("prom")),
          entry("metrics.reporter.prom.factory.class", FlinkOptions::requireReporter),
          entry("metrics.reporter.prom.port", NetUtils::getPortRangeFromString));

  private final Map<String, ConfigOption<?>> options = new TreeMap<>();
  private final Map<String, Consumer<String>> uses = new HashMap<>(USES);

  /** Keys that Flink still reads, with those to write instead. */
  private final Map<String, String> oldKeys = new HashMap<>();

  FlinkOptions() {
    JARS.forEach(this::addJar);
    // The reporter's options have its name before theirs, and the port is declared nowhere. Those
    // of S3
    // are its plugin's, which is in Flink's image.
    List.of(
            "metrics.reporter.prom.factory.class",
            "metrics.reporter.prom.port",
            "s3.endpoint",
            "s3.path.style.access")
        .forEach(key -> add(ConfigOptions.key(key).stringType().noDefaultValue()));
    addOptionsOfTheOperator();
  }

  /** What is wrong with a key or its value, if anything is. */
  Optional<String> problem(String key, String value) {
    ConfigOption<?> option = options.get(key);
    if (option == null) {
      return Optional.of(
          oldKeys.containsKey(key)
              ? key + ": is an old name of " + oldKeys.get(key)
              : key + ": is no option of Flink or of its operator" + suggestion(key));
    }
    try {
      Configuration.fromMap(Map.of(key, value)).get(option);
      uses.getOrDefault(key, any -> {}).accept(value);
      return Optional.empty();
    } catch (IllegalArgumentException e) {
      return Optional.of("%s: can't be %s".formatted(key, value));
    }
  }

  /** The known key that begins most like an unknown one. */
  private String suggestion(String key) {
    return options.keySet().stream()
        .max(Comparator.comparingInt(known -> alike(known, key)))
        .filter(known -> alike(known, key) > key.length() / 2)
        .map(known -> "; did you mean " + known + "?")
        .orElse("");
  }

  private static int alike(String one, String other) {
    int mismatch = Arrays.mismatch(one.toCharArray(), other.toCharArray());
    return mismatch < 0 ? one.length() : mismatch;
  }

  private void addJar(Class<?> inIt) {
    try (JarFile jar =
        new JarFile(
            Path.of(inIt.getProtectionDomain().getCodeSource().getLocation().toURI()).toFile())) {
      jar.stream()
          .map(ZipEntry::getName)
          .filter(name -> name.matches("org/apache/flink/(?!.*shaded).*Options\\.class"))
          .forEach(name -> addClass(name.replace('/', '.').replaceAll("\\.class$", "")));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private void addClass(String name) {
    try {
      Class<?> options = Class.forName(name);
      for (Field field : options.getDeclaredFields()) {
        if (Modifier.isStatic(field.getModifiers())
            && field.getType() == ConfigOption.class
            && !field.isAnnotationPresent(SuffixOption.class)
            && !options.isAnnotationPresent(SuffixOption.class)) {
          field.setAccessible(true);
          add((ConfigOption<?>) field.get(null));
        }
      }
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("The options of " + name + " can't be read", e);
    }
  }

  private void add(ConfigOption<?> option) {
    options.put(option.key(), option);
    for (FallbackKey old : option.fallbackKeys()) {
      oldKeys.put(old.getKey(), option.key());
    }
  }

  private void addOptionsOfTheOperator() {
    try (var file = getClass().getClassLoader().getResourceAsStream(OF_THE_OPERATOR)) {
      new String(file.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.startsWith("#"))
          .map(line -> line.split(" +"))
          .forEach(keyAndType -> addOptionOfTheOperator(keyAndType[0], keyAndType[1]));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void addOptionOfTheOperator(String key, String type) {
    ConfigOptions.OptionBuilder option = ConfigOptions.key(key);
    add(
        switch (type) {
          case "Boolean" -> option.booleanType().noDefaultValue();
          case "Integer" -> option.intType().noDefaultValue();
          case "Double" -> option.doubleType().noDefaultValue();
          case "Duration" -> option.durationType().noDefaultValue();
          case "MemorySize" -> option.memoryType().noDefaultValue();
          case "List" -> option.stringType().asList().noDefaultValue();
          default -> {
            uses.put(key, oneOf(type.split("\\|")));
            yield option.stringType().noDefaultValue();
          }
        });
  }

  private static Consumer<String> oneOf(String... values) {
    return value -> {
      if (!List.of(values).contains(value)) {
        throw new IllegalArgumentException(value);
      }
    };
  }

  private static void requireReporter(String className) {
    try {
      if (!MetricReporterFactory.class.isAssignableFrom(Class.forName(className))) {
        throw new IllegalArgumentException(className);
      }
    } catch (ClassNotFoundException e) {
      throw new IllegalArgumentException(e);
    }
  }
}
