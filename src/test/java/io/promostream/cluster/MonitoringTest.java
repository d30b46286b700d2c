package io.promostream.cluster;

import static io.promostream.cluster.Monitoring.yaml;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.promostream.metrics.JobMetric;
import io.promostream.testing.Programs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Alerts and dashboard; what Prometheus' own tool says of them, where that is installed. */
class MonitoringTest {

  private static final Path TESTS = Path.of("src/test/resources/kubernetes/rules-test.yaml");
  private static final Set<String> OWN =
      Arrays.stream(JobMetric.values()).map(JobMetric::prometheusName).collect(Collectors.toSet());

  @TempDir private Path directory;

  @BeforeEach
  void writeRules() throws IOException {
    Files.writeString(directory.resolve("rules.yaml"), yaml(Monitoring.rules()));
  }

  @Test
  void eachAlertFiresForItsCauseAndNotForLess() throws Exception {
    promtool("check", "rules", "--lint-fatal", "rules.yaml");
    Files.writeString(directory.resolve("rules-test.yaml"), yaml(testsWithAnnotations()));
    promtool("test", "rules", "rules-test.yaml");
  }

  /** What the alerts say is the rules' to word: each expected alert is given its rule's text. */
  private static Object testsWithAnnotations() {
    Map<String, Object> annotations = new HashMap<>();
    for (Object rule : Monitoring.alerts()) {
      annotations.put(Yaml.text(rule, "alert"), Yaml.map(rule, "annotations"));
    }
    Object tests = Yaml.read(TESTS).get(0);
    for (Object test : alertTests(tests)) {
      for (Object expected : Yaml.list(test, "exp_alerts")) {
        Yaml.map(expected).put("exp_annotations", annotations.get(Yaml.text(test, "alertname")));
      }
    }
    return tests;
  }

  private static List<Object> alertTests(Object tests) {
    return Yaml.list(tests, "tests").stream()
        .flatMap(test -> Yaml.list(test, "alert_rule_test").stream())
        .toList();
  }

  @Test
  void eachAlertIsTestedFiringAndQuiet() {
    Map<Boolean, Set<String>> tested =
        alertTests(Yaml.read(TESTS).get(0)).stream()
            .collect(
                Collectors.partitioningBy(
                    test -> Yaml.list(test, "exp_alerts").isEmpty(),
                    Collectors.mapping(test -> Yaml.text(test, "alertname"), Collectors.toSet())));
    Set<String> alerts =
        Monitoring.alerts().stream()
            .map(rule -> Yaml.text(rule, "alert"))
            .collect(Collectors.toSet());
    assertThat(tested.get(true)).as("quiet").isEqualTo(alerts);
    assertThat(tested.get(false)).as("firing").isEqualTo(alerts);
  }

  @Test
  void eachAlertSaysWhatToDo() {
    for (Object rule : Monitoring.alerts()) {
      String alert = Yaml.text(rule, "alert");
      assertThat(Yaml.text(rule, "labels", "severity")).as(alert).isIn("critical", "warning");
      assertThat(Yaml.text(rule, "annotations", "summary")).as(alert).endsWith(".");
      assertThat(Yaml.text(rule, "annotations", "description")).as(alert).hasSizeGreaterThan(100);
      assertThat(Yaml.text(rule, "annotations", "runbook_url"))
          .as(alert)
          .endsWith("/src/site/markdown/runbook.md#" + alert.toLowerCase(Locale.ROOT));
    }
  }

  @Test
  void rulesAndPanelsAskForAllOfTheJobsOwn() throws IOException {
    assertThat(Monitoring.metrics()).containsAll(OWN);
  }

  /** What each Flink job measures: others' alerts are not for whoever runs this one. */
  @Test
  void rulesAskForNoOtherJobsMetrics() {
    for (Object rule : Monitoring.alerts()) {
      assertThat(Yaml.text(rule, "expr").split("(?=flink_)"))
          .filteredOn(text -> text.startsWith("flink_") && OWN.stream().noneMatch(text::startsWith))
          .as(Yaml.text(rule, "alert"))
          .allSatisfy(text -> assertThat(text).contains("{job_name=\"promo_stream\"}"));
    }
  }

  /** Those of the job's own in the table that JobMetricTest compares, Flink's in the one below. */
  @Test
  void thePageExplainsWhatRulesAndPanelsAskFor() throws IOException {
    String page = Files.readString(Path.of("k8s/monitoring/README.md"));
    for (String metric : Monitoring.metrics()) {
      assertThat(OWN.contains(metric) || page.contains("| `" + metric + "` |")).as(metric).isTrue();
    }
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
