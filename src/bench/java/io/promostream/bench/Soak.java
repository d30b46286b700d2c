package io.promostream.bench;

import io.promostream.promo.Promo;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.flink.util.ParameterTool;

/**
 * Whether the job grows: half of what it can do, for some time, by campaigns that end and are
 * forgotten after seconds, and what it holds on the heap each minute, after a full collection. What
 * it delivered is counted in the end; it takes a gigabyte of disk for each million deliveries.
 *
 * <p>{@code --minutes 10}, {@code --percent 50} (of capacity), {@code --capacity 50000} (deliveries
 * a second; else measured), {@code --subscribers 100} (of a promo), {@code --backlog 1000000}
 * (deliveries that warm the job up), {@code --minute 60} (seconds), {@code --parallelism 2}.
 */
final class Soak implements Bench.Benchmark {

  private static final int CAMPAIGN_SECONDS = 10;

  /** What is under way comes and goes: the least of some looks is what is held. */
  private static final int LOOKS = 3;

  private static final double MEGA = 1e6;

  private record Minute(double heap, double resident) {}

  @Override
  public void run(String[] args, Figures figures) throws Exception {
    ParameterTool options = ParameterTool.fromArgs(args);
    Town town = Town.of(options.getInt("subscribers", 100), Town.USUAL_CONTENT);
    try (Installation installation =
            new Installation(
                Path.of("target/bench/soak-" + System.nanoTime()),
                Installation.CHECKPOINT_EACH_SECOND);
        Backlog backlog = new Backlog(installation);
        Outcome outcome = new Outcome(installation);
        Promos promos = new Promos(installation)) {
      town.settle(installation);
      RunningJob job =
          RunningJob.start(
              installation,
              options.getInt("parallelism", 2),
              "--promos.remember-ended",
              CAMPAIGN_SECONDS + " s");
      double capacity =
          new Capacity(backlog, outcome).measure(town, options.getLong("backlog", 1_000_000));
      if (options.has("capacity")) {
        capacity = options.getDouble("capacity");
      }
      figures.add("capacity", capacity, "deliveries/s");

      int minutes = options.getInt("minutes", 10);
      int minuteSeconds = options.getInt("minute", 60);
      double promosASecond = capacity * options.getInt("percent", 50) / 100 / town.subscribers();
      long count = (long) (promosASecond * minutes * minuteSeconds);
      outcome.begin();
      ExecutorService thread = Executors.newSingleThreadExecutor();
      Pace pace = Pace.fromNow(promosASecond);
      Future<?> traffic = thread.submit(traffic(pace, count, town, promos));
      thread.shutdown();
      List<Minute> all = new ArrayList<>();
      for (int minute = 1; minute <= minutes; minute++) {
        long next = pace.planned((long) (promosASecond * minute * minuteSeconds));
        TimeUnit.NANOSECONDS.sleep(next - System.nanoTime());
        all.add(look(installation.taskManagerPid()));
        figures.add("minute %d, heap".formatted(minute), all.get(minute - 1).heap, "MB");
        figures.add("minute %d, resident".formatted(minute), all.get(minute - 1).resident, "MB");
        figures.add(
            "minute %d, campaigns remembered".formatted(minute),
            job.metric(RunningJob.DELIVER_PROMOS, "campaignsRemembered", "sum"),
            "campaigns");
      }
      traffic.get();
      outcome.await(count * town.subscribers());
      outcome.verify(count * town.subscribers());
      figures.add(
          "delivered, none missing and none twice", count * town.subscribers(), "deliveries");
      Minute second = all.get(Math.min(1, all.size() - 1));
      Minute last = all.get(all.size() - 1);
      figures.add("heap, last minute", last.heap, "MB", "second minute", second.heap);
      figures.add("resident, last minute", last.resident, "MB", "second minute", second.resident);
      installation.cancel(job.id());
    }
  }

  private static Callable<Void> traffic(Pace pace, long count, Town town, Promos promos) {
    return () -> {
      pace.keep(count, number -> promos.write(shortLived(town.promo(number, "soak-" + number))));
      return null;
    };
  }

  private static Promo shortLived(Promo promo) {
    return new Promo(
        promo.restaurantId(),
        promo.campaignId(),
        promo.content(),
        promo.owner(),
        promo.ownerContact(),
        promo.start(),
        System.currentTimeMillis() / 1000 + CAMPAIGN_SECONDS,
        promo.created());
  }

  private static Minute look(long pid) throws Exception {
    double heap = Double.POSITIVE_INFINITY;
    for (int i = 0; i < LOOKS; i++) {
      heap = Math.min(heap, ProcessMemory.liveHeap(pid));
      Thread.sleep(300);
    }
    return new Minute(heap / MEGA, ProcessMemory.resident(pid) / MEGA);
  }
}
