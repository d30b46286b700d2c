package io.promostream.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.junit.jupiter.api.Test;

class JobMetricTest {

  private static final Path TABLE = Path.of("k8s/monitoring/README.md");

  /** Code that registers a metric by a literal name. */
  private static final Pattern LITERAL =
      Pattern.compile("\\.(counter|gauge|histogram|meter)\\(\\s*\"");

  /** If this fails, copy the expected table between the markers of the page. */
  @Test
  void tableListsAllMetrics() throws Exception {
    String table =
        Arrays.stream(JobMetric.values())
            .map(
                metric ->
                    "| `%s` | %s | %s | %s | %s | %s |\n"
                        .formatted(
                            metric.metricName(),
                            switch (metric.type()) {
                              case COUNTER -> "counter";
                              case GAUGE -> "gauge";
                              case RECENT_MAX -> "recent maximum";
                            },
                            metric.unit(),
                            metric.operators(),
                            metric.meaning(),
                            metric.worry()))
            .collect(
                Collectors.joining(
                    "",
                    """
                    | metric | type | unit | operator | what it tells | when to worry |
                    | --- | --- | --- | --- | --- | --- |
                    """,
                    ""));
    assertThat(Files.readString(TABLE))
        .contains("<!-- metrics: begin -->\n\n" + table + "\n<!-- metrics: end -->");
  }

  @Test
  void noOperatorRegistersMetricByName() throws Exception {
    try (Stream<Path> sources = Files.walk(Path.of("src/main/java"))) {
      List<Path> java = sources.filter(path -> path.toString().endsWith(".java")).toList();
      assertThat(java).hasSizeGreaterThan(50);
      for (Path source : java) {
        assertThat(LITERAL.matcher(Files.readString(source)).results()).as("%s", source).isEmpty();
      }
    }
  }

  @Test
  void refusesToRegisterCounterAsGauge() {
    assertThatThrownBy(() -> JobMetric.DELIVERIES.gauge(new UnregisteredMetricsGroup(), () -> 0L))
        .hasMessage("deliveries is a COUNTER");
  }
}
