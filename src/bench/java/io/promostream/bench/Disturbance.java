package io.promostream.bench;

import io.promostream.bench.Notifications.Written;
import io.promostream.bench.Probes.Delays;
import io.promostream.bench.RunningJob.Checkpoint;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The effect of a load on checkpoints and on the promos of other restaurants. The first span of
 * time is without the load, for comparison.
 */
final class Disturbance {

  /** The work during a span of time. */
  interface Action {
    void run() throws Exception;
  }

  /**
   * A span of time.
   *
   * @param cpu processor time of the TaskManager, seconds
   */
  private record Span(long from, long to, double cpu) {}

  /** What a span of time was like: the most of all its checkpoints, and the other promos. */
  private record Impression(
      double checkpointMillis, double pauseMillis, double bytes, Delays others, double cpuShare) {}

  private final Installation installation;
  private final RunningJob job;
  private final Probes probes;
  private final Map<String, Span> spans = new LinkedHashMap<>();

  Disturbance(Installation installation, RunningJob job, Probes probes) {
    this.installation = installation;
    this.job = job;
    this.probes = probes;
  }

  void during(String what, Action action) throws Exception {
    double cpu = cpu();
    long from = System.currentTimeMillis();
    action.run();
    spans.put(what, new Span(from, System.currentTimeMillis(), cpu() - cpu));
  }

  private double cpu() throws Exception {
    return CpuTime.now(installation).seconds().get("TaskManager");
  }

  void report(Figures figures, Map<String, Written> notifications) throws Exception {
    List<Checkpoint> checkpoints = job.checkpoints();
    Impression reference = null;
    for (Map.Entry<String, Span> span : spans.entrySet()) {
      Impression with = impression(span.getValue(), checkpoints, notifications);
      if (reference == null) {
        reference = with;
      }
      String what = span.getKey();
      compare(
          figures,
          what + ", longest checkpoint",
          "ms",
          with.checkpointMillis,
          reference.checkpointMillis);
      compare(
          figures, what + ", longest pause by one", "ms", with.pauseMillis, reference.pauseMillis);
      compare(figures, what + ", most bytes of one", "bytes", with.bytes, reference.bytes);
      compare(
          figures, what + ", other promos, p50", "ms", with.others.p50(), reference.others.p50());
      compare(
          figures, what + ", other promos, p99", "ms", with.others.p99(), reference.others.p99());
      compare(
          figures,
          what + ", other promos, longest",
          "ms",
          with.others.max(),
          reference.others.max());
      compare(
          figures,
          what + ", processors of the TaskManager",
          "cores",
          with.cpuShare,
          reference.cpuShare);
    }
  }

  private static void compare(
      Figures figures, String what, String unit, double with, double without) {
    figures.add(what, with, unit, "without", without);
  }

  private Impression impression(
      Span span, List<Checkpoint> checkpoints, Map<String, Written> notifications) {
    List<Checkpoint> then =
        checkpoints.stream().filter(one -> one.wasUnderWay(span.from, span.to)).toList();
    return new Impression(
        then.stream().mapToDouble(Checkpoint::millis).max().orElse(Double.NaN),
        then.stream().mapToDouble(Checkpoint::pauseMillis).max().orElse(Double.NaN),
        then.stream().mapToDouble(Checkpoint::bytes).max().orElse(Double.NaN),
        probes.delays(notifications, span.from, span.to),
        1000 * span.cpu / (span.to - span.from));
  }
}
