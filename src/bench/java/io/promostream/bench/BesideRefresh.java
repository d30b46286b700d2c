package io.promostream.bench;

import java.nio.file.Path;
import org.apache.flink.util.ParameterTool;

/**
 * The deliveries per second while the job refreshes a large list continuously, compared with the
 * same job while it cannot read the list, in turns. Before each refresh, a thousandth of the
 * restaurants changes.
 *
 * <p>{@code --subscriptions 5000000}, {@code --subscribers 1000} (of a promo), {@code --deliveries
 * 2000000} (in each run), {@code --pairs 5}, {@code --parallelism 2}.
 */
final class BesideRefresh implements Bench.Benchmark {

  private static final long ONE_IN = 1_000;

  private static final String TAKE_AWAY =
      "ALTER TABLE subscribers_restaurants RENAME TO subscribers_away";

  private static final String PUT_BACK =
      "ALTER TABLE subscribers_away RENAME TO subscribers_restaurants";

  @Override
  public void run(String[] args, Figures figures) throws Exception {
    ParameterTool options = ParameterTool.fromArgs(args);
    Subscriptions list = new Subscriptions(options.getLong("subscriptions", 5_000_000), false);
    Town town = Town.of(options.getInt("subscribers", 1_000), Town.USUAL_CONTENT);
    long deliveries = options.getLong("deliveries", 2_000_000);
    int pairs = options.getInt("pairs", 5);
    try (Installation installation =
            new Installation(
                Path.of("target/bench/refresh-" + System.nanoTime()),
                Installation.CHECKPOINT_EACH_SECOND);
        Backlog backlog = new Backlog(installation);
        Outcome outcome = new Outcome(installation)) {
      list.fill(installation);
      town.settle(installation);
      RunningJob job =
          RunningJob.start(
              installation,
              options.getInt("parallelism", 2),
              "--subscribers.refresh-interval",
              "1 s");
      job.awaitList(1);
      Capacity capacity = new Capacity(backlog, outcome);
      capacity.measure(town, deliveries);
      double[] without = new double[pairs];
      double[] with = new double[pairs];
      double refreshes = 0;
      for (int i = 0; i < pairs; i++) {
        installation.execute(TAKE_AWAY);
        without[i] = capacity.once(town, deliveries);
        installation.execute(PUT_BACK);
        list.change(installation, ONE_IN);
        double before = job.metric(RunningJob.SUBSCRIBERS, "refreshes", "sum");
        with[i] = capacity.once(town, deliveries);
        refreshes += job.metric(RunningJob.SUBSCRIBERS, "refreshes", "sum") - before;
      }
      figures.add("subscriptions", list.count(), "rows");
      figures.add("refreshes in a run", refreshes / pairs, "refreshes");
      figures.add(
          "with refreshes, median",
          Figures.median(with),
          "deliveries/s",
          "without",
          Figures.median(without));
      installation.cancel(job.id());
    }
  }
}
