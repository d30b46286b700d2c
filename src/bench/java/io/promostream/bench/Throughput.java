package io.promostream.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
    Map<String, String> flink = new HashMap<>(Installation.CHECKPOINT_EACH_SECOND);
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
          long promos = options.getLong("deliveries", 2_000_000) / town.subscribers();
          new Pair(installation, town, promos, producerSettings(options), backlog, outcome)
              .compare(
                  "%d a promo, parallelism %s".formatted(town.subscribers(), parallelism),
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
}
