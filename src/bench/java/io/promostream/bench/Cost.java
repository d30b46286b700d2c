package io.promostream.bench;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.flink.api.common.JobID;
import org.apache.flink.util.ParameterTool;

/**
 * What a delivery costs, by how many subscribers a promo has and how large a notification is:
 * throughput, processor time, heap and pauses for garbage, beside {@link Limit} with the same.
 *
 * <p>{@code --shapes 1:0.5,10:0.5,100:0.5,1000:0.5,100000:0.5,1000:5,1000:50} (subscribers of a
 * promo : kilobytes of a notification), {@code --pairs 3}, {@code --deliveries 2000000} and {@code
 * --promos 30000} (at most, in each run), {@code --parallelism 2}.
 */
final class Cost implements Bench.Benchmark {

  private static final String SHAPES = "1:0.5,10:0.5,100:0.5,1000:0.5,100000:0.5,1000:5,1000:50";

  /** Of a notification beside its content. */
  private static final int OTHER_CHARS = 500 - Town.USUAL_CONTENT;

  /** Of all notifications of a run. */
  private static final long MOST_BYTES = 1_000_000_000;

  private record Shape(Town town, double kilobytes) {

    static Shape parse(String text) {
      String[] parts = text.split(":");
      double kilobytes = Double.parseDouble(parts[1]);
      int content = Math.max(1, (int) (kilobytes * 1000) - OTHER_CHARS);
      return new Shape(Town.of(Integer.parseInt(parts[0]), content), kilobytes);
    }

    long promos(ParameterTool options) {
      long deliveries =
          Math.min(
              options.getLong("deliveries", 2_000_000), (long) (MOST_BYTES / kilobytes / 1000));
      return Math.max(
          1, Math.min(options.getLong("promos", 30_000), deliveries / town.subscribers()));
    }

    @Override
    public String toString() {
      return "%d a promo, %s KB".formatted(town.subscribers(), kilobytes);
    }
  }

  @Override
  public void run(String[] args, Figures figures) throws Exception {
    ParameterTool options = ParameterTool.fromArgs(args);
    List<Shape> shapes =
        Arrays.stream(options.get("shapes", SHAPES).split(",")).map(Shape::parse).toList();
    try (Installation installation =
            new Installation(
                Path.of("target/bench/cost-" + System.nanoTime()),
                Installation.CHECKPOINT_EACH_SECOND);
        Backlog backlog = new Backlog(installation);
        Outcome outcome = new Outcome(installation)) {
      for (Town town :
          shapes.stream()
              .collect(
                  Collectors.toMap(shape -> shape.town.subscribers(), Shape::town, (a, b) -> a))
              .values()) {
        town.settle(installation);
      }
      JobID job = installation.submit(options.getInt("parallelism", 2), List.of());
      for (Shape shape : shapes) {
        new Pair(installation, shape.town, shape.promos(options), Map.of(), backlog, outcome)
            .compare(shape.toString(), options.getInt("pairs", 3), figures);
      }
      installation.cancel(job);
    }
  }
}
