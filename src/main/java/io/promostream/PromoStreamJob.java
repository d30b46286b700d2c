package io.promostream;

import io.promostream.check.ClientChecks;
import io.promostream.check.EnvironmentCheck;
import io.promostream.check.StartChecks;
import io.promostream.config.CommandLine;
import io.promostream.config.ConfigException;
import io.promostream.config.JobConfig;
import io.promostream.config.KeyReference;
import io.promostream.kafka.KafkaClients;
import io.promostream.preview.Preview;
import io.promostream.state.RocksDbOptions;
import java.util.List;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.DeploymentOptions;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** Starts the job: reads the configuration, sets up the environment, builds, executes. */
public final class PromoStreamJob {

  private static final String DEFAULT_NAME = "promo-stream";

  private PromoStreamJob() {}

  /** Runs the job, or carries out {@code --help}, {@code --check} or {@code --preview}. */
  public static void main(String[] args) throws Exception {
    CommandLine line = CommandLine.parse(args);
    if (line.help()) {
      System.out.print(KeyReference.help());
      return;
    }
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
    try {
      JobConfig config = JobConfig.load(args, System.getenv());
      ClientChecks.check(config, KafkaClients.producerProperties(config));
      if (line.check()) {
        requireOwnProcess("--check", env);
        System.exit(EnvironmentCheck.run(config, System.out));
      }
      if (line.preview() != null) {
        requireOwnProcess("--preview", env);
        System.exit(new Preview(config, env.getParallelism()).run(line.preview(), line.json()));
      }
      StartChecks.check(env.getConfiguration(), config);
      EnvironmentCheck.beforeStart(config);
      prepare(env, config);
    } catch (ConfigException e) {
      if (runsInJobManager(env)) {
        throw e;
      }
      System.err.println(e.getMessage());
      System.exit(1);
    }
    env.execute(env.getConfiguration().getOptional(PipelineOptions.NAME).orElse(DEFAULT_NAME));
  }

  private static void requireOwnProcess(String option, StreamExecutionEnvironment env) {
    if (runsInJobManager(env)) {
      throw new ConfigException(
          List.of(
              ("Cannot run %s here: it ends its process, which is the JobManager. Submit it with"
                      + " flink run, from a machine that reaches Kafka and both databases.")
                  .formatted(option)));
    }
  }

  /** Builds the job that the configuration describes. */
  public static void prepare(StreamExecutionEnvironment env, JobConfig config) {
    // A type without its own serializer would fall back to Kryo: no later release reads that state.
    env.configure(new Configuration().set(PipelineOptions.GENERIC_TYPES, false));
    env.configure(RocksDbOptions.unlessChosen(env.getConfiguration()));
    PromoStreamTopology.build(env, config, Connectors.of(config));
  }

  /** In application mode and for a job submitted over REST, an exit would end the JobManager. */
  private static boolean runsInJobManager(StreamExecutionEnvironment env) {
    return "embedded".equals(env.getConfiguration().get(DeploymentOptions.TARGET));
  }
}
