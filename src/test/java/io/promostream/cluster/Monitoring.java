package io.promostream.cluster;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** The alerts and the dashboard of k8s/monitoring. */
public final class Monitoring {

  private static final Path DIRECTORY = Path.of("k8s/monitoring");
  private static final Pattern METRIC = Pattern.compile("\\bflink_\\w+");

  private Monitoring() {}

  /** What Prometheus itself takes of the PrometheusRule, to which the operator adds the rest. */
  static Object rules() {
    return Yaml.at(Yaml.read(DIRECTORY.resolve("rules.yaml")).get(0), "spec");
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
