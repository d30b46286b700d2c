package io.promostream;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.DeploymentOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.JobStatusChangedListener;
import org.apache.flink.core.execution.JobStatusChangedListenerFactory;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.lineage.LineageGraph;
import org.apache.flink.streaming.runtime.execution.JobCreatedEvent;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A listener that Flink's configuration names receives the lineage of the running job. */
class LineageIT {

  /** Collects the lineage of the jobs that start. */
  public static final class Listener implements JobStatusChangedListenerFactory {

    static final Queue<LineageGraph> RECEIVED = new ConcurrentLinkedQueue<>();

    @Override
    public JobStatusChangedListener createListener(Context context) {
      return event -> {
        if (event instanceof JobCreatedEvent created) {
          RECEIVED.add(created.lineageGraph());
        }
      };
    }
  }

  @TempDir Path checkpoints;

  @ParameterizedTest
  @ValueSource(strings = {"exactly-once", "at-least-once"})
  void listenerReceivesLineage(String guarantee) throws Exception {
    Listener.RECEIVED.clear();
    Configuration flink = new Configuration();
    flink.set(DeploymentOptions.JOB_STATUS_CHANGED_LISTENERS, List.of(Listener.class.getName()));
    StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(1, flink);
    try (TestJob job = new TestJob(checkpoints, "--delivery.guarantee=" + guarantee)) {
      PromoStreamJob.prepare(env, job.config());
      JobClient running = env.executeAsync();
      TestJob.await(
          "the job to run", () -> running.getJobStatus().get(60, SECONDS) == JobStatus.RUNNING);
      running.cancel().get(60, SECONDS);

      String topics = "kafka://" + job.config().kafka().bootstrapServers() + "/";
      String promos = topics + job.promosTopic;
      String subscribers = uri(job.subscribers.url()) + ".public.subscribers_restaurants";
      String notifications = topics + job.notificationsTopic;
      String rejected = topics + job.rejectedTopic;
      String feedback = uri(job.feedback.url()) + ".public.subscribers_feedback";
      assertThat(Listener.RECEIVED).hasSize(1);
      LineageGraph lineage = Listener.RECEIVED.element();
      assertThat(LineageUris.of(lineage.sources())).containsExactlyInAnyOrder(promos, subscribers);
      assertThat(LineageUris.of(lineage.sinks()))
          .containsExactlyInAnyOrder(notifications, rejected, feedback);
      assertThat(lineage.relations()).hasSize(5);
    }
  }

  private static String uri(String url) {
    return url.replaceFirst("^jdbc:postgresql:", "postgres:");
  }
}
