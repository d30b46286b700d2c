package io.promostream;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.promostream.config.ConfigException;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.client.program.StreamContextEnvironment;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.DeploymentOptions;
import org.apache.flink.core.execution.DefaultExecutorServiceLoader;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Errors that end the start inside a JobManager, where {@code System.exit} would end the
 * JobManager, too.
 */
class PromoStreamJobTest {

  @BeforeEach
  void pretendToRunInJobManager() {
    StreamContextEnvironment.setAsContext(
        new DefaultExecutorServiceLoader(),
        new Configuration().set(DeploymentOptions.TARGET, "embedded"),
        getClass().getClassLoader(),
        true,
        true);
  }

  @AfterEach
  void stopPretending() {
    StreamContextEnvironment.unsetAsContext();
  }

  private static void run(String... more) throws Exception {
    List<String> args =
        new ArrayList<>(
            List.of(
                "--kafka.bootstrap-servers=127.0.0.1:9",
                "--subscribers.db.url=jdbc:postgresql://127.0.0.1:9/lists",
                "--subscribers.db.user=reader",
                "--feedback.db.url=jdbc:postgresql://127.0.0.1:9/rows",
                "--feedback.db.user=writer"));
    args.addAll(List.of(more));
    PromoStreamJob.main(args.toArray(String[]::new));
  }

  @Test
  void refusesCheckInJobManager() {
    assertThatThrownBy(() -> run("--check"))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("Submit it with flink run");
  }

  @Test
  void refusesPreviewInJobManager() {
    assertThatThrownBy(() -> run("--preview", "promos.jsonl"))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("Cannot run --preview here")
        .hasMessageContaining("Submit it with flink run");
  }

  @Test
  void refusesPropertiesThatKafkaClientsRefuse() {
    assertThatThrownBy(() -> run("--kafka.properties.retries=0"))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("retries");
  }
}
