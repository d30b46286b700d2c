package io.promostream.bench;

import io.promostream.bench.RunningJob.Checkpoint;
import io.promostream.subscribers.Refreshes;
import java.io.File;
import java.io.OutputStream;
import java.nio.file.Path;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.commons.io.FileUtils;
import org.postgresql.PGConnection;

/**
 * {@code list [SUBSCRIPTIONS] [mixed] [BACKEND:PARALLELISM ...]}: what the list of subscribers
 * takes and costs, by state backend, parallelism and distribution; {@code hashmap:1 hashmap:4
 * rocksdb:1 rocksdb:4} unless some of these are named.
 */
final class SubscriberList implements Bench.Benchmark {

  private static final String ROCKSDB = "rocksdb";
  private static final String HASHMAP = "hashmap";

  private static final String PLAIN_COPY =
      "COPY (SELECT restaurant_id, client_id FROM " + Subscriptions.TABLE + ") TO STDOUT";

  private static final int REPEATS = 3;

  private Figures figures;
  private Installation installation;
  private Subscriptions table;
  private long packedBytes;
  private double fingerprintBytes;
  private String checkpoint;

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
                // One job's caches shall not be taken for the next one's list.
                "env.java.opts.taskmanager", "-XX:SoftRefLRUPolicyMSPerMB=0",
                // Only checkpoints that are asked for.
                "execution.checkpointing.interval", "10 min",
                "execution.checkpointing.min-pause", "10 min",
                "execution.checkpointing.tolerable-failed-checkpoints", "0",
                "metrics.fetcher.update-interval", "50"))) {
      installation = started;
      table.fill(installation);
      packedBytes = table.packedBytes(installation);
      figures.add("subscriptions", table.count(), "rows");
      figures.add("packed", packedBytes, "bytes");
      coldLoad();
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
        ? List.of(HASHMAP + ":1", HASHMAP + ":4", ROCKSDB + ":1", ROCKSDB + ":4")
        : named;
  }

  // ---- The parts

  private void coldLoad() throws Exception {
    Use copy = median(this::plainCopy);
    RunningJob job = start(ROCKSDB, 1, Subscriptions.TABLE);
    figures.add("first load, cold JVM", firstLoad(job), "s", "plain COPY", copy.seconds);
    cancel(job);
  }

  /** Takes what the heap holds of restaurants with a subscriber each, where RocksDB has these. */
  private void fingerprints() throws Exception {
    double before = heapWith(ROCKSDB, 1, Subscriptions.EMPTY_TABLE);
    fingerprintBytes = heapWith(ROCKSDB, 1, Subscriptions.THIN_TABLE) - before;
    figures.add("heap of fingerprints", fingerprintBytes / table.restaurants(), "bytes/restaurant");
  }

  private double heapWith(String backend, int parallelism, String list) throws Exception {
    RunningJob job = start(backend, parallelism, list);
    job.awaitList(1);
    double heap = ProcessMemory.liveHeap(installation.taskManagerPid());
    cancel(job);
    return heap;
  }

  /** First load, memory, checkpoints and restore. */
  private void list(String backend, int parallelism) throws Exception {
    String on = " (%s, parallelism %d)".formatted(backend, parallelism);
    double heapBefore = heapWith(backend, parallelism, Subscriptions.EMPTY_TABLE);
    double residentBefore = ProcessMemory.resident(installation.taskManagerPid());
    Use copyBefore = plainCopy();
    CpuTime before = CpuTime.now(installation);
    RunningJob job = start(backend, parallelism, Subscriptions.TABLE);
    double seconds = firstLoad(job);
    Map<String, Double> used = CpuTime.now(installation).minus(before).seconds();
    Use copyAfter = plainCopy();
    double copy = (copyBefore.seconds + copyAfter.seconds) / 2;
    double copyCpu = (copyBefore.serverCpu + copyAfter.serverCpu) / 2;
    figures.add("first load" + on, seconds, "s", "plain COPY", copy);
    figures.add(
        "first load, CPU of Postgres" + on, used.get("Postgres"), "s", "plain COPY", copyCpu);
    figures.add(
        "first load, CPU of the TaskManager" + on,
        used.get("TaskManager"),
        "s",
        "plain COPY, CPU of Postgres",
        copyCpu);
    figures.add(
        "heap for the list" + on,
        ProcessMemory.liveHeap(installation.taskManagerPid()) - heapBefore - fingerprintBytes,
        "bytes",
        "packed",
        packedBytes);
    figures.add(
        "resident memory" + on,
        ProcessMemory.resident(installation.taskManagerPid()) - residentBefore,
        "bytes",
        "packed",
        packedBytes);
    Checkpoint full = job.checkpoint("FULL");
    figures.add("full checkpoint, list" + on, full.listBytes(), "bytes", "packed", packedBytes);
    figures.add(
        "full checkpoint, all of the job" + on, full.bytes(), "bytes", "packed", packedBytes);
    figures.add("full checkpoint, duration" + on, full.millis(), "ms");
    figures.add("full checkpoint, pause" + on, full.pauseMillis(), "ms");
    Checkpoint next = job.checkpoint("CONFIGURED");
    figures.add(
        "next checkpoint, list unchanged" + on,
        next.listBytesAdded(),
        "bytes",
        "packed",
        packedBytes);
    figures.add(
        "next checkpoint, all of the job" + on, next.bytes(), "bytes", "packed", packedBytes);
    figures.add("next checkpoint, pause" + on, next.pauseMillis(), "ms");
    cancel(job);
    checkpoint = next.path();
    RunningJob restored = start(backend, 2, Subscriptions.TABLE, "-s", checkpoint);
    figures.add(
        "restore onto parallelism 2" + on, restored.initializing(RunningJob.DELIVER_PROMOS), "ms");
    Checkpoint rescaled = restored.checkpoint("FULL");
    figures.add(
        "full checkpoint, list, after the restore" + on,
        rescaled.listBytes(),
        "bytes",
        "packed",
        packedBytes);
    figures.add("full checkpoint, pause, after the restore" + on, rescaled.pauseMillis(), "ms");
    checkpoint = rescaled.path();
    cancel(restored);
  }

  private void refreshes() throws Exception {
    RunningJob job =
        start(
            ROCKSDB,
            2,
            Subscriptions.TABLE,
            "-s",
            checkpoint,
            "--subscribers.refresh-interval",
            "15 s");
    refresh(job, "nothing changed", 0);
    refresh(job, "0.1 % of restaurants changed", 1000);
    refresh(job, "10 % of restaurants changed", 10);
    cancel(job);
  }

  private void refresh(RunningJob job, String what, long oneIn) throws Exception {
    List<Use> refreshes = new ArrayList<>();
    List<Use> references = new ArrayList<>();
    double moved = 0;
    long expected = 0;
    for (int i = 0; i < REPEATS; i++) {
      references.add(use(this::fingerprintQuery));
      // What changes right after one refresh is seen by the next.
      awaitRefresh(job);
      expected += oneIn == 0 ? 0 : table.change(installation, oneIn);
      double rows = job.metric(RunningJob.SUBSCRIBERS, "rowsRead", "sum");
      double server = serverCpu();
      awaitRefresh(job);
      double seconds = job.metric(RunningJob.SUBSCRIBERS, "refreshDurationMillis", "max") / 1000;
      refreshes.add(new Use(seconds, serverCpu() - server));
      moved += job.metric(RunningJob.SUBSCRIBERS, "rowsRead", "sum") - rows;
    }
    Use refresh = median(refreshes);
    Use reference = median(references);
    figures.add("refresh, " + what, refresh.seconds, "s", "fingerprint query", reference.seconds);
    figures.add(
        "refresh, CPU of Postgres, " + what,
        refresh.serverCpu,
        "s",
        "fingerprint query",
        reference.serverCpu);
    figures.add(
        "refresh, rows moved, " + what, moved, "rows", "rows of these restaurants", expected);
  }

  private void distributions() throws Exception {
    for (String distribution : List.of("broadcast", "keyed")) {
      for (int parallelism : List.of(1, 4)) {
        String on = " (%s, parallelism %d)".formatted(distribution, parallelism);
        RunningJob job =
            start(
                ROCKSDB,
                parallelism,
                Subscriptions.TABLE,
                "--subscribers.distribution",
                distribution,
                "--subscribers.refresh-interval",
                "5 s");
        figures.add("first load" + on, firstLoad(job), "s", "plain COPY", plainCopy().seconds);
        String receiver = distribution.equals("keyed") ? RunningJob.DELIVER_PROMOS : "own-share";
        figures.add(
            "first load, bytes received" + on,
            job.bytesReceived(receiver),
            "bytes",
            "packed",
            packedBytes);
        cancel(job);
      }
    }
  }

  // ---- The job

  private RunningJob start(String backend, int parallelism, String list, String... more)
      throws Exception {
    List<String> options = new ArrayList<>(List.of("-Dstate.backend.type=" + backend));
    List<String> arguments = new ArrayList<>(List.of("--subscribers.table", list));
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

  /** From when the source runs until every subtask has the list, in seconds. */
  private static double firstLoad(RunningJob job) throws Exception {
    job.awaitList(1);
    long loaded = System.currentTimeMillis();
    return (loaded - job.runningSince(RunningJob.SUBSCRIBERS)) / 1000.0;
  }

  private static void awaitRefresh(RunningJob job) throws Exception {
    job.awaitMetricAbove(
        RunningJob.SUBSCRIBERS,
        "refreshes",
        job.metric(RunningJob.SUBSCRIBERS, "refreshes", "sum"));
    // The figures of the refresh follow its count.
    Thread.sleep(300);
  }

  // ---- The references

  /** Time, and what Postgres used of the processors, in seconds. */
  private record Use(double seconds, double serverCpu) {}

  private interface Action {
    void run() throws Exception;
  }

  private interface Measured {
    Use run() throws Exception;
  }

  private Use plainCopy() throws Exception {
    return use(this::copyOut);
  }

  private void copyOut() throws Exception {
    try (Connection connection = installation.connect()) {
      connection
          .unwrap(PGConnection.class)
          .getCopyAPI()
          .copyOut(PLAIN_COPY, OutputStream.nullOutputStream());
    }
  }

  private void fingerprintQuery() throws Exception {
    try (Connection connection = installation.connect()) {
      Refreshes.fingerprints(connection, Subscriptions.TABLE);
    }
  }

  private Use use(Action action) throws Exception {
    double server = serverCpu();
    long start = System.nanoTime();
    action.run();
    double seconds = (System.nanoTime() - start) / 1e9;
    return new Use(seconds, serverCpu() - server);
  }

  private double serverCpu() throws Exception {
    return CpuTime.now(installation).seconds().get("Postgres");
  }

  private static Use median(Measured measured) throws Exception {
    List<Use> uses = new ArrayList<>();
    for (int i = 0; i < REPEATS; i++) {
      uses.add(measured.run());
    }
    return median(uses);
  }

  private static Use median(List<Use> uses) {
    return new Use(
        Figures.median(uses.stream().mapToDouble(Use::seconds).toArray()),
        Figures.median(uses.stream().mapToDouble(Use::serverCpu).toArray()));
  }
}
