package io.promostream.bench;

import io.promostream.bench.RunningJob.Checkpoint;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.commons.io.FileUtils;

/**
 * {@code list [SUBSCRIPTIONS] [mixed] [BACKEND:PARALLELISM ...]}: what the list of subscribers
 * takes and costs, by state backend, parallelism and distribution; {@code hashmap:1 hashmap:4
 * rocksdb:1 rocksdb:2 rocksdb:4} unless some of these are named.
 */
final class SubscriberList implements Bench.Benchmark {

  private static final String ROCKSDB = "rocksdb";
  private static final String HASHMAP = "hashmap";
  private static final int REPEATS = 3;

  /** Starts a job first, so that its code is compiled. */
  private static final long START_MILLIS = 15_000;

  private Figures figures;
  private Installation installation;
  private Subscriptions table;
  private long packedBytes;
  private double fingerprintBytes;
  private PostgresUse copy;
  private int jobs;

  @Override
  public void run(String[] args, Figures results) throws Exception {
    figures = results;
    table =
        new Subscriptions(
            args.length > 0 ? Long.parseLong(args[0]) : 1_000_000, List.of(args).contains("mixed"));
    File directory = Path.of("target", "bench", "list").toFile();
    FileUtils.deleteDirectory(directory);
    try (Installation started =
        new Installation(
            directory.toPath(),
            Map.of(
                "taskmanager.memory.process.size", "4g",
                "taskmanager.numberOfTaskSlots", "4",
                // Only checkpoints that are asked for.
                "execution.checkpointing.interval", "10 min",
                "execution.checkpointing.min-pause", "10 min",
                "execution.checkpointing.tolerable-failed-checkpoints", "0",
                "metrics.fetcher.update-interval", "500"))) {
      installation = started;
      table.fill(installation);
      packedBytes = table.packedBytes(installation);
      figures.add("subscriptions", table.count(), "rows");
      figures.add("packed", packedBytes, "bytes");
      copy = PostgresUse.plainCopy(installation);
      fingerprints();
      for (String where : wheres(args)) {
        String[] parts = where.split(":");
        list(parts[0], Integer.parseInt(parts[1]));
      }
      refreshes();
      distributions();
    }
    FileUtils.deleteDirectory(directory);
  }

  private static List<String> wheres(String[] args) {
    List<String> named = Arrays.stream(args).filter(arg -> arg.contains(":")).toList();
    return named.isEmpty()
        ? List.of(HASHMAP + ":1", HASHMAP + ":4", ROCKSDB + ":1", ROCKSDB + ":2", ROCKSDB + ":4")
        : named;
  }

  // ---- The parts

  /** Takes what the heap holds of restaurants with a subscriber each, where RocksDB has these. */
  private void fingerprints() throws Exception {
    fingerprintBytes =
        memoryWith(ROCKSDB, 1, Subscriptions.THIN_TABLE).minus(memoryWithout(ROCKSDB, 1)).heap;
    figures.add("heap of fingerprints", fingerprintBytes / table.restaurants(), "bytes/restaurant");
  }

  /** What a TaskManager takes that has run nothing but one job; native is all but the heap. */
  private record Memory(double heap, double nativeBytes, double disk) {

    Memory minus(Memory other) {
      return new Memory(heap - other.heap, nativeBytes - other.nativeBytes, disk - other.disk);
    }
  }

  private Memory memory() throws IOException {
    long pid = installation.taskManagerPid();
    return new Memory(
        ProcessMemory.liveHeap(pid),
        ProcessMemory.beside(pid),
        installation.cluster().workingBytes());
  }

  private Memory memoryWithout(String backend, int parallelism) throws Exception {
    return memoryWith(backend, parallelism, Subscriptions.EMPTY_TABLE);
  }

  private Memory memoryWith(String backend, int parallelism, String list) throws Exception {
    installation.cluster().renewTaskManagers();
    RunningJob job = start(backend, parallelism, list);
    job.awaitList(1);
    job.checkpoint("FULL");
    Memory memory = memory();
    cancel(job);
    return memory;
  }

