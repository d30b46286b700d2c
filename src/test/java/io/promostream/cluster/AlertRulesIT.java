package io.promostream.cluster;

import static io.promostream.cluster.Monitoring.yaml;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.promostream.testing.Programs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The alerts and all expressions in Prometheus' own checker, if promtool is installed. */
class AlertRulesIT {

  @TempDir private Path directory;

  @BeforeEach
  void writeRules() throws IOException {
    Files.writeString(directory.resolve("rules.yaml"), yaml(Monitoring.rules()));
  }

  @Test
  void firesEachAlertOnlyForItsCause() throws Exception {
    promtool("check", "rules", "--lint-fatal", "rules.yaml");
    Files.writeString(directory.resolve("rules-test.yaml"), yaml(testsWithAnnotations()));
    promtool("test", "rules", "rules-test.yaml");
  }

  /** Copies the annotations of each rule to its expected alerts, so that no text is kept twice. */
  private static Object testsWithAnnotations() {
    Map<String, Object> annotations = new HashMap<>();
    for (Object rule : Monitoring.alerts()) {
      annotations.put(Yaml.text(rule, "alert"), Yaml.map(rule, "annotations"));
    }
    Object tests = Yaml.read(MonitoringTest.TESTS).get(0);
    for (Object test : MonitoringTest.alertTests(tests)) {
      for (Object expected : Yaml.list(test, "exp_alerts")) {
        Yaml.map(expected).put("exp_annotations", annotations.get(Yaml.text(test, "alertname")));
      }
    }
    return tests;
  }

  @Test
  void parsesEveryExpression() throws Exception {
    List<Object> rules = new ArrayList<>();
    for (String expression : Monitoring.expressions()) {
      // Grafana replaces these variables before it sends the expression.
      String filled = expression.replace("$__rate_interval", "1m").replaceAll("\\$\\w+", ".*");
      rules.add(Map.of("record", "of:panel:" + rules.size(), "expr", filled));
    }
    assertThat(rules).hasSizeGreaterThan(40);
    Object group = Map.of("name", "panels", "rules", rules);
    Files.writeString(directory.resolve("panels.yaml"), yaml(Map.of("groups", List.of(group))));
    promtool("check", "rules", "panels.yaml");
  }

  private void promtool(String... arguments) throws Exception {
    assumeTrue(Programs.isInstalled("promtool"), "promtool is not installed");
    List<String> command = new ArrayList<>(List.of("promtool"));
    command.addAll(Arrays.asList(arguments));
    Process process =
        new ProcessBuilder(command).directory(directory.toFile()).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
  }
}
