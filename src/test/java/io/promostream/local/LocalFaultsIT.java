package io.promostream.local;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.PromoStreamJob;
import io.promostream.config.JobConfig;
import io.promostream.testing.Waiting;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The local run survives the faults that its page offers. */
class LocalFaultsIT {

  @TempDir private Path work;

  @Test
  void deliversOnceWhilePostgresAndTaskManagerRestart() throws Exception {
    try (LocalServices services = LocalServices.start();
        Feed feed = new Feed(services)) {
      feed.startDemo(new DemoTraffic(1), 20);
      Configuration flink = LocalCluster.configuration(Path.of("flink-conf"), work);
      try (LocalCluster cluster = LocalCluster.start(flink, job(flink, services));
          Progress progress = new Progress(services, cluster)) {
        awaitMoreRows(progress);
        services.restartDatabase(Duration.ofSeconds(2));
        awaitMoreRows(progress);
        cluster.replaceTaskManager();
        awaitMoreRows(progress);
        cluster.replaceTaskManager();
        awaitMoreRows(progress);

        assertThat(cluster.tasks().state().isTerminalState()).isFalse();
        feed.stop();
        cluster.stopJob();
      }
      try (Notifications notifications =
          new Notifications(services.bootstrapServers(), LocalServices.NOTIFICATIONS)) {
        Comparison comparison =
            Comparison.of(
                notifications,
                services.asOwner(LocalServices.FEEDBACK),
                LocalServices.FEEDBACK_TABLE);
        assertThat(comparison.clean()).as(comparison.report()).isTrue();
        assertThat(comparison.rows()).isPositive();
      }
    }
  }

  private static void awaitMoreRows(Progress progress) throws Exception {
    long before = progress.status().rows();
    Waiting.until("more rows", () -> progress.status().rows() > before + 1_000);
  }

  private static JobGraph job(Configuration flink, LocalServices services) {
    JobConfig config = JobConfig.load(services.jobArguments(), Map.of());
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment(flink);
    PromoStreamJob.prepare(env, config);
    return env.getStreamGraph().getJobGraph();
  }
}
