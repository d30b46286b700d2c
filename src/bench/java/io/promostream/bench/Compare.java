package io.promostream.bench;

import io.promostream.config.JobConfig;
import io.promostream.processes.FlinkCluster;
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
 * in both sinks, and what processor time each process takes for it: beside {@link Limit}, and as
 * {@code compare} beside {@link SqlJob}, too. They take turns on the same broker and database.
 *
 * <p>{@code --subscribers 1,10,100,1000,100000} (of a promo's restaurant), {@code --rounds 3} (or
 * {@code --pairs}), {@code --warm-up 5} (rounds before the first ones that count), {@code
 * --deliveries 2000000} and {@code --promos 200000} (at most, in each turn), {@code --content 130}
 * (characters of a promo's), {@code --parallelism 2}, {@code --flink.KEY VALUE} and {@code
 * --job.KEY VALUE} for other settings.
 */
final class Compare implements Bench.Benchmark {

  /**
   * Rounds before the first ones that count. With ten subscribers a promo, the compiler of the JVM
   * took 28 % of the job's TaskManager in the first two rounds, then 20, 11, 8 and 5 %. With Flink
   * SQL it took 30, 9 and 5 %.
   */
  private static final int FIRST_WARM_UP = 5;

  /** The same for the other sizes: most of the code is compiled then. */
  private static final int WARM_UP = 2;

  private final boolean withSql;

  Compare(boolean withSql) {
    this.withSql = withSql;
  }

  @Override
  public void run(String[] args, Figures figures) throws Exception {
    ParameterTool options = ParameterTool.fromArgs(args);
    int parallelism = options.getInt("parallelism", 2);
    List<Town> towns =
        Arrays.stream(options.get("subscribers", "1,10,100,1000,100000").split(","))
            .map(
                subscribers ->
                    Town.of(
                        Integer.parseInt(subscribers),
                        options.getInt("content", Town.USUAL_CONTENT)))
            .toList();
    Map<String, String> flink = new HashMap<>(Installation.CHECKPOINT_EACH_SECOND);
    // A cluster is frozen during the other turns, which must not look like a lost TaskManager.
    flink.put("heartbeat.timeout", "1 h");
    flink.putAll(prefixed(options, "flink."));

    try (Installation installation =
            new Installation(Path.of("target/bench/compare-" + System.nanoTime()), flink);
        Backlog backlog = new Backlog(installation);
        Backlog sqlBacklog = new Backlog(installation, SqlJob.PROMOS);
        Outcome outcome = new Outcome(installation)) {
      for (Town town : towns) {
        town.settle(installation);
      }
      JobID job = installation.submit(parallelism, jobSettings(options));
      List<Contender> jobs = new ArrayList<>();
      jobs.add(new FlinkJob("job", installation.cluster(), job, backlog, outcome));
      if (withSql) {
        FlinkCluster cluster = installation.startCluster("sql");
        JobID sql = SqlJob.submit(installation, cluster, parallelism, producerSettings(options));
        jobs.add(new FlinkJob("SQL", cluster, sql, sqlBacklog, outcome));
      }
      for (Contender one : jobs) {
        one.rest();
      }
      int warmUp = options.getInt("warm-up", FIRST_WARM_UP);
      for (Town town : towns) {
        List<Contender> contenders = new ArrayList<>(jobs);
        contenders.add(new Limit(installation, town, producerSettings(options)));
        new Turns(installation, outcome, town, promos(options, town), contenders)
            .compare(warmUp, options.getInt("rounds", options.getInt("pairs", 3)), figures);
        warmUp = Math.min(warmUp, WARM_UP);
      }
    }
  }

  private static List<String> jobSettings(ParameterTool options) {
    List<String> settings = new ArrayList<>();
    prefixed(options, "job.").forEach((key, value) -> settings.addAll(List.of("--" + key, value)));
    return settings;
  }

  private static long promos(ParameterTool options, Town town) {
    long deliveries = options.getLong("deliveries", 2_000_000);
    return Math.max(
        1, Math.min(options.getLong("promos", 200_000), deliveries / town.subscribers()));
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

  /** The codec and other settings of the job's producers, so that all write the same bytes. */
  private static Map<String, Object> producerSettings(ParameterTool options) {
    Map<String, String> properties = prefixed(options, "job.kafka.properties.");
    Map<String, Object> settings = new HashMap<>(properties);
    settings.put("compression.type", new JobConfig.Kafka("unused", properties).compression());
    return settings;
  }
}
