package io.promostream.cluster;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.as;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.STRING;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.logging.log4j.LogManager;
import org.junit.jupiter.api.Test;

/** The logging of {@code bin/flink} in the image, in a JVM with the image's options. */
class ClusterLoggingIT {

  /**
   * In a pod the operator provides Flink's {@code conf/}, without {@code log4j-cli.properties}.
   * {@code bin/flink} still names that file in the last options of its JVM. Unless the image's
   * options take precedence, log4j falls back to its default layout, which masks nothing.
   */
  @Test
  void masksSecretsInTheOutputOfTheCommandLine() throws Exception {
    String missing = "file:/opt/flink/conf/log4j-cli.properties";
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(FlinkConf.clientOptionsOfTheImage());
    command.add("-Dlog4j.configuration=" + missing);
    command.add("-Dlog4j.configurationFile=" + missing);
    command.add(CommandLine.class.getName());
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    assertThat(output.lines()).singleElement(as(STRING)).endsWith(" - password=******");
  }

  static final class CommandLine {

    public static void main(String[] arguments) {
      LogManager.getLogger(CommandLine.class).warn("password=hunter2");
    }
  }
}
