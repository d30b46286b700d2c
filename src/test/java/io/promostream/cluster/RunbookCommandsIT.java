package io.promostream.cluster;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The shell commands of the runbook in bash. RunbookIT runs those that need Kafka. */
class RunbookCommandsIT {

  @ParameterizedTest
  @CsvSource({"promo-stream-job-new, -n promo-stream delete configmap/promo-stream-job-old", "'',"})
  void deletesConfigMapsThatAreNotInUse(String used, String deletion, @TempDir Path directory)
      throws Exception {
    String block = Runbook.blocks("sh", "Cleaning up").get(0);
    Object volume =
        Manifests.of(Path.of("k8s/overlays/prod"))
            .volume(Manifests.Role.JOBMANAGER, "/etc/promo-stream/promo-stream.yaml")
            .orElseThrow();
    assertThat(block).contains("@.name==\"" + Yaml.text(volume, "name") + "\"");
    Path calls = Files.createFile(directory.resolve("calls"));
    Path kubectl =
        Files.writeString(
            directory.resolve("kubectl"),
            """
            #!/bin/sh
            case "$*" in
              *jsonpath*) echo '%s' ;;
              *"get configmap"*) printf 'configmap/%%s\\n' flink-config-promo-stream \\
                promo-stream-dashboard promo-stream-job-new promo-stream-job-old ;;
              *) echo "$*" >>%s ;;
            esac
            """
                .formatted(used, calls));
    assertThat(kubectl.toFile().setExecutable(true)).isTrue();
    ProcessBuilder bash = new ProcessBuilder("bash", "-c", block);
    bash.environment().merge("PATH", directory.toString(), (path, stub) -> stub + ":" + path);
    assertThat(bash.redirectErrorStream(true).start().waitFor(1, TimeUnit.MINUTES)).isTrue();
    assertThat(Files.readAllLines(calls))
        .isEqualTo(deletion == null ? List.of() : List.of(deletion));
  }

  @Test
  void parsesInBash() throws Exception {
    for (String block : Runbook.blocks("sh")) {
      Process bash =
          new ProcessBuilder("bash", "-n", "-c", block).redirectErrorStream(true).start();
      String output = new String(bash.getInputStream().readAllBytes(), UTF_8);
      assertThat(bash.waitFor()).as(block + output).isZero();
    }
  }
}
