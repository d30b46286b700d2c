package io.promostream.feedback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.promostream.config.JobConfig;
import io.promostream.config.JobConfig.OnLostTransaction;
import io.promostream.config.TableName;
import io.promostream.delivery.DeliveryBatch;
import io.promostream.promo.Promo;
import io.promostream.serialization.ValueSerializer;
import io.promostream.subscribers.Audience;
import io.promostream.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.state.CheckpointListener;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiter;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.jspecify.annotations.Nullable;
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

  /** Enough for 40 s and more at the {@link Throttle}'s speed. */
  private static final int BATCHES = 20_000;

  private static final int CLIENTS = 3;

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
  void slowlyWithoutFaults() {
    Faults.reset();
    Throttle.off = false;
  }

  @ParameterizedTest
  @CsvSource({"true,false", "false,true"})
  void faultsAroundCheckpoints(boolean chaining, boolean unaligned) throws Exception {
    Faults.plan(
        Fault.FAIL_AFTER_SNAPSHOT,
        Fault.DECLINE,
        Fault.DECLINE,
        Fault.FAIL_WHEN_COMPLETED,
        Fault.DECLINE,
        Fault.FAIL_AFTER_SNAPSHOT,
        Fault.FAIL_WHEN_COMPLETED);
    Configuration more = new Configuration();
    more.set(PipelineOptions.OPERATOR_CHAINING, chaining);
    more.set(CheckpointingOptions.ENABLE_UNALIGNED, unaligned);

    JobClient job = run(2, more);
    await(Faults::allDone);
    finish(job);

    assertEachRowOnce();
  }

  @ParameterizedTest
  @CsvSource({"2,4,true", "4,2,true", "2,4,false", "4,2,false"})
  void cancelledAndResumedAsANewJob(int before, int after, boolean chaining) throws Exception {
    Configuration more = new Configuration();
    more.set(PipelineOptions.OPERATOR_CHAINING, chaining);
    JobClient first = run(before, more);
    await(() -> Faults.completed() >= 4);
    Faults.always(Fault.DECLINE);
    await(() -> prepared().size() > before);
    first.cancel().get(60, TimeUnit.SECONDS);
    await(() -> first.getJobStatus().join() == JobStatus.CANCELED);
    assertThat(prepared()).isNotEmpty();
    Faults.reset();

    more.set(StateRecoveryOptions.SAVEPOINT_PATH, lastCheckpoint().toUri().toString());
    finish(run(after, more));

    assertEachRowOnce();
  }

  @Test
  void postgresRestarted() throws Exception {
    JobClient job = run(2, new Configuration());
    for (int i = 1; i <= 3; i++) {
      long completed = Faults.completed();
      await(() -> Faults.completed() >= completed + 4);
      TestDatabase.restartServer(Duration.ZERO);
    }
    finish(job);
    assertEachRowOnce();
  }

  @Test
  void aLostTransactionEndsTheJobAndContinueGetsItGoing() throws Exception {
    JobClient job = run(2, new Configuration());
    await(() -> Faults.completed() >= 3);
    Faults.always(Fault.SLOW);
    await(this::rolledBackOne);

    // The restart strategy would restart it for ever.
    assertThatThrownBy(() -> job.getJobExecutionResult().get(120, TimeUnit.SECONDS))
        .hasStackTraceContaining("is lost")
        .hasStackTraceContaining("feedback.on-lost-transaction: continue");
    assertThat(job.getJobStatus().get()).isEqualTo(JobStatus.FAILED);

    Configuration more = new Configuration();
    more.set(StateRecoveryOptions.SAVEPOINT_PATH, lastCheckpoint().toUri().toString());
    Faults.reset();
    finish(run(2, more, OnLostTransaction.CONTINUE));
    assertThat(
            database.query("SELECT count(*), count(DISTINCT client_id) FROM subscribers_feedback"))
        .singleElement()
        .satisfies(
            counts -> {
              String[] rowsAndClients = counts.split(",", -1);
              assertThat(rowsAndClients[0]).isEqualTo(rowsAndClients[1]);
              assertThat(Integer.parseInt(rowsAndClients[0])).isBetween(1, BATCHES * CLIENTS - 1);
            });
    assertThat(prepared()).isEmpty();
  }

  /** Rolls back a prepared transaction, unless it was committed that moment. */
  private boolean rolledBackOne() {
    try {
      return prepared().stream()
          .limit(1)
          .peek(gid -> database.execute("ROLLBACK PREPARED '" + gid + "'"))
          .findAny()
          .isPresent();
    } catch (IllegalStateException e) {
      return false;
    }
  }

  // --- the job

  private static void finish(JobClient job) throws Exception {
    Throttle.off = true;
    job.getJobExecutionResult().get(120, TimeUnit.SECONDS);
  }

  private JobClient run(int parallelism, Configuration more) throws Exception {
    return run(parallelism, more, OnLostTransaction.FAIL);
  }

  private JobClient run(int parallelism, Configuration more, OnLostTransaction onLostTransaction)
      throws Exception {
    Configuration configuration = new Configuration(more);
    configuration.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(150));
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
                new DataGeneratorSource<>(number -> number, BATCHES, Throttle::new, Types.LONG),
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

  private void assertEachRowOnce() {
    List<String> sent = new ArrayList<>();
    for (long number = 0; number < BATCHES; number++) {
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

  /** Lets 500 batches a second through at most, in all, until it is off. */
  private static final class Throttle
      implements RateLimiter<NumberSequenceSource.NumberSequenceSplit> {

    private static volatile boolean off;

    private final Executor later;

    Throttle(int parallelism) {
      later = CompletableFuture.delayedExecutor(2L * parallelism, TimeUnit.MILLISECONDS);
    }

    @Override
    public CompletionStage<Void> acquire(int events) {
      return off
          ? CompletableFuture.completedFuture(null)
          : CompletableFuture.runAsync(() -> {}, later);
    }
  }

  private enum Fault {
    /** The job fails when the sink has probably done its part of the checkpoint. */
    FAIL_AFTER_SNAPSHOT,
    /** The checkpoint fails then, and the job goes on. */
    DECLINE,
    /** The checkpoint takes a second. */
    SLOW,
    /** The job fails when a part of the committers has probably committed. */
    FAIL_WHEN_COMPLETED
  }

  /** Does what is planned, a fault every other checkpoint, in its first subtask. */
  private static final class Faults extends RichMapFunction<Long, Long>
      implements CheckpointedFunction, CheckpointListener {

    private static final Deque<Fault> PLAN = new ConcurrentLinkedDeque<>();
    private static final AtomicLong SNAPSHOTS = new AtomicLong();
    private static final AtomicLong COMPLETED = new AtomicLong();
    private static volatile @Nullable Fault always;

    /** Written after the sink's part, by a thread that may fail without failing the task. */
    private transient ListState<Boolean> declined;

    static void reset() {
      PLAN.clear();
      COMPLETED.set(0);
      always = null;
    }

    static void plan(Fault... faults) {
      PLAN.addAll(List.of(faults));
    }

    static void always(Fault fault) {
      always = fault;
    }

    static boolean allDone() {
      return PLAN.isEmpty();
    }

    static long completed() {
      return COMPLETED.get();
    }

    @Override
    public Long map(Long number) {
      return number;
    }

    @Override
    public void initializeState(FunctionInitializationContext context) throws Exception {
      declined =
          context
              .getOperatorStateStore()
              .getListState(new ListStateDescriptor<>("declined", new Declinable()));
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) throws Exception {
      Fault fault = next();
      declined.update(List.of(fault == Fault.DECLINE));
      if (fault != null) {
        Thread.sleep(fault == Fault.SLOW ? 1000 : 200);
      }
      if (fault == Fault.FAIL_AFTER_SNAPSHOT) {
        throw new IOException("planned: failure after snapshot");
      }
    }

    private @Nullable Fault next() {
      if (getRuntimeContext().getTaskInfo().getIndexOfThisSubtask() != 0) {
        return null;
      }
      boolean due = SNAPSHOTS.incrementAndGet() % 2 == 0;
      return always != null
          ? always
          : due && PLAN.peek() != Fault.FAIL_WHEN_COMPLETED ? PLAN.poll() : null;
    }

    @Override
    public void notifyCheckpointComplete(long checkpoint) throws IOException {
      if (getRuntimeContext().getTaskInfo().getIndexOfThisSubtask() == 0) {
        COMPLETED.incrementAndGet();
        if (PLAN.peek() == Fault.FAIL_WHEN_COMPLETED) {
          PLAN.remove();
          throw new IOException("planned: failure when completed");
        }
      }
    }
  }

  /** Writes false only. */
  static final class Declinable extends ValueSerializer<Boolean> {

    @Override
    protected int format() {
      return 1;
    }

    @Override
    protected void write(Boolean declined, DataOutputView out) throws IOException {
      if (declined) {
        throw new IOException("planned: checkpoint declined");
      }
    }

    @Override
    protected Boolean read(int format, DataInputView in) {
      return false;
    }

    @Override
    public Snapshot snapshotConfiguration() {
      return new Snapshot();
    }

    /** See {@link ValueSerializer.Snapshot}. */
    public static final class Snapshot extends ValueSerializer.Snapshot<Boolean> {
      @Override
      protected Declinable serializer() {
        return new Declinable();
      }
    }
  }
}