  /** First load, memory, checkpoints and restore. */
  private void list(String backend, int parallelism) throws Exception {
    String on = " (%s, parallelism %d)".formatted(backend, parallelism);
    Memory without = memoryWithout(backend, parallelism);
    installation.cluster().renewTaskManagers();
    RunningJob job = firstLoad(backend, parallelism, ", TaskManager just started" + on);
    besidePacked("first full checkpoint, list" + on, job.checkpoint("FULL").listBytes());
    Memory more = memory().minus(without);
    besidePacked("heap for the list" + on, more.heap - fingerprintBytes);
    besidePacked("native memory for the list" + on, more.nativeBytes);
    besidePacked("disk for the list" + on, more.disk);
    cancel(job);

    job = firstLoad(backend, parallelism, on);
    report("first checkpoint" + on, job.checkpoint("CONFIGURED"));
    report("full checkpoint" + on, job.checkpoint("FULL"));
    Checkpoint next = job.checkpoint("CONFIGURED");
    besidePacked("next checkpoint, list unchanged" + on, next.listBytesAdded());
    report("next checkpoint" + on, next);
    cancel(job);
    loadIntoRunningJob(backend, parallelism, on);
    for (int onto : new int[] {parallelism, parallelism == 2 ? 4 : 2}) {
      restore(backend, next, onto, " onto parallelism %d%s".formatted(onto, on));
    }
  }

  /** The first load by itself: the table is locked until the rest of the job has started. */
  private void loadIntoRunningJob(String backend, int parallelism, String on) throws Exception {
    try (Connection lock = installation.connect();
        Statement statement = lock.createStatement()) {
      lock.setAutoCommit(false);
      statement.execute("LOCK TABLE " + Subscriptions.TABLE);
      RunningJob job = start(backend, parallelism, Subscriptions.TABLE);
      job.runningSince(RunningJob.SUBSCRIBERS);
      Thread.sleep(START_MILLIS);
      long unlocked = System.currentTimeMillis();
      lock.rollback();
      job.awaitList(1);
      double seconds = (System.currentTimeMillis() - unlocked) / 1000.0;
      figures.add(
          "first load, job already running" + on, seconds, "s", "plain COPY", copy.seconds());
      cancel(job);
    }
  }

  private void restore(String backend, Checkpoint from, int parallelism, String how)
      throws Exception {
    RunningJob restored = start(backend, parallelism, Subscriptions.TABLE, "-s", from.path());
    figures.add("restore" + how, restored.initializing(RunningJob.DELIVER_PROMOS), "ms");
    report("full checkpoint after restore" + how, restored.checkpoint("FULL"));
    cancel(restored);
  }

  private void report(String what, Checkpoint taken) {
    besidePacked(what + ", list", taken.listBytes());
    besidePacked(what + ", added by all of the job", taken.bytes());
    figures.add(what + ", duration", taken.millis(), "ms");
    figures.add(what + ", pause", taken.pauseMillis(), "ms");
  }

  private void besidePacked(String what, double bytes) {
    figures.add(what, bytes, "bytes", "packed", packedBytes);
  }

  private void refreshes() throws Exception {
    RunningJob job =
        start(ROCKSDB, 2, Subscriptions.TABLE, "--subscribers.refresh-interval", "20 s");
    job.awaitList(1);
    awaitRefresh(job);
    refresh(job, "nothing changed", 0);
    refresh(job, "0.1 % of restaurants changed", 1000);
    refresh(job, "10 % of restaurants changed", 10);
    cancel(job);
  }

