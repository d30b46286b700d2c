package io.promostream.processes;

import java.io.File;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The jars of the lib/ directory of a Flink installation, taken from the classpath of the tests:
 * Flink and its dependencies, without the libraries that the job's jar must contain.
 */
public final class FlinkLibraries {

  private static final Pattern FLINK =
      Pattern.compile(
          "/org/apache/flink/(?!flink-(connector-(?!datagen)|test|table|json)).*(?<!-tests)\\.jar$");

  private static final Pattern NEEDED_BY_FLINK =
      Pattern.compile(
          "/(org/apache/commons|org/apache/logging|org/slf4j|org/snakeyaml|org/xerial/snappy|org/objenesis|org/javassist"
              + "|com/ververica|com/esotericsoftware|at/yawk/lz4|tools/profiler"
              + "|commons-cli|commons-io|commons-collections)/");

  private FlinkLibraries() {}

  public static List<Path> jars() {
    return Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
        .filter(path -> FLINK.matcher(path).find() || NEEDED_BY_FLINK.matcher(path).find())
        .map(Path::of)
        .toList();
  }
}
