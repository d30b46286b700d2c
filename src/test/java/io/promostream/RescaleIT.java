package io.promostream;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.testing.PromoJson;
import java.nio.file.Path;
import java.time.Duration;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.JobManagerOptions;
import org.apache.flink.configuration.JobManagerOptions.SchedulerType;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Rescales one vertex at a time, as the web UI, the REST API and the autoscaler can. No part of the
 * subscriber list may be lost, and no delivery repeated.
 */
class RescaleIT {

  private static final int RESTAURANTS = 100;

  @TempDir Path checkpoints;

  private static MiniCluster cluster() throws Exception {
    Configuration flink = new Configuration();
    flink.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(256));
    flink.set(JobManagerOptions.SCHEDULER, SchedulerType.Adaptive);
    flink.set(
        JobManagerOptions.SCHEDULER_EXECUTING_COOLDOWN_AFTER_RESCALING, Duration.ofMillis(100));
    MiniCluster cluster =
        new MiniCluster(
            new MiniClusterConfiguration.Builder()
                .setConfiguration(flink)
                .setNumTaskManagers(2)
                .setNumSlotsPerTaskManager(2)
                .withRandomPorts()
                .build());
    cluster.start();
    return cluster;
  }

  @ParameterizedTest
  @ValueSource(strings = {"broadcast", "keyed"})
  void rescalesEachVertexAlone(String distribution) throws Exception {
    try (MiniCluster cluster = cluster();
        TestJob job = new TestJob(checkpoints, "--subscribers.distribution=" + distribution)) {
      job.runOn(cluster);
      subscribeToAll(job, "first");
      job.start(2);
      for (int restaurant = 1; restaurant <= RESTAURANTS; restaurant++) {
        job.sendLater(PromoJson.good().with("restaurant_id", "\"r" + restaurant + "\"").bytes());
      }
      int clients = 1;
      assertEachGotEach(job, clients);
      for (String vertex :
          new String[] {"deliver-promos", "Source: promos", "to-notifications", "feedback"}) {
        for (int parallelism : new int[] {3, 1}) {
          job.rescale(vertex, parallelism);
          subscribeToAll(job, vertex + parallelism);
          assertEachGotEach(job, ++clients);
        }
      }
    }
  }

  private static void subscribeToAll(TestJob job, String client) {
    job.subscribers.execute(
        "INSERT INTO subscribers_restaurants (client_id, restaurant_id)"
            + " SELECT '%s', 'r' || n FROM generate_series(1, %d) AS n"
                .formatted(client, RESTAURANTS));
  }

  private static void assertEachGotEach(TestJob job, int clients) throws Exception {
    job.awaitDeliveries(RESTAURANTS * clients);
    job.awaitCheckpoints();
    assertThat(job.rows()).hasSize(RESTAURANTS * clients).doesNotHaveDuplicates();
    assertThat(job.notifications()).containsExactlyInAnyOrderElementsOf(job.rows());
  }
}
