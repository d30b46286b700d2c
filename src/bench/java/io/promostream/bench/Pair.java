package io.promostream.bench;

import io.promostream.bench.GarbageLog.Garbage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** The job and {@link Limit}, in turns in the same place with the same work. */
final class Pair {

  private record Run(double perSecond, CpuTime cpu, Garbage garbage) {}

  private interface Work {
    /** Works until all deliveries are visible; when that was, {@link System#nanoTime}. */
    long run() throws Exception;
  }

  private final Installation installation;
  private final Town town;
  private final long promos;
  private final long deliveries;
  private final Backlog backlog;
  private final Outcome outcome;
  private final Limit limit;
  private final GarbageLog garbage;

  /**
   * Prepares both.
   *
   * @param promos in each run
   * @param producerSettings as the job's producers have them
   */
  Pair(
      Installation installation,
      Town town,
      long promos,
      Map<String, Object> producerSettings,
      Backlog backlog,
      Outcome outcome)
      throws Exception {
    this.installation = installation;
    this.town = town;
    this.promos = promos;
    this.backlog = backlog;
    this.outcome = outcome;
    deliveries = promos * town.subscribers();
    limit = new Limit(installation, town, producerSettings);
    garbage =
        new GarbageLog(
            installation.taskManagerPid(),
            Path.of("target", "bench", "gc-" + System.nanoTime() + ".log"));
  }

  /** Lets them work so many times each, and reports what is in the middle. */
  void compare(String which, int pairs, Figures figures) throws Exception {
    // The first pair warms both up.
    limit();
    job();
    List<Run> limits = new ArrayList<>();
    List<Run> jobs = new ArrayList<>();
    for (int i = 0; i < pairs; i++) {
      limits.add(limit());
      jobs.add(job());
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
      ToDoubleFunction<Run> micros = run -> run.cpu.seconds().get(part) / deliveries * 1e6;
      String what = which + ": CPU of " + part;
      double ofLimit = median(limits, micros);
      if (ofLimit > 0) {
        figures.add(what, median(jobs, micros), "µs a delivery", "limit", ofLimit);
      } else {
        figures.add(what, median(jobs, micros), "µs a delivery");
      }
    }
    figures.add(
        which + ": CPU of all",
        median(jobs, this::allMicros),
        "µs a delivery",
        "limit",
        median(limits, this::allMicros));
    figures.add(
        which + ": pauses for garbage",
        median(jobs, run -> run.garbage.pauseMillis() * 1000 / deliveries),
        "µs a delivery");
    figures.add(which + ": heap, at most", median(jobs, run -> run.garbage.heapPeak()), "MB");
    figures.add(
        which + ": heap after collection, at most",
        median(jobs, run -> run.garbage.heapLeft()),
        "MB");
  }

  private double allMicros(Run run) {
    return run.cpu.seconds().values().stream().mapToDouble(Double::doubleValue).sum()
        / deliveries
        * 1e6;
  }

  private static double median(List<Run> runs, ToDoubleFunction<Run> figure) {
    return Figures.median(runs.stream().mapToDouble(figure).toArray());
  }

  private Run limit() throws Exception {
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

  private Run job() throws Exception {
    outcome.begin();
    backlog.write(town, promos);
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
    garbage.next();
    CpuTime before = CpuTime.now(installation);
    long begun = System.nanoTime();
    long ended = work.run();
    return new Run(
        deliveries / ((ended - begun) / 1e9),
        CpuTime.now(installation).minus(before),
        garbage.next());
  }
}
