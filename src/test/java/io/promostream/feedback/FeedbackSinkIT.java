package io.promostream.feedback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.promostream.config.JobConfig;
import io.promostream.config.JobConfig.OnLostTransaction;
import io.promostream.config.TableName;
import io.promostream.delivery.DeliveryBatch;
import io.promostream.promo.Promo;
import io.promostream.subscribers.Audience;
import io.promostream.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.state.CheckpointListener;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The sink in whole jobs that fail at the worst moments. After each, the table holds every row that
 * was sent, once, and nothing stands prepared.
 */
class FeedbackSinkIT {

  private static final int BATCHES_PER_SECOND = 2000;
  private static final int CLIENTS = 3;
  private static final long CHECKPOINT_MILLIS = 150;

  /** How long a checkpoint may take; {@link Fault#DECLINE} takes longer. */
  private static final long TIMEOUT_MILLIS = 1000;

  @RegisterExtension
  static final MiniClusterExtension CLUSTER =
      new MiniClusterExtension(
          new MiniClusterResourceConfiguration.Builder()
              .setNumberTaskManagers(2)
              .setNumberSlotsPerTaskManager(4)
              .build());

  private final TestDatabase database = TestDatabase.create().withFeedbackTable();

  @TempDir Path checkpoints;

  @BeforeEach
  void noFaults() {
    Faults.reset();
  }

  @ParameterizedTest
  @CsvSource({"true,false", "false,true"})
  void faultsAroundCheckpoints(boolean chaining, boolean unaligned) throws Exception {
    Faults.plan(3, Fault.FAIL_AFTER_SNAPSHOT);
    Faults.plan(6, Fault.DECLINE);
    Faults.plan(7, Fault.DECLINE);
    Faults.plan(9, Fault.FAIL_WHEN_COMPLETED);
    Faults.plan(11, Fault.DECLINE);
    Faults.plan(12, Fault.FAIL_AFTER_SNAPSHOT);
    Faults.plan(15, Fault.FAIL_WHEN_COMPLETED);
    Configuration more = new Configuration();
    more.set(PipelineOptions.OPERATOR_CHAINING, chaining);
    more.set(CheckpointingOptions.ENABLE_UNALIGNED, unaligned);

    run(2, 8_000, more).getJobExecutionResult().get(120, TimeUnit.SECONDS);

    assertThat(Faults.left()).isEmpty();
    assertEachRowOnce(8_000);
  }

  @ParameterizedTest
  @CsvSource({"2,4,true", "4,2,true", "2,4,false", "4,2,false"})
  void cancelledAndResumedAsANewJob(int before, int after, boolean chaining) throws Exception {
    Configuration more = new Configuration();
    more.set(PipelineOptions.OPERATOR_CHAINING, chaining);
    JobClient first = run(before, 8_000, more);
    await(() -> Faults.completed() >= 4);
    Faults.planAll(Fault.DECLINE);
    await(() -> prepared().size() > before);
    first.cancel().get(60, TimeUnit.SECONDS);
    await(() -> first.getJobStatus().join() == JobStatus.CANCELED);
    assertThat(prepared()).isNotEmpty();
    Faults.reset();

    more.set(StateRecoveryOptions.SAVEPOINT_PATH, lastCheckpoint().toUri().toString());
    run(after, 8_000, more).getJobExecutionResult().get(120, TimeUnit.SECONDS);

    assertEachRowOnce(8_000);
  }

  @Test
  void postgresRestarted() throws Exception {
    JobClient job = run(2, 12_000, new Configuration());
    for (int i = 1; i <= 3; i++) {
      long completed = Faults.completed();
      await(() -> Faults.completed() >= completed + 4);
      TestDatabase.restartServer(Duration.ZERO);
    }
    job.getJobExecutionResult().get(120, TimeUnit.SECONDS);
    assertEachRowOnce(12_000);
  }

