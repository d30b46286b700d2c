package io.promostream.bench;

import io.promostream.bench.GarbageLog.Garbage;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToDoubleFunction;

/** Lets contenders do the same work in turns, on the same broker and database. */
final class Turns {

  private record Run(double perSecond, CpuTime cpu, Garbage garbage) {}

  private final Installation installation;
  private final Outcome outcome;
  private final Town town;
  private final long promos;
  private final long deliveries;
  private final List<Contender> contenders;
  private final Map<String, List<Run>> runs = new LinkedHashMap<>();

  /**
   * Prepares them.
   *
   * @param promos in each turn
   * @param contenders of which the first is compared with the others
   */
  Turns(
      Installation installation,
      Outcome outcome,
      Town town,
      long promos,
      List<Contender> contenders) {
    this.installation = installation;
    this.outcome = outcome;
    this.town = town;
    this.promos = promos;
    this.contenders = contenders;
    deliveries = promos * town.subscribers();
  }

  /**
   * Lets each contender take its turns, and reports the medians.
   *
   * @param warmUp rounds before those that count
   * @param rounds that count
   */
  void compare(int warmUp, int rounds, Figures figures) throws Exception {
    for (int round = 1 - warmUp; round <= rounds; round++) {
      for (Contender contender : contenders) {
        Run run = take(contender);
        System.out.printf(
            "%d a promo, round %d: %s %,.0f/s%n",
            town.subscribers(), round, contender.name(), run.perSecond);
        if (round > 0) {
          runs.computeIfAbsent(contender.name(), name -> new ArrayList<>()).add(run);
        }
      }
    }
    report(figures);
  }

  private Run take(Contender contender) throws Exception {
    contender.wake();
    outcome.begin();
    contender.prepare(town, promos);
    var unused = contender.garbage();
    CpuTime before = CpuTime.now(installation);
    long begun = System.nanoTime();
    long ended = contender.deliver(deliveries);
    Run run =
        new Run(
            deliveries / ((ended - begun) / 1e9),
            CpuTime.now(installation).minus(before),
            contender.garbage());
    outcome.await(deliveries);
    contender.rest();
    outcome.verify(deliveries);
    return run;
  }

  private void report(Figures figures) {
    report(figures, "throughput", "deliveries/s", Run::perSecond);
    Set<String> parts = runs.get(contenders.get(0).name()).get(0).cpu.seconds().keySet();
    reportCpu(figures, "a delivery", parts, deliveries);
    reportCpu(figures, "a promo", parts, promos);
    report(figures, "pauses for garbage", "ms", run -> run.garbage.pauseMillis());
    report(figures, "heap, at most", "MB", run -> run.garbage.heapPeak());
    report(figures, "heap after collection, at most", "MB", run -> run.garbage.heapLeft());
  }

  private void reportCpu(Figures figures, String perWhat, Set<String> parts, long count) {
    String unit = "µs " + perWhat;
    for (String part : parts) {
      report(figures, "CPU of " + part, unit, run -> run.cpu.seconds().get(part) / count * 1e6);
    }
    report(figures, "CPU of all", unit, run -> run.cpu.total() / count * 1e6);
  }

  private void report(Figures figures, String what, String unit, ToDoubleFunction<Run> figure) {
    Map<String, Double> medians = new LinkedHashMap<>();
    runs.forEach(
        (name, all) ->
            medians.put(name, Figures.median(all.stream().mapToDouble(figure).toArray())));
    double first = medians.remove(contenders.get(0).name());
    medians.values().removeIf(median -> !(median > 0));
    // The heap is not known when nothing was collected.
    if (!Double.isNaN(first)) {
      figures.add("%d a promo: %s".formatted(town.subscribers(), what), first, unit, medians);
    }
  }
}
