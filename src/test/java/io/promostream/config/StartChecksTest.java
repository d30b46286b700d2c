package io.promostream.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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
  void takesWhatKeepsThePromises() {
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
          .contains("execution.checkpointing.interval: ", "latest loses what came meanwhile");
    }
  }

  @Test
  void warnsOfExactlyOnceWhoseCheckpointsGoWithAFailedJob() {
    Map<String, String> flink = new HashMap<>();
    flink.put("execution.checkpointing.interval", "10 s");
    String retention = "execution.checkpointing.externalized-checkpoint-retention";
    try (CapturedLogs logs = new CapturedLogs(Level.WARN, java.util.logging.Level.OFF)) {
      flink.put(retention, "RETAIN_ON_CANCELLATION");
      check(flink, EXACTLY_ONCE);
      // What fails keeps them then too.
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
  void refusesTransactionsShorterThanACheckpointMayTake() {
    // 5 min + 10 min by Flink's default are not less than 15 min.
    assertRefused(
        Map.of("execution.checkpointing.interval", "5 min"),
        EXACTLY_ONCE,
        "kafka.properties.transaction.timeout.ms: ",
        "execution.checkpointing.interval 5 min + execution.checkpointing.timeout 10 min"
            + " + restart-strategy.exponential-delay.max-backoff 1 min",
        "more than 960000");
    assertRefused(
        Map.of(
            "execution.checkpointing.interval", "1 s",
            "execution.checkpointing.min-pause", "20 min"),
        EXACTLY_ONCE,
        "execution.checkpointing.min-pause 20 min");
    assertRefused(
        Map.of(
            "execution.checkpointing.interval", "10 s",
            "execution.checkpointing.timeout", "50 s",
            "restart-strategy.type", "none"),
        config("kafka.properties.transaction.timeout.ms=60000"),
        "more than 60000");
    check(
        Map.of(
            "execution.checkpointing.interval", "10 s",
            "execution.checkpointing.timeout", "49 s",
            "restart-strategy.type", "none"),
        config("kafka.properties.transaction.timeout.ms=60000"));
  }

  /** A failed checkpoint leaves what it was to commit to the next. */
  @Test
  void countsTheCheckpointsThatMayFail() {
    Map<String, String> flink = new HashMap<>();
    flink.put("execution.checkpointing.interval", "10 s");
    flink.put("execution.checkpointing.min-pause", "5 s");
    flink.put("execution.checkpointing.timeout", "2 min");
    flink.put("execution.checkpointing.tolerable-failed-checkpoints", "2");
    flink.put("restart-strategy.type", "none");
    // 10 + 2 x (120 + 5) + 120
    assertRefused(
        flink,
        config("kafka.properties.transaction.timeout.ms=380000"),
        "execution.checkpointing.tolerable-failed-checkpoints 2 x"
            + " (execution.checkpointing.timeout 2 min + execution.checkpointing.min-pause 5 s)",
        "more than 380000");
    check(flink, config("kafka.properties.transaction.timeout.ms=380001"));
    // The next one does not begin before its time: 300 + 2 x 300 + 120.
    flink.put("execution.checkpointing.interval", "5 min");
    assertRefused(
        flink,
        config("kafka.properties.transaction.timeout.ms=1020000"),
        "execution.checkpointing.tolerable-failed-checkpoints 2 x"
            + " (execution.checkpointing.interval 5 min)",
        "more than 1020000");
    check(flink, config("kafka.properties.transaction.timeout.ms=1020001"));
  }

  @Test
  void takesThisProjectsOwnSettings() {
    check(GlobalConfiguration.loadConfiguration("flink-conf").toMap(), EXACTLY_ONCE);
  }

  /** A job that fails before its commit makes up for it after the restart. */
  @ParameterizedTest
  @CsvSource({
    "fixed-delay,restart-strategy.fixed-delay.delay",
    "failure-rate,restart-strategy.failure-rate.delay",
    "exponential-delay,restart-strategy.exponential-delay.max-backoff"
  })
  void refusesTransactionsShorterThanACheckpointAndARestartMayTake(String type, String delay) {
    Map<String, String> flink = new HashMap<>();
    flink.put("execution.checkpointing.interval", "10 s");
    flink.put("execution.checkpointing.timeout", "50 s");
    flink.put("restart-strategy.type", type);
    flink.put(delay, "2 min");
    assertRefused(
        flink,
        config("kafka.properties.transaction.timeout.ms=180000"),
        delay + " 2 min",
        "more than 180000");
    check(flink, config("kafka.properties.transaction.timeout.ms=180001"));
  }

  /** What a program sets by the environment's methods is seen too. */
  @Test
  void readsTheEnvironment() {
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
