package io.promostream.bench;

import io.promostream.processes.Program;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/**
 * {@code mvn -q -Pbench -Dbench=NAME -Dargs="..."} runs one of the benchmarks and prints its
 * figures, each beside a reference that was measured in the same run.
 */
public final class Bench {

  /** A benchmark. */
  interface Benchmark {
    void run(String[] args, Figures figures) throws Exception;
  }

  private static final Map<String, Benchmark> ALL =
      new TreeMap<>(
          Map.of(
              "campaigns", new ManyCampaigns(),
              "compare", new Compare(true),
              "hot", new HotRestaurant(),
              "latency", new Latency(),
              "list", new SubscriberList(),
              "refresh", new BesideRefresh(),
              "soak", new Soak(),
              "throughput", new Compare(false)));

  private Bench() {}

  /** The first argument names the benchmark, the others are its own. */
  public static void main(String[] args) throws Exception {
    Benchmark benchmark = args.length == 0 ? null : ALL.get(args[0]);
    if (benchmark == null) {
      System.err.println("There are these benchmarks: " + String.join(", ", ALL.keySet()));
      System.exit(2);
      return;
    }
    // As in production, where C2 compiles what runs often.
    System.setProperty(Program.JVM_OPTIONS, "");
    Figures figures = new Figures(args[0]);
    benchmark.run(Arrays.copyOfRange(args, 1, args.length), figures);
    figures.printTable();
    System.exit(0);
  }
}
