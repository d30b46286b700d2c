package io.promostream.bench;

import static java.util.concurrent.TimeUnit.NANOSECONDS;

import io.promostream.bench.GarbageLog.Garbage;
import io.promostream.processes.FlinkCluster;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.apache.flink.api.common.JobID;

/** A Flink job that runs alone in a cluster, which is frozen while it is not its turn. */
final class FlinkJob implements Contender {

  /**
   * How often the job refreshes the subscriber list, and how long {@link SqlJob} caches it. Every
   * turn begins with a due refresh and an expired cache, however short the other turns are.
   */
  private static final Duration REFRESH_INTERVAL = Duration.ofSeconds(30);

  /** Long enough for a refresh, and to count checkpoints. */
  private static final Duration CATCH_UP = Duration.ofSeconds(3);

  private final String name;
  private final FlinkCluster cluster;
  private final JobID job;
  private final Backlog backlog;
  private final Outcome outcome;
  private final GarbageLog garbage;
  private long restingSince;

  FlinkJob(String name, FlinkCluster cluster, JobID job, Backlog backlog, Outcome outcome)
      throws IOException {
    this.name = name;
    this.cluster = cluster;
    this.job = job;
    this.backlog = backlog;
    this.outcome = outcome;
    garbage =
        new GarbageLog(
            cluster.taskManagers().values().iterator().next().pid(),
            Path.of("target", "bench", "gc-" + System.nanoTime() + ".log"));
  }

  @Override
  public String name() {
    return name;
  }

  /**
   * Thaws the cluster, and lets it do what became due while it was frozen. Flink takes all missed
   * checkpoints one after the other, as fast as it can.
   */
  @Override
  public void wake() throws Exception {
    NANOSECONDS.sleep(restingSince + REFRESH_INTERVAL.toNanos() - System.nanoTime());
    cluster.thaw();
    int before;
    int completed = cluster.completedCheckpoints(job);
    do {
      before = completed;
      Thread.sleep(CATCH_UP.toMillis());
      completed = cluster.completedCheckpoints(job);
    } while (completed - before > CATCH_UP.toSeconds() + 1);
  }

  @Override
  public void prepare(Town town, long promos) {
    backlog.write(town, promos);
  }

  @Override
  public long deliver(long deliveries) throws Exception {
    backlog.release();
    return outcome.await(deliveries);
  }

  @Override
  public Garbage garbage() throws IOException {
    return garbage.next();
  }

  /**
   * Freezes the cluster while no transaction is open. Even an idle job has short ones, because it
   * renews its lease, and the next contender's deliveries count only when none is open.
   */
  @Override
  public void rest() throws Exception {
    cluster.freeze();
    while (!outcome.noTransactionIsOpen()) {
      cluster.thaw();
      Thread.sleep(10);
      cluster.freeze();
    }
    restingSince = System.nanoTime();
  }
}
