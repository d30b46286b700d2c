package io.promostream.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.metrics.JobMetric;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The alerts and the dashboard. AlertRulesIT evaluates the alerts. */
class MonitoringTest {

  static final Path TESTS = Path.of("src/test/resources/kubernetes/rules-test.yaml");
  private static final Set<String> OWN =
      Arrays.stream(JobMetric.values()).map(JobMetric::prometheusName).collect(Collectors.toSet());

  static List<Object> alertTests(Object tests) {
    return Yaml.list(tests, "tests").stream()
        .flatMap(test -> Yaml.list(test, "alert_rule_test").stream())
        .toList();
  }

  @Test
  void everyAlertIsTestedFiringAndQuiet() {
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
  void everyAlertIsDescribedAndLinksToRunbook() {
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
  void rulesAndPanelsUseEveryJobMetric() throws IOException {
    assertThat(Monitoring.metrics()).containsAll(OWN);
  }

  /** Every Flink job has Flink's metrics, so the rules must select this job. */
  @Test
  void rulesSelectOnlyMetricsOfThisJob() {
    for (Object rule : Monitoring.alerts()) {
      assertThat(Yaml.text(rule, "expr").split("(?=flink_)"))
          .filteredOn(text -> text.startsWith("flink_") && OWN.stream().noneMatch(text::startsWith))
          .as(Yaml.text(rule, "alert"))
          .allSatisfy(text -> assertThat(text).contains("{job_name=\"promo_stream\"}"));
    }
  }

  /** JobMetricTest compares the table of the job's own metrics. A second table explains Flink's. */
  @Test
  void pageExplainsEveryQueriedMetric() throws IOException {
    String page = Files.readString(Path.of("k8s/monitoring/README.md"));
    for (String metric : Monitoring.metrics()) {
      assertThat(OWN.contains(metric) || page.contains("| `" + metric + "` |")).as(metric).isTrue();
    }
  }
}
