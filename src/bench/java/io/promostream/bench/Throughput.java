package io.promostream.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.apache.flink.api.common.JobID;
import org.apache.flink.util.ParameterTool;

/**
 * How many deliveries a second the job makes of a backlog of promos, until the last one can be read
 * in both sinks, beside {@link Limit}, in turns on the same broker and database; and what processor
 * time each part takes for it.
 *
 * <p>{@code --subscribers 1000,10,100000} (of a promo's restaurant), {@code --parallelism 2},
 * {@code --pairs 5}, {@code --deliveries 2000000} (in each run), {@code --content 130} (characters
 * of a promo's), {@code --flink.KEY VALUE} and {@code --job.KEY VALUE} for other settings.
 */
final class Throughput implements Bench.Benchmark {

  private record Run(double perSecond, CpuTime cpu) {}

  private interface Work {
    /** Works until all deliveries are visible; when that was, {@link System#nanoTime}. */
    long run() throws Exception;
  }

  @Override
  public void run(String[] args, Figures figures) throws Exception {
    ParameterTool options = ParameterTool.fromArgs(args);
    List<Town> towns =
        Arrays.stream(options.get("subscribers", "1000,10,100000").split(","))
            .map(
                subscribers ->
                    Town.of(
                        Integer.parseInt(subscribers),
                        options.getInt("content", Town.USUAL_CONTENT)))
            .toList();
    Map<String, String> flink = new HashMap<>();
    flink.put("execution.checkpointing.interval", "1 s");
    flink.put("execution.checkpointing.min-pause", "0 ms");
    flink.putAll(prefixed(options, "flink."));
    List<String> job = new ArrayList<>();
    prefixed(options, "job.").forEach((key, value) -> job.addAll(List.of("--" + key, value)));

    try (Installation installation =
            new Installation(Path.of("target/bench/throughput-" + System.nanoTime()), flink);
        Backlog backlog = new Backlog(installation);
        Outcome outcome = new Outcome(installation)) {
      for (Town town : towns) {
        town.settle(installation);
      }
      for (String parallelism : options.get("parallelism", "2").split(",")) {
        JobID running = installation.submit(Integer.parseInt(parallelism), job);
        for (Town town : towns) {
          compare(
              "%d a promo, parallelism %s".formatted(town.subscribers(), parallelism),
              new Pair(installation, town, producerSettings(options), backlog, outcome, options),
              options.getInt("pairs", 5),
              figures);
        }
        installation.cancel(running);
      }
    }
  }

  private static Map<String, String> prefixed(ParameterTool options, String prefix) {
    Map<String, String> settings = new HashMap<>();
    options
        .toMap()
        .forEach(
            (key, value) -> {
              if (key.startsWith(prefix)) {
                settings.put(key.substring(prefix.length()), value);
              }
            });
    return settings;
  }

  private static Map<String, Object> producerSettings(ParameterTool options) {
    return new HashMap<>(prefixed(options, "job.kafka.properties."));
  }

  private static void compare(String which, Pair pair, int pairs, Figures figures)
      throws Exception {
    // The first pair warms both up.
    pair.limit();
    pair.job();
    List<Run> limits = new ArrayList<>();
    List<Run> jobs = new ArrayList<>();
    for (int i = 0; i < pairs; i++) {
      limits.add(pair.limit());
      jobs.add(pair.job());
      System.out.printf(
          "%s: limit %,.0f/s, job %,.0f/s%n",
          which, limits.get(i).perSecond, jobs.get(i).perSecond);
    }
    figures.add(
        which,
        median(jobs, Run::perSecond),
        "deliveries/s",
        "limit",
        median(limits, Run::perSecond));
    for (String part : jobs.get(0).cpu.seconds().keySet()) {
      ToDoubleFunction<Run> micros = run -> run.cpu.seconds().get(part) / pair.deliveries * 1e6;
      figures.add(
          which + ": CPU of " + part,
          median(jobs, micros),
          "µs a delivery",
          "limit",
          median(limits, micros));
    }
  }

  private static double median(List<Run> runs, ToDoubleFunction<Run> figure) {
    double[] sorted = runs.stream().mapToDouble(figure).sorted().toArray();
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  /** The two programs, in the same place with the same work. */
  private static final class Pair {

    private final Installation installation;
    private final Town town;
    private final Backlog backlog;
    private final Outcome outcome;
    private final Limit limit;
    private final long deliveries;

    Pair(
        Installation installation,
        Town town,
        Map<String, Object> producerSettings,
        Backlog backlog,
        Outcome outcome,
        ParameterTool options) {
      this.installation = installation;
      this.town = town;
      this.backlog = backlog;
      this.outcome = outcome;
      limit = new Limit(installation, town, producerSettings);
      deliveries = options.getLong("deliveries", 2_000_000);
    }

    Run limit() throws Exception {
      outcome.begin();
      // An idle job still takes checkpoints, each second.
      installation.cluster().freeze();
      Run run =
          measure(
              () -> {
                limit.write(deliveries);
                return System.nanoTime();
              });
      installation.cluster().thaw();
      outcome.await(deliveries);
      outcome.verify(deliveries);
      return run;
    }

    Run job() throws Exception {
      outcome.begin();
      backlog.write(town, deliveries / town.subscribers());
      Run run =
          measure(
              () -> {
                backlog.release();
                return outcome.await(deliveries);
              });
      outcome.verify(deliveries);
      return run;
    }

    private Run measure(Work work) throws Exception {
      CpuTime before = CpuTime.now(installation);
      long begun = System.nanoTime();
      long ended = work.run();
      return new Run(deliveries / ((ended - begun) / 1e9), CpuTime.now(installation).minus(before));
    }
  }
}
