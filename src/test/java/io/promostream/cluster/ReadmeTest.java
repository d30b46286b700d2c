package io.promostream.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
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

/** Flink reads the README's commands as they are meant, and that of k8s/ names what is there. */
class ReadmeTest {

  private static final String DEPLOYMENT = Runbook.page("deployment");

  /** Flink takes what begins one of its own options for that, {@code --configDir} for one. */
  @Test
  void inApplicationModeTheJobGetsItsArguments() throws Exception {
    Matcher command =
        Pattern.compile("standalone-job\\.sh start ([^`]+)")
            .matcher(Runbook.read(Path.of("README.md")));
    assertThat(command.find()).isTrue();
    // What the script puts before them.
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
  void portsAreThoseOfTheNetworkPolicy() {
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
  void whatKubectlAppliesIsThere() {
    assertThat(
            Pattern.compile("kubectl apply -k (\\S+)")
                .matcher(DEPLOYMENT)
                .results()
                .map(command -> Path.of(command.group(1))))
        .contains(Path.of("k8s/overlays/prod"), Monitoring.DIRECTORY)
        .allMatch(directory -> Files.exists(directory.resolve("kustomization.yaml")));
  }
}
