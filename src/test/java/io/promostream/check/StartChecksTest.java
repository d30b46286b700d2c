package io.promostream.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.promostream.config.ConfigException;
import io.promostream.config.JobConfig;
import io.promostream.testing.CapturedLogs;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.core.execution.CheckpointingMode;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.logging.log4j.Level;
import org.junit.jupiter.api.Test;

class StartChecksTest {

  private static final JobConfig EXACTLY_ONCE = config("delivery.guarantee=exactly-once");
  private static final JobConfig AT_LEAST_ONCE = config("delivery.guarantee=at-least-once");

  private static JobConfig config(String setting) {
    return JobConfig.load(
        new String[] {
          "--kafka.bootstrap-servers=kafka:9092",
          "--subscribers.db.url=jdbc:postgresql://lists/lists",
          "--subscribers.db.user=reader",
          "--feedback.db.url=jdbc:postgresql://rows/rows",
          "--feedback.db.user=writer",
          "--" + setting
        },
        Map.of());
  }

  private static void check(Map<String, String> flink, JobConfig config) {
    StartChecks.check(Configuration.fromMap(flink), config);
  }

  private static void assertRefused(Map<String, String> flink, JobConfig config, String... hints) {
    ConfigException refused =
        catchThrowableOfType(ConfigException.class, () -> check(flink, config));
    assertThat(refused).hasMessageNotContaining("\n");
    assertThat(refused.getMessage()).contains(hints);
  }

  @Test
  void refusesReportsWithoutCheckpoints() {
    JobConfig config =
        JobConfig.load(
            new String[] {
              "--kafka.bootstrap-servers=kafka:9092",
              "--subscribers.db.url=jdbc:postgresql://lists/lists",
              "--subscribers.db.user=reader",
              "--feedback.db.url=jdbc:postgresql://rows/rows",
              "--feedback.db.user=writer",
              "--delivery.guarantee=at-least-once",
              "--reports.topic=reports"
            },
            Map.of());
    assertRefused(Map.of(), config, "execution.checkpointing.interval", "reports.topic");
    check(Map.of("execution.checkpointing.interval", "10 s"), config);
  }

  @Test
  void acceptsSettingsThatKeepTheGuarantee() {
    check(Map.of("execution.checkpointing.interval", "10 s"), EXACTLY_ONCE);
    check(Map.of(), AT_LEAST_ONCE);
    check(
        Map.of(
            "execution.checkpointing.interval", "10 s",
            "execution.checkpointing.mode", "AT_LEAST_ONCE"),
        AT_LEAST_ONCE);
  }

  @Test
  void refusesExactlyOnceWithoutCheckpoints() {
    assertRefused(Map.of(), EXACTLY_ONCE, "execution.checkpointing.interval: ");
  }

  @Test
  void warnsOfAtLeastOnceWithoutCheckpoints() {
    try (CapturedLogs logs = new CapturedLogs(Level.WARN, java.util.logging.Level.OFF)) {
      check(Map.of("execution.checkpointing.interval", "10 s"), AT_LEAST_ONCE);
      assertThat(logs.lines()).isEmpty();
      check(Map.of(), AT_LEAST_ONCE);
      assertThat(logs.lines())
          .singleElement()
          .asString()
          .startsWith("WARN ")
          .contains(
              "execution.checkpointing.interval: ", "latest skips promos sent during the outage");
    }
  }

  @Test
  void warnsWhenFailedJobDiscardsItsCheckpoints() {
    Map<String, String> flink = new HashMap<>();
    flink.put("execution.checkpointing.interval", "10 s");
    String retention = "execution.checkpointing.externalized-checkpoint-retention";
    try (CapturedLogs logs = new CapturedLogs(Level.WARN, java.util.logging.Level.OFF)) {
      flink.put(retention, "RETAIN_ON_CANCELLATION");
      check(flink, EXACTLY_ONCE);
      // This setting also retains the checkpoints of a failed job.
      flink.put(retention, "DELETE_ON_CANCELLATION");
      check(flink, EXACTLY_ONCE);
      flink.remove(retention);
      check(flink, AT_LEAST_ONCE);
      assertThat(logs.lines()).isEmpty();
      check(flink, EXACTLY_ONCE);
      assertThat(logs.lines())
          .singleElement()
          .asString()
          .startsWith("WARN ")
          .contains(retention + ": ", "set it to RETAIN_ON_CANCELLATION");
    }
  }

  @Test
  void refusesExactlyOnceWithAtLeastOnceCheckpoints() {
    assertRefused(
        Map.of(
            "execution.checkpointing.interval", "10 s",
            "execution.checkpointing.mode", "AT_LEAST_ONCE"),
        EXACTLY_ONCE,
        "execution.checkpointing.mode: must be EXACTLY_ONCE");
  }

  @Test
  void refusesBatchMode() {
    assertRefused(
        Map.of("execution.runtime-mode", "BATCH", "execution.checkpointing.interval", "10 s"),
        EXACTLY_ONCE,
        "execution.runtime-mode: BATCH");
    assertRefused(Map.of("execution.runtime-mode", "BATCH"), AT_LEAST_ONCE, "BATCH");
  }

  @Test
  void acceptsFlinkConfOfThisProject() {
    check(GlobalConfiguration.loadConfiguration("flink-conf").toMap(), EXACTLY_ONCE);
  }

  /** Settings made by methods of the environment count, too. */
  @Test
  void readsSettingsOfExecutionEnvironment() {
    StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.getExecutionEnvironment(new Configuration());
    environment.enableCheckpointing(1000, CheckpointingMode.EXACTLY_ONCE);
    assertThatCode(() -> StartChecks.check(environment.getConfiguration(), EXACTLY_ONCE))
        .doesNotThrowAnyException();
    environment.setRuntimeMode(RuntimeExecutionMode.BATCH);
    assertThat(
            catchThrowableOfType(
                ConfigException.class,
                () -> StartChecks.check(environment.getConfiguration(), EXACTLY_ONCE)))
        .hasMessageContaining("BATCH");
  }
}
