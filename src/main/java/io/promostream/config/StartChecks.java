package io.promostream.config;

import static org.apache.flink.configuration.CheckpointingOptions.CHECKPOINTING_CONSISTENCY_MODE;
import static org.apache.flink.configuration.CheckpointingOptions.CHECKPOINTING_INTERVAL;
import static org.apache.flink.configuration.CheckpointingOptions.CHECKPOINTING_TIMEOUT;
import static org.apache.flink.configuration.CheckpointingOptions.MIN_PAUSE_BETWEEN_CHECKPOINTS;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.core.execution.CheckpointingMode;
import org.apache.flink.util.TimeUtils;

/** Refuses what Flink's settings and the job's, each fine by itself, can't keep together. */
public final class StartChecks {

  private StartChecks() {}

  /**
   * Checks the job's configuration against Flink's.
   *
   * @param flink what the job will run with: {@code StreamExecutionEnvironment.getConfiguration()}
   * @throws ConfigException with all that is wrong, and what to set
   */
  public static void check(ReadableConfig flink, JobConfig config) {
    List<String> problems = new ArrayList<>();
    if (flink.get(ExecutionOptions.RUNTIME_MODE) == RuntimeExecutionMode.BATCH) {
      problems.add(
          ExecutionOptions.RUNTIME_MODE.key()
              + ": BATCH would wait for the end of the promos, which never comes; set STREAMING");
    }
    if (config.guarantee() == DeliveryGuarantee.EXACTLY_ONCE) {
      checkExactlyOnce(flink, config.kafka().transactionTimeout(), problems);
    }
    if (!problems.isEmpty()) {
      throw new ConfigException(problems);
    }
  }

  private static void checkExactlyOnce(
      ReadableConfig flink, Duration transactionTimeout, List<String> problems) {
    Duration interval = flink.getOptional(CHECKPOINTING_INTERVAL).orElse(Duration.ZERO);
    if (interval.toMillis() <= 0) {
      problems.add(
          CHECKPOINTING_INTERVAL.key()
              + ": exactly-once delivers when a checkpoint completes, and there are none; set it,"
              + " for example to 10 s, or delivery.guarantee to at-least-once");
      return;
    }
    if (flink.get(CHECKPOINTING_CONSISTENCY_MODE) != CheckpointingMode.EXACTLY_ONCE) {
      problems.add(
          CHECKPOINTING_CONSISTENCY_MODE.key()
              + ": must be EXACTLY_ONCE for delivery.guarantee exactly-once");
    }
    // A transaction is opened when one checkpoint's barrier passes the sink, and committed when the
    // next checkpoint completes. That one begins an interval later (or the minimum pause, where
    // that is longer) and completes within its timeout:
    //   age at commit <= max(interval, pause) + timeout.
    // The broker must not abort it before. What the timeout is longer by is how long the job may be
    // down between the sink's part of a checkpoint and its commit without losing notifications.
    Duration pause = flink.get(MIN_PAUSE_BETWEEN_CHECKPOINTS);
    Duration between = interval.compareTo(pause) < 0 ? pause : interval;
    Duration needed = between.plus(flink.get(CHECKPOINTING_TIMEOUT));
    if (transactionTimeout.compareTo(needed) <= 0) {
      problems.add(
          ("kafka.properties.transaction.timeout.ms: Kafka would abort a transaction after %s, and a"
                  + " checkpoint may need %s (%s %s + %s %s); set it to more than %d, or the other"
                  + " two to less")
              .formatted(
                  TimeUtils.formatWithHighestUnit(transactionTimeout),
                  TimeUtils.formatWithHighestUnit(needed),
                  (between.equals(interval)
                          ? CHECKPOINTING_INTERVAL
                          : MIN_PAUSE_BETWEEN_CHECKPOINTS)
                      .key(),
                  TimeUtils.formatWithHighestUnit(between),
                  CHECKPOINTING_TIMEOUT.key(),
                  TimeUtils.formatWithHighestUnit(flink.get(CHECKPOINTING_TIMEOUT)),
                  needed.toMillis()));
    }
  }
}
