package io.promostream.cluster;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** flink-conf/config.yaml. */
final class FlinkConf {

  static final Path DIRECTORY = Path.of("flink-conf");

  private static final String OF_THE_INSTALLATION = "# ---- Addresses, paths and sizes";

  private FlinkConf() {}

  static String text() throws IOException {
    return Files.readString(DIRECTORY.resolve("config.yaml"));
  }

  /** What every installation keeps: all but addresses, paths and sizes. */
  static Map<String, String> sharedByAll() throws IOException {
    String text = text();
    Map<String, String> shared = new LinkedHashMap<>();
    Yaml.map(Yaml.parse(text.substring(0, text.indexOf(OF_THE_INSTALLATION)), "config.yaml").get(0))
        .forEach((key, value) -> shared.put(key, value.toString()));
    return shared;
  }
}
