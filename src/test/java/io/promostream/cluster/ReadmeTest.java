package io.promostream.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.container.entrypoint.StandaloneApplicationClusterConfigurationParserFactory;
import org.apache.flink.runtime.entrypoint.EntrypointClusterConfiguration;
import org.apache.flink.runtime.entrypoint.parser.CommandLineParser;
import org.apache.flink.runtime.entrypoint.parser.ParserResultFactory;
import org.junit.jupiter.api.Test;

/** The README leads to every page, and the commands and ports of the pages are right. */
class ReadmeTest {

  private static final Path MONITORING = Path.of("k8s/monitoring/README.md");
  private static final String DEPLOYMENT = Runbook.page("deployment");

  @Test
  void readmeLinksToEveryPage() throws IOException {
    String readme = Runbook.read(Path.of("README.md"));
    assertThat(readme.lines()).hasSizeLessThan(150);
    try (Stream<Path> pages = Files.list(Path.of("src/site/markdown"))) {
      assertThat(pages).isNotEmpty().allSatisfy(page -> assertThat(readme).contains("](" + page));
    }
  }

  /** Derives anchors from headings as Git hosts do. */
  @Test
  void linksOfAllPagesResolve() throws IOException {
    List<Path> pages = new ArrayList<>(List.of(Path.of("README.md"), MONITORING));
    try (Stream<Path> files = Files.list(Path.of("src/site/markdown"))) {
      files.forEach(pages::add);
    }
    for (Path page : pages) {
      Matcher links =
          Pattern.compile("]\\((?!https:)([^)#]*)(?:#([^)]+))?\\)").matcher(Runbook.read(page));
      while (links.find()) {
        Path target =
            links.group(1).isEmpty() ? page : page.resolveSibling(links.group(1)).normalize();
        assertThat(target).as("link %s of %s", links.group(), page).exists();
        if (links.group(2) != null) {
          assertThat(Runbook.anchors(Runbook.read(target)))
              .as("link %s of %s", links.group(), page)
              .contains(links.group(2));
        }
      }
    }
  }

  /**
   * Flink treats an argument that is a prefix of one of its options as that option, such as {@code
   * --configDir}.
   */
  @Test
  void jobGetsItsArgumentsInApplicationMode() throws Exception {
    Matcher command = Pattern.compile("standalone-job\\.sh start ([^`]+)").matcher(DEPLOYMENT);
    assertThat(command.find()).isTrue();
    // The script adds these arguments before the job's.
    String[] arguments =
        Stream.concat(
                Stream.of("--configDir", "/opt/flink/conf"),
                Stream.of(command.group(1).split("\\s+")))
            .toArray(String[]::new);
    ParserResultFactory<? extends EntrypointClusterConfiguration> flink =
        new StandaloneApplicationClusterConfigurationParserFactory();
    EntrypointClusterConfiguration read = new CommandLineParser<>(flink).parse(arguments);
    assertThat(read.getConfigDir()).isEqualTo("/opt/flink/conf");
    assertThat(List.of(read.getArgs())).containsExactly("--config", "FILE");
  }

  @Test
  void portsMatchNetworkPolicy() {
    String section = DEPLOYMENT.split("(?m)^## Network$")[1].split("(?m)^## ")[0];
    Set<Object> listed =
        Pattern.compile("(?m)^\\| ([\\d, ]+) \\|")
            .matcher(section)
            .results()
            .flatMap(row -> Stream.of(row.group(1).split(", ")))
            .map(Integer::valueOf)
            .collect(Collectors.toSet());
    Object policy = Yaml.read(Path.of("k8s/base/networkpolicy.yaml")).get(0);
    assertThat(listed)
        .isEqualTo(
            Stream.of("ingress", "egress")
                .flatMap(direction -> Yaml.list(policy, "spec", direction).stream())
                .flatMap(rule -> Yaml.list(rule, "ports").stream())
                .map(port -> Yaml.at(port, "port"))
                .collect(Collectors.toSet()));
  }

  @Test
  void filesThatKubectlAppliesExist() {
    assertThat(
            Pattern.compile("kubectl apply -k (\\S+)")
                .matcher(DEPLOYMENT)
                .results()
                .map(command -> Path.of(command.group(1))))
        .contains(Path.of("k8s/overlays/prod"), Monitoring.DIRECTORY)
        .allMatch(directory -> Files.exists(directory.resolve("kustomization.yaml")));
  }
}
