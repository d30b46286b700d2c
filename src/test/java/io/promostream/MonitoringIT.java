package io.promostream;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.cluster.Monitoring;
import io.promostream.testing.PromoJson;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.configuration.JobManagerOptions;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The job under flink-conf/config.yaml, and what it tells Prometheus. */
class MonitoringIT {

  private static final Duration PATIENCE = Duration.ofMinutes(2);

  @Test
  void whatRulesAndPanelsAskForIsThere(@TempDir Path directory) throws Exception {
    int port = freePort();
    Configuration flink = GlobalConfiguration.loadConfiguration("flink-conf");
    // Addresses, paths and sizes, and checkpoints soon.
    flink.setString("metrics.reporter.prom.port", "" + port);
    flink.set(RestOptions.BIND_PORT, "0");
    flink.set(JobManagerOptions.PORT, 0);
    flink.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, directory.toUri().toString());
    flink.set(CheckpointingOptions.SAVEPOINT_DIRECTORY, directory.toUri().toString());
    flink.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofSeconds(1));
    flink.set(CheckpointingOptions.MIN_PAUSE_BETWEEN_CHECKPOINTS, Duration.ZERO);
    flink.removeConfig(TaskManagerOptions.TOTAL_PROCESS_MEMORY);

    MiniCluster cluster = new MiniCluster(on(flink));
    try (TestJob job = new TestJob(directory)) {
      cluster.start();
      StreamExecutionEnvironment env = new StreamExecutionEnvironment(flink);
      PromoStreamJob.prepare(env, job.config());
      cluster.submitJob(env.getStreamGraph().getJobGraph()).get();
      // Some metrics come with the first promo.
      job.send(PromoJson.good().bytes());

      Set<String> wanted = Monitoring.metrics();
      Set<String> told = Set.of();
      long deadline = System.nanoTime() + PATIENCE.toNanos();
      while (!told.containsAll(wanted) && System.nanoTime() < deadline) {
        Thread.sleep(500);
        told = metrics(port);
      }
      assertThat(told).containsAll(wanted);
    } finally {
      cluster.close();
    }
  }

  private static MiniClusterConfiguration on(Configuration flink) {
    return new MiniClusterConfiguration.Builder()
        .setConfiguration(flink)
        .setNumTaskManagers(1)
        .setNumSlotsPerTaskManager(2)
        .withRandomPorts()
        .build();
  }

  private static int freePort() throws Exception {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  /** The names of the metrics that Prometheus would read now. */
  private static Set<String> metrics(int port) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/metrics")).build();
    return HttpClient.newHttpClient()
        .send(request, BodyHandlers.ofString())
        .body()
        .lines()
        .filter(line -> !line.startsWith("#"))
        .map(line -> line.split("[ {]")[0])
        .collect(Collectors.toSet());
  }
}
