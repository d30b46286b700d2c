package io.promostream.check;

import static org.apache.flink.configuration.CheckpointingOptions.CHECKPOINTING_CONSISTENCY_MODE;
import static org.apache.flink.configuration.CheckpointingOptions.CHECKPOINTING_INTERVAL;
import static org.apache.flink.configuration.CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION;

import io.promostream.config.ConfigException;
import io.promostream.config.JobConfig;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.core.execution.CheckpointingMode;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Refuses Flink settings that contradict the job's configuration, and warns about settings that
 * weaken its guarantees.
 */
public final class StartChecks {

  private static final Logger LOG = LoggerFactory.getLogger(StartChecks.class);

  private StartChecks() {}

  /**
   * Checks the job's configuration against Flink's.
   *
   * @param flink the effective settings: {@code StreamExecutionEnvironment.getConfiguration()}
   * @throws ConfigException with all problems and their remedies
   */
  public static void check(ReadableConfig flink, JobConfig config) {
    List<String> problems = new ArrayList<>();
    if (flink.get(ExecutionOptions.RUNTIME_MODE) == RuntimeExecutionMode.BATCH) {
      problems.add(
          ExecutionOptions.RUNTIME_MODE.key()
              + ": BATCH would wait for the end of the promos topic, which has none; set STREAMING");
    }
    if (config.guarantee() == DeliveryGuarantee.EXACTLY_ONCE) {
      checkExactlyOnce(flink, problems);
      warnOfDiscardedCheckpoints(flink);
    } else if (checkpointInterval(flink).toMillis() <= 0) {
      if (config.reports().topic() != null) {
        problems.add(
            CHECKPOINTING_INTERVAL.key()
                + ": reports are written at checkpoints, but checkpoints are disabled; set it, for"
                + " example to 10 s, or leave out reports.topic");
      }
      LOG.warn(
          "{}: without checkpoints the job commits no offset and does not remember deliveries. Each"
              + " restart begins at promos.start-from: committed and earliest repeat deliveries of live"
              + " campaigns, latest skips promos sent during the outage. Set it, for example to 10 s",
          CHECKPOINTING_INTERVAL.key());
    }
    if (!problems.isEmpty()) {
      throw new ConfigException(problems);
    }
  }

  private static Duration checkpointInterval(ReadableConfig flink) {
    return flink.getOptional(CHECKPOINTING_INTERVAL).orElse(Duration.ZERO);
  }

  private static void checkExactlyOnce(ReadableConfig flink, List<String> problems) {
    if (checkpointInterval(flink).toMillis() <= 0) {
      problems.add(
          CHECKPOINTING_INTERVAL.key()
              + ": exactly-once delivers when a checkpoint completes, but checkpoints are disabled; set it,"
              + " for example to 10 s, or delivery.guarantee to at-least-once");
      return;
    }
    if (flink.get(CHECKPOINTING_CONSISTENCY_MODE) != CheckpointingMode.EXACTLY_ONCE) {
      problems.add(
          CHECKPOINTING_CONSISTENCY_MODE.key()
              + ": must be EXACTLY_ONCE for delivery.guarantee exactly-once");
    }
  }

  private static void warnOfDiscardedCheckpoints(ReadableConfig flink) {
    if (flink.get(EXTERNALIZED_CHECKPOINT_RETENTION)
        == ExternalizedCheckpointRetention.NO_EXTERNALIZED_CHECKPOINTS) {
      LOG.warn(
          "{}: with {} a job that fails terminally discards its checkpoints: pending and uncommitted"
              + " deliveries are lost, and the job cannot resume; set it to {}",
          EXTERNALIZED_CHECKPOINT_RETENTION.key(),
          ExternalizedCheckpointRetention.NO_EXTERNALIZED_CHECKPOINTS,
          ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
    }
  }
}
