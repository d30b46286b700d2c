package io.promostream.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.flink.container.entrypoint.StandaloneApplicationClusterConfigurationParserFactory;
import org.apache.flink.runtime.entrypoint.EntrypointClusterConfiguration;
import org.apache.flink.runtime.entrypoint.parser.CommandLineParser;
import org.apache.flink.runtime.entrypoint.parser.ParserResultFactory;
import org.junit.jupiter.api.Test;

/** The README's commands are read by Flink as they are meant. */
class ReadmeTest {

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
}
