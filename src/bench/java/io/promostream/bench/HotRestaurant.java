package io.promostream.bench;

import io.promostream.bench.Notifications.Written;
import java.io.File;
import java.nio.file.Path;
import java.util.Map;
import org.apache.commons.io.FileUtils;

/**
 * {@code hot [SUBSCRIBERS]}: what a promo to a restaurant with a million subscribers does to
 * checkpoints and to other restaurants' promos, and what a million new subscribers in one refresh
 * do, while a campaign is live.
 */
final class HotRestaurant implements Bench.Benchmark {

  private static final String HOT = "hot-restaurant";
  private static final String SUDDEN = "sudden-restaurant";
  private static final int QUIET_MILLIS = 20_000;

  private Installation installation;
  private RunningJob job;
  private long subscribers;

  @Override
  public void run(String[] args, Figures figures) throws Exception {
    subscribers = args.length > 0 ? Long.parseLong(args[0]) : 1_000_000;
    File directory = Path.of("target", "bench", "hot").toFile();
    FileUtils.deleteDirectory(directory);
    try (Installation started = new Installation(directory.toPath(), Probes.FLINK);
        Promos promos = new Promos(started)) {
      installation = started;
      started.execute(Probes.SUBSCRIPTIONS);
      subscribe(HOT);
      job = RunningJob.start(started, 2, "--subscribers.refresh-interval", "15 s");
      job.awaitList(1);
      Probes probes = new Probes(started);
      Disturbance disturbance = new Disturbance(started, job, probes);
      try (probes) {
        // Code gets compiled, in a TaskManager that is to be measured at work, not at its start.
        deliver(() -> promos.write(HOT, "first", Promos.LONG_AGO));
        Thread.sleep(QUIET_MILLIS);
        disturbance.during("without", () -> Thread.sleep(QUIET_MILLIS));
        disturbance.during(
            "hot promo", () -> deliver(() -> promos.write(HOT, "hot", Promos.LONG_AGO)));
        Thread.sleep(QUIET_MILLIS / 4);
        promos.write(SUDDEN, "sudden", Promos.LONG_AGO);
        Thread.sleep(QUIET_MILLIS / 4);
        disturbance.during("new subscribers", () -> deliver(() -> subscribe(SUDDEN)));
        Thread.sleep(QUIET_MILLIS / 4);
      }
      job.checkpoint("CONFIGURED");
      Map<String, Written> notifications = Notifications.read(started);
      disturbance.report(figures, notifications);
      reportSpeed(figures, "hot promo", notifications.get("hot"));
      reportSpeed(figures, "new subscribers", notifications.get("sudden"));
      figures.add(
          "batches in the idlest sink subtask",
          job.metric("to-notifications", "numRecordsIn", "min"),
          "batches",
          "in the busiest",
          job.metric("to-notifications", "numRecordsIn", "max"));
    }
    FileUtils.deleteDirectory(directory);
  }

  private void subscribe(String restaurant) throws Exception {
    installation.execute(
        """
        INSERT INTO subscribers_restaurants (client_id, restaurant_id)
        SELECT md5('c' || i)::uuid::text, '%s' FROM generate_series(1, %d) i"""
            .formatted(restaurant, subscribers));
  }

  /** Waits until the sinks have received all deliveries. */
  private void deliver(Disturbance.Action cause) throws Exception {
    double before = job.metric(RunningJob.DELIVER_PROMOS, "deliveries", "sum");
    cause.run();
    job.awaitMetricAbove(RunningJob.DELIVER_PROMOS, "deliveries", before + subscribers - 1);
  }

  private void reportSpeed(Figures figures, String what, Written written) {
    if (written.count() != subscribers) {
      throw new IllegalStateException(what + ": " + written);
    }
    figures.add(what + ", first to last notification", written.last() - written.first(), "ms");
  }
}
