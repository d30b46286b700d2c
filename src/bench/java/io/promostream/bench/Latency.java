package io.promostream.bench;

import io.promostream.bench.Probes.Delays;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.flink.api.common.JobID;
import org.apache.flink.util.FileUtils;
import org.apache.flink.util.ParameterTool;

/**
 * How long it takes from the moment when a promo was to be written to Kafka until all of its
 * notifications, and all of its rows, can be read: by guarantee, checkpoint interval and load, at
 * an even pace that waits for nobody.
 *
 * <p>{@code --guarantees exactly-once,at-least-once}, {@code --intervals 1s,10s} (of checkpoints),
 * {@code --loads 1,50,80} (percent of capacity), {@code --capacity 50000} (deliveries a second;
 * else measured for each guarantee, with the first of the intervals), {@code --seconds 60} (at each
 * load, and before at the highest; longer where a hundred promos take longer), {@code --subscribers
 * 100} (of a promo), {@code --backlog 4000000} (deliveries that warm each job up), {@code
 * --parallelism 2}, {@code --directory /dev/shm} (for the files of the broker and of Flink, which a
 * successful run deletes).
 *
 * <p>By default, only the database waits for a disk. On one disk, the kernel writes back some 30 s
 * of everybody's data at once, and meanwhile each commit of the database and each checkpoint of
 * RocksDB waits for it, for up to 2 s.
 */
final class Latency implements Bench.Benchmark {

  /** Without them, the server would itself fill the disk in bursts. */
  private static final Map<String, String> EVEN_WRITES =
      Map.of("shared_buffers", "1GB", "backend_flush_after", "1MB");

  /** Fewer have no 99th percentile. */
  private static final long FEWEST_PROMOS = 100;

  private ParameterTool options;
  private Figures figures;
  private Installation installation;
  private Town town;
  private Outcome outcome;
  private Promos promos;
  private int runs;

  @Override
  public void run(String[] args, Figures results) throws Exception {
    options = ParameterTool.fromArgs(args);
    figures = results;
    town = Town.of(options.getInt("subscribers", 100), Town.USUAL_CONTENT);
    for (String guarantee : options.get("guarantees", "exactly-once,at-least-once").split(",")) {
      double capacity = options.getDouble("capacity", 0);
      for (String interval : options.get("intervals", "1s,10s").split(",")) {
        capacity = run(guarantee, interval, capacity);
      }
    }
  }

  /**
   * One job in an installation of its own, so that it finds nothing that another has left.
   *
   * @param capacity deliveries a second; 0 to measure it
   * @return the capacity
   */
  private double run(String guarantee, String interval, double capacity) throws Exception {
    Path parent = Path.of(options.get("directory", "/dev/shm")).toAbsolutePath();
    Path directory = Files.createTempDirectory(Files.createDirectories(parent), "latency-");
    try (Installation started =
            new Installation(
                directory,
                Map.of(
                    "execution.checkpointing.interval",
                    interval,
                    "execution.checkpointing.min-pause",
                    "0 ms",
                    "io.tmp.dirs",
                    directory.toString()),
                EVEN_WRITES);
        Backlog backlog = new Backlog(started);
        Outcome ofStarted = new Outcome(started);
        Promos writer = new Promos(started)) {
      installation = started;
      outcome = ofStarted;
      promos = writer;
      town.settle(installation);
      JobID job =
          installation.submit(
              options.getInt("parallelism", 2), List.of("--delivery.guarantee", guarantee));
      double measured =
          new Capacity(backlog, outcome).measure(town, options.getLong("backlog", 4_000_000));
      if (capacity == 0) {
        capacity = measured;
        figures.add(guarantee + ", capacity", capacity, "deliveries/s");
      }
      String[] loads = options.get("loads", "1,50,80").split(",");
      // The first minute is slower, probably because the JVM compiles code that a backlog does not
      // use. At 50 %, p99 of the rows was 5.7 s, and 1.9 s in the next minute.
      int highest = Stream.of(loads).mapToInt(Integer::parseInt).max().orElseThrow();
      deliver(guarantee, highest, capacity);
      for (String load : loads) {
        measure(guarantee, interval, Integer.parseInt(load), capacity);
      }
      installation.cancel(job);
    }
    // A failed run leaves its logs there.
    FileUtils.deleteDirectory(directory.toFile());
    return capacity;
  }

  private void measure(String guarantee, String interval, int load, double capacity)
      throws Exception {
    boolean exactlyOnce = exactlyOnce(guarantee);
    Delivered delivered = deliver(guarantee, load, capacity);
    String which = "%s, checkpoints each %s, %d %%: ".formatted(guarantee, interval, load);
    boolean judged = exactlyOnce ? interval.equals("1s") && load == 50 : load == 1;
    report(
        which + "notifications",
        delivered.notifications,
        judged ? (exactlyOnce ? 1300 : 100) : Double.NaN);
    report(which + "rows", delivered.rows, judged ? (exactlyOnce ? 1300 : 1000) : Double.NaN);
  }

  private static boolean exactlyOnce(String guarantee) {
    return guarantee.equals("exactly-once");
  }

  private record Delivered(Delays notifications, Delays rows) {}

  private Delivered deliver(String guarantee, int load, double capacity) throws Exception {
    double promosASecond = capacity * load / 100 / town.subscribers();
    long count = Math.max(FEWEST_PROMOS, (long) (promosASecond * options.getInt("seconds", 60)));
    String campaign = "latency-" + ++runs + "-";
    outcome.begin();
    // Otherwise commits wait for the disk to take gigabytes that the measurement of the capacity
    // left in the buffers of the database and in the page cache.
    installation.execute("CHECKPOINT");
    new ProcessBuilder("sync").start().waitFor();
    // Looks take processor time from the job, so they are as rare as the delays allow.
    Visibility visibility = new Visibility(installation, exactlyOnce(guarantee) ? 20 : 3);
    Pace pace;
    try (visibility) {
      pace = Pace.fromNow(promosASecond);
      pace.keep(count, number -> promos.write(town.promo(number, campaign + number)));
      outcome.await(count * town.subscribers());
    }
    outcome.verify(count * town.subscribers());
    return new Delivered(delays(visibility.notifications(), pace), delays(visibility.rows(), pace));
  }

  private static Delays delays(Map<String, Long> seen, Pace pace) {
    return Delays.of(
        seen.entrySet().stream()
            .mapToLong(
                campaign -> {
                  String id = campaign.getKey();
                  long number = Long.parseLong(id.substring(id.lastIndexOf('-') + 1));
                  return TimeUnit.NANOSECONDS.toMillis(campaign.getValue() - pace.planned(number));
                })
            .toArray());
  }

  /**
   * Reports them.
   *
   * @param bar what the 99th percentile shall not exceed, or NaN
   */
  private void report(String which, Delays delays, double bar) {
    figures.add(which + ", p50", delays.p50(), "ms");
    if (Double.isNaN(bar)) {
      figures.add(which + ", p99", delays.p99(), "ms");
    } else {
      figures.add(which + ", p99", delays.p99(), "ms", "at most", bar);
    }
    figures.add(which + ", longest", delays.max(), "ms");
  }
}
