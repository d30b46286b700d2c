package io.promostream.config;

import static org.apache.flink.configuration.CheckpointingOptions.CHECKPOINTING_CONSISTENCY_MODE;
import static org.apache.flink.configuration.CheckpointingOptions.CHECKPOINTING_INTERVAL;
import static org.apache.flink.configuration.CheckpointingOptions.CHECKPOINTING_TIMEOUT;
import static org.apache.flink.configuration.CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION;
import static org.apache.flink.configuration.CheckpointingOptions.MIN_PAUSE_BETWEEN_CHECKPOINTS;
import static org.apache.flink.configuration.CheckpointingOptions.TOLERABLE_FAILURE_NUMBER;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.core.execution.CheckpointingMode;
import org.apache.flink.util.TimeUtils;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Refuses what Flink's settings and the job's, each fine by itself, can't keep together, and warns
 * of what they keep only in part.
 */
public final class StartChecks {

  private static final Logger LOG = LoggerFactory.getLogger(StartChecks.class);

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
      warnOfDiscardedCheckpoints(flink);
    } else if (checkpointInterval(flink).toMillis() <= 0) {
      LOG.warn(
          "{}: without checkpoints no offset is committed and nothing is remembered of what was sent:"
              + " each restart begins where promos.start-from says, so committed and earliest deliver"
              + " again what is live, and latest loses what came meanwhile; set it, for example to 10 s",
          CHECKPOINTING_INTERVAL.key());
    }
    if (!problems.isEmpty()) {
      throw new ConfigException(problems);
    }
  }

  private static Duration checkpointInterval(ReadableConfig flink) {
    return flink.getOptional(CHECKPOINTING_INTERVAL).orElse(Duration.ZERO);
  }

  private static void checkExactlyOnce(
      ReadableConfig flink, Duration transactionTimeout, List<String> problems) {
    Duration interval = checkpointInterval(flink);
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
    // next one that completes does. That one begins an interval later (or the minimum pause, where
    // that is longer); as many as are tolerable may fail before it, each at its timeout, and it
    // completes within its own. If the job fails just then, the commit waits until it has been
    // restarted:
    //   age at commit <= max(interval, pause)
    //                    + tolerable failures x max(interval, timeout + pause)
    //                    + timeout + restart delay.
    // The broker must not abort it before. What its timeout is longer by is left for the restart
    // itself, and for an outage that fails restarts.
    Part pause = Part.of(flink, MIN_PAUSE_BETWEEN_CHECKPOINTS);
    Part between = Part.of(CHECKPOINTING_INTERVAL, interval).orLonger(pause);
    Part timeout = Part.of(flink, CHECKPOINTING_TIMEOUT);
    int failures = Math.max(0, flink.get(TOLERABLE_FAILURE_NUMBER));
    Part all =
        between
            .plus(between.orLonger(timeout.plus(pause)).times(failures))
            .plus(timeout)
            .plus(restartDelay(flink));
    Duration needed = all.time();
    if (transactionTimeout.compareTo(needed) <= 0) {
      problems.add(
          ("kafka.properties.transaction.timeout.ms: Kafka would abort a transaction after %s, and its commit"
                  + " may need %s (%s); set it to more than %d, or the others to less")
              .formatted(
                  TimeUtils.formatWithHighestUnit(transactionTimeout),
                  TimeUtils.formatWithHighestUnit(needed),
                  all.text(),
                  needed.toMillis()));
    }
  }

  private static void warnOfDiscardedCheckpoints(ReadableConfig flink) {
    if (flink.get(EXTERNALIZED_CHECKPOINT_RETENTION)
        == ExternalizedCheckpointRetention.NO_EXTERNALIZED_CHECKPOINTS) {
      LOG.warn(
          "{}: with {} a job that fails for good discards its checkpoints: there is no place to start"
              + " from again, and what was waiting or not yet committed is lost; set it to {}",
          EXTERNALIZED_CHECKPOINT_RETENTION.key(),
          ExternalizedCheckpointRetention.NO_EXTERNALIZED_CHECKPOINTS,
          ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
    }
  }

  /** What may delay a commit: by which settings, and by how much at most. */
  private record Part(String text, Duration time) {

    static final Part NONE = new Part("", Duration.ZERO);

    static Part of(ConfigOption<Duration> option, Duration time) {
      return new Part(option.key() + " " + TimeUtils.formatWithHighestUnit(time), time);
    }

    static Part of(ReadableConfig flink, ConfigOption<Duration> option) {
      return of(option, flink.get(option));
    }

    Part plus(Part other) {
      return other.time.isZero()
          ? this
          : new Part(text + " + " + other.text, time.plus(other.time));
    }

    Part orLonger(Part other) {
      return time.compareTo(other.time) < 0 ? other : this;
    }

    Part times(int failures) {
      return failures == 0
          ? NONE
          : new Part(
              "%s %d x (%s)".formatted(TOLERABLE_FAILURE_NUMBER.key(), failures, text),
              time.multipliedBy(failures));
    }
  }

  /** The longest wait before a restart; none where there is no restart, or no such strategy. */
  private static Part restartDelay(ReadableConfig flink) {
    Optional<String> type = flink.getOptional(RestartStrategyOptions.RESTART_STRATEGY);
    // Where nothing is said, Flink restarts with exponential delay, by that strategy's defaults.
    if (type.isEmpty()) {
      ConfigOption<Duration> longest =
          RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_MAX_BACKOFF;
      return Part.of(longest, longest.defaultValue());
    }
    return switch (type.get().toLowerCase(Locale.ROOT)) {
      case "fixed-delay", "fixeddelay" ->
          Part.of(flink, RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY);
      case "failure-rate", "failurerate" ->
          Part.of(flink, RestartStrategyOptions.RESTART_STRATEGY_FAILURE_RATE_DELAY);
      case "exponential-delay", "exponentialdelay" ->
          Part.of(flink, RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_MAX_BACKOFF);
      default -> Part.NONE;
    };
  }
}
