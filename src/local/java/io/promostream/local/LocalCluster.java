package io.promostream.local;

import static java.util.concurrent.TimeUnit.SECONDS;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.configuration.JobManagerOptions;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.MetricOptions;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.configuration.WebOptions;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.runtime.checkpoint.CheckpointStatsSnapshot;
import org.apache.flink.runtime.checkpoint.CompletedCheckpointStats;
import org.apache.flink.runtime.execution.ExecutionState;
import org.apache.flink.runtime.executiongraph.AccessExecutionGraph;
import org.apache.flink.runtime.executiongraph.AccessExecutionVertex;
import org.apache.flink.runtime.executiongraph.ErrorInfo;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;

/** A Flink cluster in this JVM with one job, with the project's Flink configuration. */
final class LocalCluster implements AutoCloseable {

  static final int SLOTS = 2;

  private final MiniCluster cluster;
  private final JobID job;
  private int taskManager;

  private LocalCluster(MiniCluster cluster, JobID job) {
    this.cluster = cluster;
    this.job = job;
  }

  /**
   * The project's Flink configuration, with addresses, paths and sizes for one machine. It takes a
   * checkpoint each second, so that the viewer soon sees committed deliveries.
   *
   * @param configuration the directory of {@code config.yaml}
   * @param work the directory for checkpoints and temporary files
   */
  static Configuration configuration(Path configuration, Path work) {
    Configuration flink = GlobalConfiguration.loadConfiguration(configuration.toString());
    flink.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofSeconds(1));
    flink.set(CheckpointingOptions.MIN_PAUSE_BETWEEN_CHECKPOINTS, Duration.ofMillis(500));
    flink.set(
        CheckpointingOptions.CHECKPOINTS_DIRECTORY, work.resolve("checkpoints").toUri().toString());
    flink.set(
        CheckpointingOptions.SAVEPOINT_DIRECTORY, work.resolve("savepoints").toUri().toString());
    flink.set(CoreOptions.TMP_DIRS, work.toString());
    flink.set(WebOptions.TMP_DIR, work.toString());
    flink.set(WebOptions.UPLOAD_DIR, work.toString());
    flink.set(CoreOptions.DEFAULT_PARALLELISM, SLOTS);
    flink.set(RestOptions.ADDRESS, "localhost");
    flink.set(RestOptions.BIND_ADDRESS, "localhost");
    // The usual port of the web UI, or the next free port.
    flink.set(RestOptions.BIND_PORT, "8081-8181");
    // Everything runs in this JVM, whose size Flink cannot set.
    flink.removeConfig(JobManagerOptions.TOTAL_PROCESS_MEMORY);
    flink.removeConfig(TaskManagerOptions.TOTAL_PROCESS_MEMORY);
    flink.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(256));
    flink.set(MetricOptions.REPORTERS_LIST, "local");
    flink.setString("metrics.reporter.local.factory.class", LocalMetrics.class.getName());
    return flink;
  }

  /** Starts a cluster, and the job on it. */
  static LocalCluster start(Configuration flink, JobGraph job) throws Exception {
    MiniCluster cluster =
        new MiniCluster(
            new MiniClusterConfiguration.Builder()
                .setConfiguration(flink)
                .setNumTaskManagers(1)
                .setNumSlotsPerTaskManager(SLOTS)
                .withRandomPorts()
                .build());
    try {
      cluster.start();
      cluster.submitJob(job).get(60, SECONDS);
      return new LocalCluster(cluster, job.getJobID());
    } catch (Throwable failure) {
      cluster.close();
      throw failure;
    }
  }

  URI webUi() throws Exception {
    return cluster.getRestAddress().get(60, SECONDS);
  }

  /**
   * Fails if the job has failed.
   *
   * @throws IllegalStateException with the job's failure
   */
  void check() throws Exception {
    AccessExecutionGraph graph = graph();
    if (graph.getState() == JobStatus.FAILED || graph.getState() == JobStatus.FAILING) {
      ErrorInfo failure = graph.getFailureInfo();
      throw new IllegalStateException(
          "The job failed",
          failure == null
              ? null
              : failure.getException().deserializeError(getClass().getClassLoader()));
    }
  }

  Optional<CompletedCheckpointStats> lastCheckpoint() throws Exception {
    CheckpointStatsSnapshot checkpoints = graph().getCheckpointStatsSnapshot();
    return Optional.ofNullable(checkpoints)
        .map(stats -> stats.getHistory().getLatestCompletedCheckpoint());
  }

  private AccessExecutionGraph graph() throws Exception {
    return cluster.getExecutionGraph(job).get(30, SECONDS);
  }

  /** Ends the only TaskManager while it works, and starts another. The job restarts on it. */
  synchronized void replaceTaskManager() throws Exception {
    // The cluster numbers its TaskManagers in the order of their starts.
    cluster.terminateTaskManager(taskManager).get(60, SECONDS);
    taskManager++;
    cluster.startTaskManager();
  }

  /** The state of the job, and how many of its tasks run. */
  Tasks tasks() throws Exception {
    AccessExecutionGraph graph = graph();
    int running = 0;
    int all = 0;
    for (AccessExecutionVertex task : graph.getAllExecutionVertices()) {
      all++;
      running += task.getExecutionState() == ExecutionState.RUNNING ? 1 : 0;
    }
    return new Tasks(graph.getState(), running, all);
  }

  /** The tasks of the job. */
  record Tasks(JobStatus state, int running, int all) {}

  /** Stops the job with a savepoint, which commits everything that the job wrote. */
  void stopJob() throws Exception {
    cluster.stopWithSavepoint(job, null, false, SavepointFormatType.CANONICAL).get(60, SECONDS);
    cluster.requestJobResult(job).get(60, SECONDS);
  }

  @Override
  public void close() {
    cluster.closeAsync().orTimeout(60, SECONDS).join();
  }
}