  @Test
  void aLostTransactionEndsTheJobAndContinueGetsItGoing() throws Exception {
    Faults.plan(4, Fault.SLOW);
    JobClient job = run(2, 8_000, new Configuration());
    await(() -> Faults.completed() == 3 && prepared().size() == 2);
    database.execute("ROLLBACK PREPARED '" + prepared().get(0) + "'");

    // The restart strategy would restart it for ever.
    assertThatThrownBy(() -> job.getJobExecutionResult().get(120, TimeUnit.SECONDS))
        .hasStackTraceContaining("is lost")
        .hasStackTraceContaining("feedback.on-lost-transaction: continue");
    assertThat(job.getJobStatus().get()).isEqualTo(JobStatus.FAILED);

    Configuration more = new Configuration();
    more.set(StateRecoveryOptions.SAVEPOINT_PATH, lastCheckpoint().toUri().toString());
    run(2, 8_000, more, OnLostTransaction.CONTINUE)
        .getJobExecutionResult()
        .get(120, TimeUnit.SECONDS);
    assertThat(
            database.query("SELECT count(*), count(DISTINCT client_id) FROM subscribers_feedback"))
        .singleElement()
        .satisfies(
            counts -> {
              String[] rowsAndClients = counts.split(",", -1);
              assertThat(rowsAndClients[0]).isEqualTo(rowsAndClients[1]);
              assertThat(Integer.parseInt(rowsAndClients[0])).isBetween(1, 8_000 * CLIENTS - 1);
            });
    assertThat(prepared()).isEmpty();
  }

  // --- the job

  private JobClient run(int parallelism, int batches, Configuration more) throws Exception {
    return run(parallelism, batches, more, OnLostTransaction.FAIL);
  }

  private JobClient run(
      int parallelism, int batches, Configuration more, OnLostTransaction onLostTransaction)
      throws Exception {
    Configuration configuration = new Configuration(more);
    configuration.set(
        CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(CHECKPOINT_MILLIS));
    configuration.set(
        CheckpointingOptions.CHECKPOINTING_TIMEOUT, Duration.ofMillis(TIMEOUT_MILLIS));
    configuration.set(CheckpointingOptions.TOLERABLE_FAILURE_NUMBER, 1000);
    configuration.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, checkpoints.toUri().toString());
    configuration.set(
        CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION,
        ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
    configuration.set(
        RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, Integer.MAX_VALUE);
    configuration.set(
        RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ofMillis(50));
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.getExecutionEnvironment(configuration);
    env.setParallelism(parallelism).setMaxParallelism(128);
    DataStream<Long> numbers =
        env.fromSource(
                new DataGeneratorSource<>(
                    number -> number,
                    batches,
                    RateLimiterStrategy.perSecond(BATCHES_PER_SECOND),
                    Types.LONG),
                WatermarkStrategy.noWatermarks(),
                "numbers")
            .uid("numbers");
    numbers
        .rebalance()
        .map(FeedbackSinkIT::batch)
        .returns(DeliveryBatch.TYPE)
        .uid("batches")
        .sinkTo(
            new FeedbackSink(
                new JobConfig.Feedback(
                    database.asSuperuser(),
                    TableName.parse("public.subscribers_feedback"),
                    onLostTransaction),
                "it"))
        .uid("feedback");
    // A branch of its own: its faults come when the sink has done its part.
    numbers
        .rebalance()
        .map(new Faults())
        .uid("faults")
        .sinkTo(new DiscardingSink<>())
        .uid("nowhere");
    return env.executeAsync();
  }

  private static DeliveryBatch batch(long number) {
    List<String> clients = new ArrayList<>();
    for (int i = 0; i < CLIENTS; i++) {
      clients.add(number + "-" + i);
    }
    return new DeliveryBatch(
        new Promo("r" + number % 10, "k", "text", "o", "c", 1, 2, number),
        1000 + number,
        Audience.of(clients));
  }

