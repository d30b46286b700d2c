package io.promostream.cluster;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** flink-conf/, and what of it is in the image. */
public final class FlinkConf {

  static final Path DIRECTORY = Path.of("flink-conf");

  private static final String OF_THE_INSTALLATION = "# ---- Addresses, paths and sizes";

  private FlinkConf() {}

  static String text() throws IOException {
    return Files.readString(DIRECTORY.resolve("config.yaml"));
  }

  /** What {@code bin/flink} adds to its JVM's options in the image, with this directory's files. */
  public static String clientOptionsOfTheImage() {
    String dockerfile = Runbook.read(Path.of("k8s/Dockerfile"));
    Matcher options = Pattern.compile("ENV FLINK_ENV_JAVA_OPTS_CLI=\"(.+)\"").matcher(dockerfile);
    Matcher copied =
        Pattern.compile("COPY (?:--\\S+ )*(flink-conf/\\S+) (\\S+)").matcher(dockerfile);
    if (!options.find() || !copied.find() || !options.group(1).contains(copied.group(2))) {
      throw new IllegalStateException("bin/flink has no logging in the image: " + dockerfile);
    }
    return options.group(1).replace(copied.group(2), copied.group(1));
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
