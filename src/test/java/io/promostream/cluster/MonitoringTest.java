package io.promostream.cluster;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.snakeyaml.engine.v2.api.Dump;
import org.snakeyaml.engine.v2.api.DumpSettings;

/** Alerts and dashboard by Prometheus' own tool, where it is installed. */
class MonitoringTest {

  private static final Path TESTS = Path.of("src/test/resources/kubernetes/rules-test.yaml");

  @TempDir private Path directory;

  @BeforeEach
  void writeRules() throws IOException {
    assumeTrue(
        Stream.of(System.getenv("PATH").split(":"))
            .anyMatch(path -> Files.isExecutable(Path.of(path, "promtool"))),
        "promtool is not installed");
    Files.writeString(directory.resolve("rules.yaml"), yaml(Monitoring.rules()));
    Files.copy(TESTS, directory.resolve("rules-test.yaml"));
  }

  @Test
  void eachAlertFiresForItsCauseAndNotForLess() throws Exception {
    promtool("check", "rules", "--lint-fatal", "rules.yaml");
    promtool("test", "rules", "rules-test.yaml");
  }

  @Test
  void eachExpressionIsOne() throws Exception {
    List<Object> rules = new ArrayList<>();
    for (String expression : Monitoring.expressions()) {
      // What Grafana puts in place of its variables.
      String filled = expression.replace("$__rate_interval", "1m").replaceAll("\\$\\w+", ".*");
      rules.add(Map.of("record", "of:panel:" + rules.size(), "expr", filled));
    }
    assertThat(rules).hasSizeGreaterThan(40);
    Object group = Map.of("name", "panels", "rules", rules);
    Files.writeString(directory.resolve("panels.yaml"), yaml(Map.of("groups", List.of(group))));
    promtool("check", "rules", "panels.yaml");
  }

  private static String yaml(Object value) {
    return new Dump(DumpSettings.builder().build()).dumpToString(value);
  }

  private void promtool(String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of("promtool"));
    command.addAll(Arrays.asList(arguments));
    Process process =
        new ProcessBuilder(command).directory(directory.toFile()).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
  }
}
