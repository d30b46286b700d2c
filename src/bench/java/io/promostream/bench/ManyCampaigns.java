package io.promostream.bench;

import io.promostream.bench.Notifications.Written;
import io.promostream.bench.Probes.Delays;
import java.io.File;
import java.nio.file.Path;
import java.util.Map;
import org.apache.commons.io.FileUtils;

/**
 * {@code campaigns [COUNT]}: as many restaurants with a live campaign each, as many campaigns that
 * start at one second, and one restaurant with as many campaigns that start at a second of their
 * own each.
 */
final class ManyCampaigns implements Bench.Benchmark {

  private static final String RESTAURANT = "restaurant-";
  private static final String BUSY_RESTAURANT = "busy-restaurant";
  private static final String ONE_SECOND = "one-second-";
  private static final int QUIET_MILLIS = 20_000;

  private RunningJob job;
  private Promos promos;
  private int count;

  @Override
  public void run(String[] args, Figures figures) throws Exception {
    count = args.length > 0 ? Integer.parseInt(args[0]) : 100_000;
    File directory = Path.of("target", "bench", "campaigns").toFile();
    FileUtils.deleteDirectory(directory);
    try (Installation installation = new Installation(directory.toPath(), Probes.FLINK);
        Promos writer = new Promos(installation)) {
      promos = writer;
      installation.execute(
          Probes.SUBSCRIPTIONS,
          """
          INSERT INTO subscribers_restaurants (client_id, restaurant_id)
          SELECT md5('c' || r)::uuid::text, '%s' || r FROM generate_series(0, %d) r"""
              .formatted(RESTAURANT, count - 1));
      job = RunningJob.start(installation, 2, "--subscribers.refresh-interval", "10 s");
      job.awaitList(1);
      Probes probes = new Probes(installation);
      Disturbance disturbance = new Disturbance(installation, job, probes);
      long second;
      try (probes) {
        // Code gets compiled.
        Thread.sleep(QUIET_MILLIS);
        disturbance.during("without", () -> Thread.sleep(QUIET_MILLIS));
        double list = job.checkpoint("FULL").listBytes();
        disturbance.during("live campaigns", () -> deliver(() -> write("live-", Promos.LONG_AGO)));
        figures.add(
            "state of a live campaign with one recipient",
            (job.checkpoint("FULL").listBytes() - list) / count,
            "bytes");
        // Time enough for all to arrive.
        second = System.currentTimeMillis() / 1000 + 10 + count / 2_000;
        write(ONE_SECOND, second);
        sleepUntil(second * 1000);
        disturbance.during("all at one second", () -> deliver(() -> {}));
        long ownSeconds = System.currentTimeMillis() / 1000 + 10 + count / 2_000;
        for (int i = 0; i < count; i++) {
          promos.write(BUSY_RESTAURANT, "own-second-" + i, ownSeconds + i);
        }
        sleepUntil(ownSeconds * 1000);
        disturbance.during("one restaurant's, each second one", () -> Thread.sleep(QUIET_MILLIS));
      }
      job.checkpoint("CONFIGURED");
      Map<String, Written> notifications = Notifications.read(installation);
      disturbance.report(figures, notifications);
      Delays delays =
          Delays.of(
              notifications.entrySet().stream()
                  .filter(campaign -> campaign.getKey().startsWith(ONE_SECOND))
                  .mapToLong(campaign -> campaign.getValue().last() - second * 1000)
                  .toArray());
      figures.add("all at one second, first", delays.min(), "ms");
      figures.add("all at one second, p50", delays.p50(), "ms");
      figures.add("all at one second, last", delays.max(), "ms");
    }
    FileUtils.deleteDirectory(directory);
  }

  private void write(String campaign, long start) {
    for (int i = 0; i < count; i++) {
      promos.write(RESTAURANT + i, campaign + i, start);
    }
    promos.flush();
  }

  /** Waits until each restaurant has one delivery, besides those of the probes. */
  private void deliver(Disturbance.Action cause) throws Exception {
    double before = job.metric(RunningJob.DELIVER_PROMOS, "campaignsLive", "sum");
    cause.run();
    job.awaitMetricAbove(RunningJob.DELIVER_PROMOS, "campaignsLive", before + count - 1);
  }

  private static void sleepUntil(long epochMillis) throws InterruptedException {
    Thread.sleep(Math.max(0, epochMillis - System.currentTimeMillis()));
  }
}
