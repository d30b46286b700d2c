package io.promostream.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.config.KeyReference;
import io.promostream.metrics.JobMetric;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The log lines, names and commands in the runbook match the code. */
class RunbookTest {

  /** Metrics of Flink itself. */
  private static final Set<String> FLINKS_METRICS = Set.of("pendingRecords");

  private static Stream<String> found(String pattern) {
    return Pattern.compile(pattern)
        .matcher(Runbook.text())
        .results()
        .map(result -> result.group(1))
        .distinct();
  }

  private static String sources(String directory) throws IOException {
    try (Stream<Path> files = Files.walk(Path.of(directory))) {
      return files
          .filter(file -> file.toString().endsWith(".java"))
          .map(Runbook::read)
          .collect(Collectors.joining("\n"));
    }
  }

  @Test
  void everyAlertHasASection() {
    Set<String> headings = found("(?m)^### (.+)$").collect(Collectors.toSet());
    assertThat(Monitoring.alerts())
        .isNotEmpty()
        .allSatisfy(rule -> assertThat(headings).contains(Yaml.text(rule, "alert")));
    assertThat(headings)
        .filteredOn(heading -> heading.startsWith("PromoStream"))
        .hasSameSizeAs(Monitoring.alerts());
  }

  /** Compares word for word. Dots stand for the variable parts. */
  @Test
  void quotedLogLinesMatchTheCode() throws IOException {
    String messages =
        sources("src/main/java").replaceAll("\"\\s*\\+\\s*\"", "").replaceAll("\\{}|%[sd]", "...");
    assertThat(Runbook.blocks("log"))
        .hasSizeGreaterThan(10)
        .flatMap(block -> block.lines().toList())
        .flatMap(line -> List.of(line.split("\\.\\.\\.")))
        .allMatch(messages::contains);
  }

  @Test
  void metricsAndKeysExist() {
    Set<String> metrics =
        Arrays.stream(JobMetric.values()).map(JobMetric::metricName).collect(Collectors.toSet());
    assertThat(found("`([a-z]+[A-Z][A-Za-z]+)`"))
        .isNotEmpty()
        .allMatch(name -> metrics.contains(name) || FLINKS_METRICS.contains(name));
    String keys = KeyReference.help();
    assertThat(
            found(
                "`((?:promos|notifications|rejected|subscribers|feedback|delivery)\\.(?!sql`)[a-z.-]+)"))
        .isNotEmpty()
        .allSatisfy(key -> assertThat(keys).contains("  " + key + "\n"));
  }

  @Test
  void namedTestsAndDrillsExist() throws IOException {
    String tests =
        sources("src/test/java") + sources("src/fixtures/java") + sources("src/drills/java");
    assertThat(found("`(\\w*(?:IT|Test|Drills\\w*))[`#]"))
        .isNotEmpty()
        .allMatch(name -> tests.contains("class " + name + " "));
    assertThat(found("`\\w*(?:IT|Test|Drills\\w*)#(\\w+)`"))
        .isNotEmpty()
        .allMatch(name -> tests.contains("void " + name + "("));
    assertThat(found("`([A-Z]+(?:_[A-Z]+)+)`"))
        .isNotEmpty()
        .allMatch(drill -> Pattern.compile("\\b" + drill + "\\b").matcher(tests).find());
  }

  /** JarIT runs the command itself, with another configuration. */
  @Test
  void checkCommandMatchesDeployedJob() {
    Object deployment = Manifests.of(Path.of("k8s/overlays/prod")).deployment();
    Object job = Yaml.at(deployment, "spec", "job");
    String arguments =
        Yaml.list(job, "args").stream().map(Object::toString).collect(Collectors.joining(" "));
    assertThat(Runbook.text())
        .contains(
            "`kubectl -n %s exec deploy/%s -c flink-main-container -- bin/flink run -t local %s %s --check`"
                .formatted(
                    Yaml.text(deployment, "metadata", "namespace"),
                    Manifests.name(deployment),
                    Yaml.text(job, "jarURI").replace("local:///opt/flink/", ""),
                    arguments));
  }

  /**
   * Finds unknown fields, unknown options, and parallelisms that do not divide the key groups
   * evenly.
   */
  @Test
  void manifestPartsAndPatchesAreValid() {
    List<String> parts = new ArrayList<>(Runbook.blocks("yaml"));
    Pattern.compile("patch flinkdeployment promo-stream --type merge (?:\\\\\n +)?-p '(.+)'")
        .matcher(Runbook.text() + Runbook.page("deployment"))
        .results()
        .forEach(patch -> parts.add(patch.group(1)));
    assertThat(parts)
        .hasSize(3)
        .allSatisfy(
            part -> {
              Manifests manifests = Manifests.of(Path.of("k8s/overlays/prod"));
              Kustomization.merge(
                  Yaml.map(Yaml.parse(part, "a part").get(0)), manifests.deployment());
              assertThat(ManifestChecks.problems(manifests)).as(part).isEmpty();
            });
  }
}