  private void assertEachRowOnce(int batches) {
    List<String> sent = new ArrayList<>();
    for (long number = 0; number < batches; number++) {
      for (int i = 0; i < CLIENTS; i++) {
        sent.add("r%d,k,%d,%d-%d,%d".formatted(number % 10, number, number, i, 1000 + number));
      }
    }
    assertThat(
            database.query(
                """
                SELECT restaurant_id, adv_campaign_id, datetime_created, client_id,
                    trigger_datetime_created
                FROM subscribers_feedback ORDER BY datetime_created, client_id"""))
        .isEqualTo(sent);
    assertThat(prepared()).isEmpty();
    assertThat(
            database.query(
                "SELECT application_name FROM pg_stat_activity"
                    + " WHERE datname = current_database() AND application_name LIKE 'promo-stream%'"))
        .isEmpty();
  }

  private List<String> prepared() {
    return database.query(
        "SELECT gid FROM pg_prepared_xacts WHERE database = current_database() ORDER BY gid");
  }

  private Path lastCheckpoint() throws IOException {
    try (Stream<Path> files = Files.walk(checkpoints)) {
      return files
          .filter(file -> file.endsWith("_metadata"))
          .map(Path::getParent)
          .max(
              Comparator.comparingLong(
                  directory ->
                      Long.parseLong(directory.getFileName().toString().replace("chk-", ""))))
          .orElseThrow();
    }
  }

  private static void await(BooleanSupplier condition) throws InterruptedException {
    for (int i = 0; i < 1200; i++) {
      if (condition.getAsBoolean()) {
        return;
      }
      Thread.sleep(50);
    }
    throw new AssertionError("not within a minute");
  }

  private enum Fault {
    FAIL_AFTER_SNAPSHOT,
    DECLINE,
    SLOW,
    FAIL_WHEN_COMPLETED
  }

  /** Does each fault once, at the checkpoint it is planned for or the next that gets so far. */
  private static final class Faults extends RichMapFunction<Long, Long>
      implements CheckpointedFunction, CheckpointListener {

    private static final Map<Long, Fault> PLAN = new ConcurrentHashMap<>();
    private static final AtomicLong COMPLETED = new AtomicLong();
    private static volatile Fault always;

    static void reset() {
      PLAN.clear();
      COMPLETED.set(0);
      always = null;
    }

    static void plan(long checkpoint, Fault fault) {
      PLAN.put(checkpoint, fault);
    }

    static void planAll(Fault fault) {
      always = fault;
    }

    static Map<Long, Fault> left() {
      return PLAN;
    }

    static long completed() {
      return COMPLETED.get();
    }

    @Override
    public Long map(Long number) {
      return number;
    }

    @Override
    public void initializeState(FunctionInitializationContext context) {}

    @Override
    public void snapshotState(FunctionSnapshotContext context) throws Exception {
      if (getRuntimeContext().getTaskInfo().getIndexOfThisSubtask() != 0) {
        return;
      }
      Fault fault = always == null ? PLAN.get(context.getCheckpointId()) : always;
      if (fault == Fault.FAIL_AFTER_SNAPSHOT) {
        PLAN.remove(context.getCheckpointId());
        Thread.sleep(200);
        throw new IOException("planned failure after snapshot " + context.getCheckpointId());
      } else if (fault == Fault.DECLINE) {
        PLAN.remove(context.getCheckpointId());
        Thread.sleep(TIMEOUT_MILLIS + 300);
      } else if (fault == Fault.SLOW) {
        PLAN.remove(context.getCheckpointId());
        Thread.sleep(TIMEOUT_MILLIS - 300);
      }
    }

    @Override
    public void notifyCheckpointComplete(long checkpoint) throws IOException {
      if (getRuntimeContext().getTaskInfo().getIndexOfThisSubtask() != 0) {
        return;
      }
      COMPLETED.incrementAndGet();
      if (PLAN.get(checkpoint) == Fault.FAIL_WHEN_COMPLETED) {
        PLAN.remove(checkpoint);
        throw new IOException("planned failure when completed " + checkpoint);
      }
    }
  }
}
