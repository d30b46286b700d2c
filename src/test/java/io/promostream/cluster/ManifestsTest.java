package io.promostream.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The rendered overlays of k8s/. */
class ManifestsTest {

  static List<Path> overlays() throws IOException {
    try (Stream<Path> directories = Files.list(Path.of("k8s/overlays"))) {
      return directories.sorted().toList();
    }
  }

  @ParameterizedTest
  @MethodSource("overlays")
  void overlaysHaveNoProblems(Path overlay) {
    assertThat(ManifestChecks.problems(Manifests.of(overlay))).isEmpty();
  }

  /** In a cluster without a kind, kubectl applies the other resources and exits with an error. */
  @ParameterizedTest
  @MethodSource("overlays")
  void overlaysNeedOnlyFlinkOperator(Path overlay) {
    assertThat(Kustomization.render(overlay))
        .extracting(resource -> resource.get("apiVersion").toString())
        .noneMatch(version -> version.startsWith("monitoring.coreos.com/"));
  }

  @ParameterizedTest
  @MethodSource("overlays")
  void overlaysConfigureFlinkLikeFlinkConf(Path overlay) throws IOException {
    Manifests manifests = new Manifests(Kustomization.render(overlay));
    assertThat(manifests.flinkConfiguration()).containsAllEntriesOf(FlinkConf.sharedByAll());
    assertThat(
            Yaml.text(
                manifests.deployment(), "spec", "logConfiguration", "log4j-console.properties"))
        .isEqualTo(Files.readString(FlinkConf.DIRECTORY.resolve("log4j-console.properties")));
  }
}