  private void refresh(RunningJob job, String what, long oneIn) throws Exception {
    List<PostgresUse> refreshes = new ArrayList<>();
    List<PostgresUse> references = new ArrayList<>();
    double moved = 0;
    long expected = 0;
    for (int i = 0; i < REPEATS; i++) {
      references.add(PostgresUse.fingerprints(installation));
      // What changes right after one refresh is seen by the next.
      awaitRefresh(job);
      expected += oneIn == 0 ? 0 : table.change(installation, oneIn);
      double rows = job.metric(RunningJob.SUBSCRIBERS, "rowsRead", "sum");
      double server = PostgresUse.cpu(installation);
      awaitRefresh(job);
      refreshes.add(new PostgresUse(secondsOfRefresh(job), PostgresUse.cpu(installation) - server));
      moved += job.metric(RunningJob.SUBSCRIBERS, "rowsRead", "sum") - rows;
    }
    PostgresUse refresh = PostgresUse.median(refreshes);
    PostgresUse reference = PostgresUse.median(references);
    figures.add(
        "refresh, " + what, refresh.seconds(), "s", "fingerprint query", reference.seconds());
    figures.add(
        "refresh, CPU of Postgres, " + what,
        refresh.cpu(),
        "s",
        "fingerprint query",
        reference.cpu());
    figures.add(
        "refresh, rows moved, " + what, moved, "rows", "rows of these restaurants", expected);
  }

  private void distributions() throws Exception {
    for (String distribution : List.of("broadcast", "keyed")) {
      for (int parallelism : List.of(1, 4)) {
        String on = ", %s (%s, parallelism %d)".formatted(distribution, ROCKSDB, parallelism);
        RunningJob job =
            firstLoad(
                ROCKSDB,
                parallelism,
                on,
                "--subscribers.distribution",
                distribution,
                "--subscribers.refresh-interval",
                "20 s");
        double loaded = job.bytesReceived(RunningJob.DELIVER_PROMOS);
        besidePacked("first load, bytes received" + on, loaded);
        awaitRefresh(job);
        table.change(installation, 10);
        awaitRefresh(job);
        figures.add("refresh, 10 % of restaurants changed" + on, secondsOfRefresh(job), "s");
        besidePacked(
            "refresh, 10 % of restaurants changed, bytes received" + on,
            job.bytesReceived(RunningJob.DELIVER_PROMOS) - loaded);
        cancel(job);
      }
    }
  }

  // ---- The job

  private RunningJob start(String backend, int parallelism, String list, String... more)
      throws Exception {
    List<String> options = new ArrayList<>(List.of("-Dstate.backend.type=" + backend));
    // A cancelled job does not release its lease, and a new job would wait for its expiry.
    List<String> arguments =
        new ArrayList<>(
            List.of("--subscribers.table", list, "--transaction-prefix", "list-" + ++jobs));
    for (int i = 0; i < more.length; i++) {
      (more[i].equals("-s") || (i > 0 && more[i - 1].equals("-s")) ? options : arguments)
          .add(more[i]);
    }
    if (!arguments.contains("--subscribers.refresh-interval")) {
      arguments.addAll(List.of("--subscribers.refresh-interval", "10 h"));
    }
    return new RunningJob(
        installation.cluster(), installation.submit(parallelism, options, arguments));
  }

  private void cancel(RunningJob job) throws Exception {
    installation.cancel(job.id());
  }

  /** Starts the job; reports the time until every subtask has the list. */
  private RunningJob firstLoad(String backend, int parallelism, String on, String... more)
      throws Exception {
    CpuTime before = CpuTime.now(installation);
    RunningJob job = start(backend, parallelism, Subscriptions.TABLE, more);
    job.awaitList(1);
    long loaded = System.currentTimeMillis();
    Map<String, Double> used = CpuTime.now(installation).minus(before).seconds();
    double seconds = (loaded - job.runningSince(RunningJob.SUBSCRIBERS)) / 1000.0;
    figures.add("first load" + on, seconds, "s", "plain COPY", copy.seconds());
    figures.add("first load, until it is read" + on, secondsOfRefresh(job), "s");
    figures.add(
        "first load, CPU of Postgres" + on, used.get("Postgres"), "s", "plain COPY", copy.cpu());
    figures.add("first load, CPU of the TaskManager" + on, used.get("TaskManager"), "s");
    return job;
  }

  private static double secondsOfRefresh(RunningJob job) throws Exception {
    return job.metric(RunningJob.SUBSCRIBERS, "refreshDurationMillis", "max") / 1000;
  }

  private static void awaitRefresh(RunningJob job) throws Exception {
    double before = job.metric(RunningJob.SUBSCRIBERS, "refreshes", "sum");
    job.awaitMetricAbove(RunningJob.SUBSCRIBERS, "refreshes", before);
  }
}
