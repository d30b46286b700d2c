package io.promostream.cluster;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.promostream.testing.Programs;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Compares {@link Kustomization} with kubectl, if kubectl is installed. */
class KustomizationIT {

  static Stream<Path> directoriesToApply() throws IOException {
    return Stream.concat(ManifestsTest.overlays().stream(), Stream.of(Monitoring.DIRECTORY));
  }

  @ParameterizedTest
  @MethodSource("directoriesToApply")
  void rendersTheSameAsKubectl(Path directory) throws Exception {
    assumeTrue(Programs.isInstalled("kubectl"), "kubectl is not installed");
    Process process =
        new ProcessBuilder("kubectl", "kustomize", directory.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    String rendered = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
    assertThat(process.exitValue()).isZero();

    String hash = "(name: promo-stream-job)-\\w{10}\\b";
    assertThat(rendered).doesNotContainPattern("name: promo-stream-job\\n");
    assertThat(sorted(Yaml.parse(rendered.replaceAll(hash, "$1"), "kubectl")))
        .isEqualTo(sorted(new ArrayList<>(Kustomization.render(directory))));
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
