package io.promostream.cluster;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.config.KeyReference;
import io.promostream.metrics.JobMetric;
import io.promostream.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the operator's page quotes, names and tells to run is there. */
class RunbookTest {

  /** Of Flink, not of the job. */
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
  void eachAlertHasASection() {
    Set<String> headings = found("(?m)^### (.+)$").collect(Collectors.toSet());
    assertThat(Monitoring.alerts())
        .isNotEmpty()
        .allSatisfy(rule -> assertThat(headings).contains(Yaml.text(rule, "alert")));
    assertThat(headings)
        .filteredOn(heading -> heading.startsWith("PromoStream"))
        .hasSameSizeAs(Monitoring.alerts());
  }

  @Test
  void linksLeadSomewhere() {
    Set<String> anchors =
        found("(?m)^##+ (.+)$")
            .map(heading -> heading.toLowerCase(Locale.ROOT).replace(",", "").replace(' ', '-'))
            .collect(Collectors.toSet());
    assertThat(found("]\\(#([^)]+)\\)")).isNotEmpty().isSubsetOf(anchors);
  }

  /** Word for word but for the dots, which stand for what differs. */
  @Test
  void linesOfTheLogAreWhatTheCodeWrites() throws IOException {
    String messages =
        sources("src/main/java").replaceAll("\"\\s*\\+\\s*\"", "").replaceAll("\\{}|%[sd]", "...");
    assertThat(Runbook.blocks("log"))
        .hasSizeGreaterThan(10)
        .flatMap(block -> block.lines().toList())
        .flatMap(line -> List.of(line.split("\\.\\.\\.")))
        .allMatch(messages::contains);
  }

  @Test
  void metricsAndKeysAreTheJobs() {
    Set<String> metrics =
        Arrays.stream(JobMetric.values()).map(JobMetric::metricName).collect(Collectors.toSet());
    assertThat(found("`([a-z]+[A-Z][A-Za-z]+)`"))
        .isNotEmpty()
        .allMatch(name -> metrics.contains(name) || FLINKS_METRICS.contains(name));
    String keys = KeyReference.help();
    assertThat(
            found("`((?:promos|notifications|rejected|subscribers|feedback|delivery)\\.[a-z.-]+)"))
        .isNotEmpty()
        .allSatisfy(key -> assertThat(keys).contains("  " + key + "\n"));
  }

  @Test
  void testsAndDrillsThatItNamesAreThere() throws IOException {
    String tests = sources("src/test/java") + sources("src/drills/java");
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

  /** What FeedbackCheck and FeedbackWriter tell to set, at the most that the autoscaler may do. */
  @Test
  void preparedTransactionsAreSizedForTheAutoscaler() {
    Path overlay = Path.of("k8s/overlays/prod");
    int most =
        Integer.parseInt(
            new Manifests(Kustomization.render(overlay))
                .flinkConfiguration()
                .get("job.autoscaler.vertex.max-parallelism"));
    assertThat(Runbook.text()).contains("that is 4 x %d = %d.".formatted(most, 4 * most));
    assertThat(Runbook.read(overlay.resolve("flinkdeployment.yaml")))
        .contains("max_prepared_transactions: %d ".formatted(4 * most));
  }

  /** The command itself is run by JarIT, with another configuration. */
  @Test
  void theCheckIsOfTheJobThatRuns() {
    Object deployment =
        new Manifests(Kustomization.render(Path.of("k8s/overlays/prod"))).deployment();
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

  @Test
  void sqlRuns() {
    TestDatabase database = TestDatabase.create().withFeedbackTable();
    assertThat(Runbook.blocks("sql")).isNotEmpty().allSatisfy(database::query);
  }

  @Test
  void commandsAreBash() throws Exception {
    for (String block : Runbook.blocks("sh")) {
      Process bash =
          new ProcessBuilder("bash", "-n", "-c", block).redirectErrorStream(true).start();
      String output = new String(bash.getInputStream().readAllBytes(), UTF_8);
      assertThat(bash.waitFor()).as(block + output).isZero();
    }
  }
}
