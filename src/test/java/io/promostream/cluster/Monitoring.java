package io.promostream.cluster;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.snakeyaml.engine.v2.api.Dump;
import org.snakeyaml.engine.v2.api.DumpSettings;

/** The alerts and the dashboard of k8s/monitoring. */
public final class Monitoring {

  static final Path DIRECTORY = Path.of("k8s/monitoring");
  private static final Pattern METRIC = Pattern.compile("\\bflink_\\w+");
  private static final Pattern DURATION = Pattern.compile("\\b\\d+([smhd])\\b");
  private static final Pattern AMOUNT = Pattern.compile("(?<=[<>=+] )\\d{3,}\\b");

  private Monitoring() {}

  /** What Prometheus itself takes of the PrometheusRule, to which the operator adds the rest. */
  static Object rules() {
    return Yaml.at(Yaml.read(DIRECTORY.resolve("rules.yaml")).get(0), "spec");
  }

  /**
   * The rules for a test, in which a minute is a second: each duration is divided by 60, and each
   * number of 100 or more that something is compared with, as these are amounts of time, or what
   * comes together in some time.
   */
  static Object rulesOfAFasterWorld() {
    Object rules = Yaml.copy(rules());
    for (Object rule : Yaml.list(rules, "groups", 0, "rules")) {
      Map<String, Object> fields = Yaml.map(rule);
      fields.computeIfPresent("for", (key, time) -> faster(time.toString()));
      fields.computeIfPresent("expr", (key, expression) -> faster(expression.toString()));
    }
    return rules;
  }

  private static String faster(String text) {
    String durations =
        DURATION
            .matcher(text)
            .replaceAll(
                match ->
                    Duration.parse("P" + (match.group(1).equals("d") ? "" : "T") + match.group())
                            .dividedBy(60)
                            .toSeconds()
                        + "s");
    return AMOUNT
        .matcher(durations)
        .replaceAll(match -> String.valueOf(Long.parseLong(match.group()) / 60));
  }

  static String yaml(Object value) {
    return new Dump(DumpSettings.builder().build()).dumpToString(value);
  }

  static List<Object> alerts() {
    return Yaml.list(rules(), "groups", 0, "rules");
  }

  /** All expressions of rules and panels. */
  static List<String> expressions() throws IOException {
    List<String> expressions = new ArrayList<>();
    for (Object rule : alerts()) {
      expressions.add(Yaml.text(rule, "expr"));
    }
    try (JsonParser json =
        new JsonFactory().createParser(DIRECTORY.resolve("dashboard.json").toFile())) {
      while (json.nextToken() != null) {
        if ("expr".equals(json.currentName()) && json.currentToken().isScalarValue()) {
          expressions.add(json.getText());
        }
      }
    }
    return expressions;
  }

  /** All metrics that rules and panels ask for, as Prometheus knows them. */
  public static Set<String> metrics() throws IOException {
    Set<String> metrics = new TreeSet<>();
    for (String expression : expressions()) {
      METRIC.matcher(expression).results().map(MatchResult::group).forEach(metrics::add);
    }
    return metrics;
  }
}
