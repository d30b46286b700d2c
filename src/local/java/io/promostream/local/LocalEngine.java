package io.promostream.local;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.promostream.config.JobConfig;
import io.promostream.local.page.Engine;
import io.promostream.metrics.JobMetric;
import io.promostream.preview.Preview;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.util.OptionalLong;
import org.apache.flink.runtime.checkpoint.CompletedCheckpointStats;

/** The job of the local run, for its page. */
record LocalEngine(LocalServices services, LocalCluster cluster, JobConfig config)
    implements Engine {

  /** Long enough to see it on the page. */
  private static final Duration DATABASE_OUTAGE = Duration.ofSeconds(3);

  @Override
  public Flow flow() throws Exception {
    LocalCluster.Tasks tasks = cluster.tasks();
    OptionalLong listAge = LocalMetrics.max(JobMetric.LIST_AGE);
    CompletedCheckpointStats checkpoint = cluster.lastCheckpoint().orElse(null);
    return new Flow(
        tasks.state().name(),
        tasks.running(),
        tasks.all(),
        LocalMetrics.sum(JobMetric.PROMOS_READ),
        LocalMetrics.sum(JobMetric.PROMOS_REJECTED),
        LocalMetrics.sum(JobMetric.PROMOS_LATE) + LocalMetrics.sum(JobMetric.PROMOS_MISSED),
        LocalMetrics.sum(JobMetric.CAMPAIGNS_WAITING),
        LocalMetrics.sum(JobMetric.CAMPAIGNS_LIVE),
        LocalMetrics.sum(JobMetric.LIST_RESTAURANTS),
        LocalMetrics.sum(JobMetric.LIST_SUBSCRIPTIONS),
        listAge.isPresent() && listAge.getAsLong() >= 0 ? listAge.getAsLong() : null,
        checkpoint == null ? 0 : checkpoint.getCheckpointId(),
        checkpoint == null ? 0 : checkpoint.getEndToEndDuration(),
        checkpoint == null ? 0 : System.currentTimeMillis() - checkpoint.getLatestAckTimestamp());
  }

  @Override
  public String preview(byte[] promo) {
    ByteArrayOutputStream json = new ByteArrayOutputStream();
    ByteArrayOutputStream problem = new ByteArrayOutputStream();
    new Preview(config, LocalCluster.SLOTS)
        .run(
            "-",
            true,
            new ByteArrayInputStream(promo),
            new PrintStream(json, true, UTF_8),
            new PrintStream(problem, true, UTF_8));
    if (json.size() == 0) {
      throw new IllegalStateException(problem.toString(UTF_8).strip());
    }
    return json.toString(UTF_8).strip();
  }

  @Override
  public void killTaskManager() throws Exception {
    cluster.replaceTaskManager();
  }

  @Override
  public void restartDatabase() throws Exception {
    services.restartDatabase(DATABASE_OUTAGE);
  }
}
