package io.promostream.bench;

/** The deliveries per second of a warm job with a backlog, in a short run. */
record Capacity(Backlog backlog, Outcome outcome) {

  /**
   * Measures it.
   *
   * @param deliveries in each of two runs, of which the first warms the job up
   */
  double measure(Town town, long deliveries) throws Exception {
    once(town, deliveries);
    return once(town, deliveries);
  }

  /** Measures it in one run of so many deliveries. */
  double once(Town town, long deliveries) throws Exception {
    long promos = Math.max(1, deliveries / town.subscribers());
    long all = promos * town.subscribers();
    outcome.begin();
    backlog.write(town, promos);
    long begun = System.nanoTime();
    backlog.release();
    double seconds = (outcome.await(all) - begun) / 1e9;
    outcome.verify(all);
    return all / seconds;
  }
}
