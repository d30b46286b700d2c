package io.promostream.config;

import static org.apache.flink.configuration.CheckpointingOptions.CHECKPOINTING_CONSISTENCY_MODE;
import static org.apache.flink.configuration.CheckpointingOptions.CHECKPOINTING_INTERVAL;
import static org.apache.flink.configuration.CheckpointingOptions.CHECKPOINTING_TIMEOUT;
import static org.apache.flink.configuration.CheckpointingOptions.MIN_PAUSE_BETWEEN_CHECKPOINTS;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.configuration.RestartStrategyOptions;
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
    // that is longer) and completes within its timeout. If the job fails just then, the commit
    // waits
    // until it has been restarted:
    //   age at commit <= max(interval, pause) + timeout + restart delay.
    // The broker must not abort it before. What its timeout is longer by is left for the restart
    // itself, for an outage that fails restarts, and for checkpoints that fail in between.
    Duration pause = flink.get(MIN_PAUSE_BETWEEN_CHECKPOINTS);
    Part between =
        interval.compareTo(pause) < 0
            ? new Part(MIN_PAUSE_BETWEEN_CHECKPOINTS.key(), pause)
            : new Part(CHECKPOINTING_INTERVAL.key(), interval);
    List<Part> parts = new ArrayList<>();
    parts.add(between);
    parts.add(new Part(CHECKPOINTING_TIMEOUT.key(), flink.get(CHECKPOINTING_TIMEOUT)));
    parts.addAll(restartDelay(flink));
    Duration needed = parts.stream().map(Part::time).reduce(Duration.ZERO, Duration::plus);
    if (transactionTimeout.compareTo(needed) <= 0) {
      problems.add(
          ("kafka.properties.transaction.timeout.ms: Kafka would abort a transaction after %s, and its commit"
                  + " may need %s (%s); set it to more than %d, or the others to less")
              .formatted(
                  TimeUtils.formatWithHighestUnit(transactionTimeout),
                  TimeUtils.formatWithHighestUnit(needed),
                  parts.stream().map(Part::toString).collect(Collectors.joining(" + ")),
                  needed.toMillis()));
    }
  }

  /** A setting that delays a commit, and by how much at most. */
  private record Part(String key, Duration time) {
    @Override
    public String toString() {
      return key + " " + TimeUtils.formatWithHighestUnit(time);
    }
  }

  /** The longest wait before a restart; none where there is no restart, or no such strategy. */
  private static List<Part> restartDelay(ReadableConfig flink) {
    Optional<String> type = flink.getOptional(RestartStrategyOptions.RESTART_STRATEGY);
    // Where nothing is said, Flink restarts with exponential delay, by that strategy's defaults.
    if (type.isEmpty()) {
      ConfigOption<Duration> longest =
          RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_MAX_BACKOFF;
      return List.of(new Part(longest.key(), longest.defaultValue()));
    }
    return switch (type.get().toLowerCase(Locale.ROOT)) {
      case "fixed-delay", "fixeddelay" ->
          part(flink, RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY);
      case "failure-rate", "failurerate" ->
          part(flink, RestartStrategyOptions.RESTART_STRATEGY_FAILURE_RATE_DELAY);
      case "exponential-delay", "exponentialdelay" ->
          part(flink, RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_MAX_BACKOFF);
      default -> List.of();
    };
  }

  private static List<Part> part(ReadableConfig flink, ConfigOption<Duration> delay) {
    return List.of(new Part(delay.key(), flink.get(delay)));
  }
}
