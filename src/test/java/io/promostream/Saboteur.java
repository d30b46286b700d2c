package io.promostream;

import io.promostream.serialization.ValueSerializer;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.state.CheckpointListener;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

/**
 * An operator beside the job that spoils what all tasks share: checkpoints and restarts. It does so
 * as often as it has been told to.
 */
final class Saboteur extends RichMapFunction<Long, Long>
    implements CheckpointedFunction, CheckpointListener {

  /** What is to go wrong. */
  enum Act {
    /** A checkpoint fails after every task has done its part of it: it is declined. */
    DECLINE_CHECKPOINT,
    /** A task fails right after its snapshot, while the checkpoint is not complete. */
    FAIL_AFTER_SNAPSHOT,
    /** A task fails when it hears that a checkpoint is complete, as others are about to commit. */
    FAIL_ON_COMPLETION,
    /** A task fails at some moment. */
    FAIL_AT_RANDOM
  }

  /** Several times what a checkpoint takes here; {@code FaultsIT} sees that it suffices. */
  private static final long SINKS_PART_MILLIS = 1_000;

  private static final Map<Act, AtomicInteger> DUE = new EnumMap<>(Act.class);

  static {
    for (Act act : Act.values()) {
      DUE.put(act, new AtomicInteger());
    }
  }

  private static volatile boolean holding;
  private static volatile boolean held;

  private transient ListState<Long> state;
  private transient boolean snapshotTaken;
  private transient Random random;

  /** Puts a saboteur beside the job. */
  static void join(StreamExecutionEnvironment env) {
    env.fromSource(
            new DataGeneratorSource<>(
                n -> n, Long.MAX_VALUE, RateLimiterStrategy.perSecond(200), Types.LONG),
            WatermarkStrategy.noWatermarks(),
            "saboteur-clock")
        .uid("saboteur-clock")
        .map(new Saboteur())
        .uid("saboteur")
        .sinkTo(new DiscardingSink<>())
        .uid("saboteur-sink");
  }

  /** Holds the next checkpoints, which neither complete nor fail, or lets them go. */
  static void hold(boolean hold) {
    holding = hold;
  }

  /** Whether a checkpoint is being held. */
  static boolean holds() {
    return held;
  }

  /** Orders an act, so many times. */
  static void order(Act act, int times) {
    DUE.get(act).addAndGet(times);
  }

  /** Takes back what has been ordered of an act and not done. */
  static void callOff(Act act) {
    DUE.get(act).set(0);
  }

  /** Takes back everything. */
  static void callOff() {
    hold(false);
    for (Act act : Act.values()) {
      callOff(act);
    }
  }

  /** How many of an act are still to come. */
  static int outstanding(Act act) {
    return DUE.get(act).get();
  }

  private static boolean take(Act act) {
    return DUE.get(act).getAndUpdate(n -> Math.max(0, n - 1)) > 0;
  }

  @Override
  public void initializeState(FunctionInitializationContext context) throws Exception {
    state =
        context
            .getOperatorStateStore()
            .getListState(new ListStateDescriptor<>("poisoned", new Poisonable()));
    random = new Random();
  }

  @Override
  public Long map(Long value) {
    if (snapshotTaken && take(Act.FAIL_AFTER_SNAPSHOT)) {
      throw new IllegalStateException("sabotage: after the snapshot");
    }
    snapshotTaken = false;
    if (random.nextInt(50) == 0 && take(Act.FAIL_AT_RANDOM)) {
      throw new IllegalStateException("sabotage: at random");
    }
    return value;
  }

  @Override
  public void snapshotState(FunctionSnapshotContext context) throws Exception {
    state.update(List.of(context.getCheckpointId()));
    snapshotTaken = true;
  }

  @Override
  public void notifyCheckpointComplete(long checkpointId) {
    if (take(Act.FAIL_ON_COMPLETION)) {
      throw new IllegalStateException("sabotage: on completion");
    }
  }

  /** Fails when the state is written, which happens after the task's part of the checkpoint. */
  public static final class Poisonable extends ValueSerializer<Long> {

    @Override
    protected int format() {
      return 1;
    }

    @Override
    protected void write(Long value, DataOutputView out) throws IOException {
      while (holding) {
        held = true;
        sleep(50);
      }
      held = false;
      if (take(Act.DECLINE_CHECKPOINT)) {
        // The barrier has yet to reach the sinks, which have packed their batches when this fails.
        sleep(SINKS_PART_MILLIS);
        throw new IOException("sabotage: checkpoint " + value);
      }
      out.writeLong(value);
    }

    private static void sleep(long millis) throws InterruptedIOException {
      try {
        Thread.sleep(millis);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException("interrupted");
      }
    }

    @Override
    protected Long read(int format, DataInputView in) throws IOException {
      return in.readLong();
    }

    @Override
    public Snapshot snapshotConfiguration() {
      return new Snapshot();
    }

    /** See {@link ValueSerializer.Snapshot}. */
    public static final class Snapshot extends ValueSerializer.Snapshot<Long> {
      @Override
      protected Poisonable serializer() {
        return new Poisonable();
      }
    }
  }
}
