package io.promostream.cluster;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.promostream.testing.Programs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The manifests of k8s/, each overlay as it would be applied. */
class ManifestsTest {

  static List<Path> overlays() throws IOException {
    try (Stream<Path> directories = Files.list(Path.of("k8s/overlays"))) {
      return directories.sorted().toList();
    }
  }

  @ParameterizedTest
  @MethodSource("overlays")
  void fitTheOperatorFlinkTheImageTheJobAndOneAnother(Path overlay) {
    assertThat(ManifestChecks.problems(Manifests.of(overlay))).isEmpty();
  }

  /** Where a cluster does not know a kind, kubectl applies the others and ends with an error. */
  @ParameterizedTest
  @MethodSource("overlays")
  void needNoOperatorButFlinks(Path overlay) {
    assertThat(Kustomization.render(overlay))
        .extracting(resource -> resource.get("apiVersion").toString())
        .noneMatch(version -> version.startsWith("monitoring.coreos.com/"));
  }

  @ParameterizedTest
  @MethodSource("overlays")
  void configureFlinkAsFlinkConfDoes(Path overlay) throws IOException {
    Manifests manifests = new Manifests(Kustomization.render(overlay));
    assertThat(manifests.flinkConfiguration()).containsAllEntriesOf(FlinkConf.sharedByAll());
    assertThat(
            Yaml.text(
                manifests.deployment(), "spec", "logConfiguration", "log4j-console.properties"))
        .isEqualTo(Files.readString(FlinkConf.DIRECTORY.resolve("log4j-console.properties")));
  }

  static Stream<Path> directoriesToApply() throws IOException {
    return Stream.concat(overlays().stream(), Stream.of(Monitoring.DIRECTORY));
  }

  @ParameterizedTest
  @MethodSource("directoriesToApply")
  void areWhatKubectlMakesOfThem(Path overlay) throws Exception {
    assumeTrue(Programs.isInstalled("kubectl"), "kubectl is not installed");
    Process process =
        new ProcessBuilder("kubectl", "kustomize", overlay.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    String rendered = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
    assertThat(process.exitValue()).isZero();

    String hash = "(name: promo-stream-job)-\\w{10}\\b";
    assertThat(rendered).doesNotContainPattern("name: promo-stream-job\\n");
    assertThat(sorted(Yaml.parse(rendered.replaceAll(hash, "$1"), "kubectl")))
        .isEqualTo(sorted(new ArrayList<>(Kustomization.render(overlay))));
  }

  private static List<Map<String, Object>> sorted(List<Object> resources) {
    return resources.stream()
        .map(resource -> Yaml.map(resource))
        .sorted(
            Comparator.comparing((Map<String, Object> resource) -> resource.get("kind").toString())
                .thenComparing(Manifests::name))
        .toList();
  }
}
