package io.promostream.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.configuration.HeartbeatManagerOptions;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.runtime.clusterframework.TaskExecutorProcessUtils;
import org.apache.flink.runtime.jobmanager.JobManagerProcessUtils;
import org.junit.jupiter.api.Test;

/** flink-conf/config.yaml as Flink reads it. */
class FlinkConfTest {

  private static final Configuration FLINK =
      GlobalConfiguration.loadConfiguration(FlinkConf.DIRECTORY.toString());

  @Test
  void everyKeyIsAnOptionAndEveryValueParses() {
    FlinkOptions options = new FlinkOptions();
    assertThat(FLINK.toMap()).isNotEmpty();
    assertThat(FLINK.toMap().entrySet())
        .flatMap(entry -> options.problem(entry.getKey(), entry.getValue()).stream().toList())
        .isEmpty();
  }

  @Test
  void everyValueHasAComment() throws IOException {
    // The comment may be above the value or above its block of lines.
    for (String block : FlinkConf.text().split("\n\n")) {
      assertThat(block).startsWith("#");
    }
  }

  /** Each attempt on slots of a lost TaskManager doubles the wait before the next attempt. */
  @Test
  void lostTaskManagerCostsAtMostThreeAttempts() {
    Duration noticed =
        FLINK
            .get(HeartbeatManagerOptions.HEARTBEAT_INTERVAL)
            .multipliedBy(FLINK.get(HeartbeatManagerOptions.HEARTBEAT_RPC_FAILURE_THRESHOLD));
    Duration backOff =
        FLINK.get(RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_INITIAL_BACKOFF);
    assertThat(noticed).isLessThan(backOff.multipliedBy(1 + 2 + 4));
    assertThat(
            FLINK.get(
                RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_RESET_BACKOFF_THRESHOLD))
        .isLessThanOrEqualTo(
            FLINK.get(RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_MAX_BACKOFF));
  }

  @Test
  void maxParallelismIsDivisibleByUsualParallelisms() {
    assertThat(List.of(1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 15, 16, 18, 20, 24, 30))
        .allMatch(parallelism -> FLINK.get(PipelineOptions.MAX_PARALLELISM) % parallelism == 0);
  }

  @Test
  void processesGetEnoughMemory() {
    assertThat(
            JobManagerProcessUtils.processSpecFromConfig(FLINK)
                .getJvmHeapMemorySize()
                .getMebiBytes())
        .isGreaterThan(512);
    var taskManager = TaskExecutorProcessUtils.processSpecFromConfig(FLINK);
    assertThat(taskManager.getTaskHeapSize().getMebiBytes()).isGreaterThan(512);
    assertThat(taskManager.getManagedMemorySize().getMebiBytes()).isGreaterThan(1024);
  }
}
