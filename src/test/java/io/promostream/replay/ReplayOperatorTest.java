package io.promostream.replay;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.config.JobConfig.OnLostTransaction;
import io.promostream.kafka.Message;
import io.promostream.replay.MemoryTarget.MemorySystem;
import io.promostream.testing.Waiting;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.runtime.checkpoint.CheckpointType;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.checkpoint.SavepointType;
import org.apache.flink.runtime.checkpoint.SnapshotType;
import org.apache.flink.runtime.operators.testutils.MockEnvironment;
import org.apache.flink.runtime.state.storage.JobManagerCheckpointStorage;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Committables are replayed at the right time, and each once. */
class ReplayOperatorTest {

  private static final int MAX_PARALLELISM = 8;

  private final MemoryTarget target =
      new MemoryTarget(UUID.randomUUID().toString(), OnLostTransaction.FAIL);
  private final MemorySystem system = target.system();
  private final List<Subtask> open = new ArrayList<>();
  private long checkpoint;

  private final class Subtask extends OneInputStreamOperatorTestHarness<Message, Message> {

    Subtask(MemoryTarget target, boolean passOn, int parallelism, int index) throws Exception {
      super(
          new ReplayOperator<>(target, passOn, Duration.ZERO), MAX_PARALLELISM, parallelism, index);
      setCheckpointStorage(new JobManagerCheckpointStorage(64 << 20));
      open.add(this);
    }

    void collect(String... texts) throws Exception {
      for (String text : texts) {
        processElement(new StreamRecord<>(MemoryTarget.message(text)));
      }
    }

    OperatorSubtaskState snapshot() throws Exception {
      return snapshot(CheckpointType.CHECKPOINT);
    }

    OperatorSubtaskState snapshot(SnapshotType type) throws Exception {
      return snapshotWithLocalState(++checkpoint, 0, type).getJobManagerOwnedState();
    }

    void complete() throws Exception {
      notifyOfCompletedCheckpoint(checkpoint);
    }
  }

  @AfterEach
  void closeAll() throws Exception {
    for (Subtask subtask : open) {
      subtask.close();
    }
  }

  private Subtask start() throws Exception {
    return restore(null);
  }

  private Subtask restore(OperatorSubtaskState state) throws Exception {
    return restore(target, false, state);
  }

  private Subtask restore(MemoryTarget target, boolean passOn, OperatorSubtaskState state)
      throws Exception {
    Subtask subtask = new Subtask(target, passOn, 1, 0);
    subtask.setup();
    if (state != null) {
      subtask.initializeState(state);
    }
    subtask.open();
    return subtask;
  }

  /** Ends a subtask like a failure or a cancellation. */
  private void kill(Subtask subtask) throws Exception {
    open.remove(subtask);
    subtask.close();
  }

  private void awaitWritten(String... texts) throws Exception {
    Waiting.until(
        List.of(texts) + " instead of " + system.written,
        () -> system.written.size() >= texts.length);
    assertThat(system.written).containsExactly(texts);
  }

  @Test
  void replaysCommittablesOfCompletedCheckpoint() throws Exception {
    Subtask subtask = start();
    subtask.collect("a", "b");
    subtask.snapshot();
    subtask.collect("c");
    Thread.sleep(100);
    assertThat(system.written).as("before the checkpoint is complete").isEmpty();
    subtask.complete();
    awaitWritten("a", "b");
    subtask.snapshot();
    subtask.complete();
    awaitWritten("a", "b", "c");
    assertThat(system.marks.values()).containsExactly(new Mark(2, 3));
  }

  @Test
  void replaysDeclinedCheckpointWithNextOne() throws Exception {
    Subtask subtask = start();
    subtask.collect("a");
    subtask.snapshot();
    subtask.collect("b");
    subtask.snapshot();
    subtask.complete();
    awaitWritten("a", "b");
  }

  @Test
  void replaysRestoredCommittables() throws Exception {
    Subtask subtask = start();
    subtask.collect("a");
    OperatorSubtaskState state = subtask.snapshot();
    subtask.collect("lost with the failure");
    kill(subtask);
    Subtask next = restore(state);
    awaitWritten("a");
    next.collect("b");
    next.snapshot();
    next.complete();
    awaitWritten("a", "b");
  }

  @Test
  void skipsCommittablesReplayedBeforeFailure() throws Exception {
    Subtask subtask = start();
    subtask.collect("a");
    OperatorSubtaskState state = subtask.snapshot();
    subtask.complete();
    awaitWritten("a");
    kill(subtask);
    Subtask next = restore(state);
    next.collect("b");
    next.snapshot();
    next.complete();
    awaitWritten("a", "b");
  }

  @Test
  void keepsUnreplayedCommittablesInLaterCheckpoints() throws Exception {
    system.permits = new Semaphore(0);
    Subtask subtask = start();
    subtask.collect("a");
    subtask.snapshot();
    subtask.complete();
    subtask.collect("b");
    subtask.snapshot();
    subtask.complete();
    subtask.collect("c");
    OperatorSubtaskState state = subtask.snapshot();
    kill(subtask);
    assertThat(system.written).isEmpty();
    system.permits = null;
    restore(state);
    awaitWritten("a", "b", "c");
  }

  @Test
  void dropsReplayedCommittablesFromState() throws Exception {
    Subtask subtask = start();
    subtask.collect("a".repeat(100_000));
    assertThat(subtask.snapshot().getStateSize()).isGreaterThan(100_000);
    subtask.complete();
    Waiting.until("replay", () -> !system.written.isEmpty());
    Waiting.until("a small state", () -> subtask.snapshot().getStateSize() < 10_000);
  }

  @Test
  void retriesAfterFailure() throws Exception {
    system.refusals.set(2);
    Subtask subtask = start();
    subtask.collect("a");
    subtask.snapshot();
    subtask.complete();
    awaitWritten("a");
  }

  @Test
  void writesOnceWhenResponseToCommitIsLost() throws Exception {
    system.lostAnswers.set(3);
    Subtask subtask = start();
    subtask.collect("a");
    subtask.snapshot();
    subtask.collect("b");
    subtask.snapshot();
    subtask.complete();
    awaitWritten("a", "b");
    subtask.collect("c");
    subtask.snapshot();
    subtask.complete();
    awaitWritten("a", "b", "c");
  }

  @ParameterizedTest
  @CsvSource({"2,4", "4,2", "3,1", "1,3"})
  void replaysEachCommittableOnceAfterRescaling(int before, int after) throws Exception {
    // The target blocks all commits but the first one of each writer.
    system.permits = new Semaphore(before);
    List<OperatorSubtaskState> states = new ArrayList<>();
    List<String> expected = new ArrayList<>();
    List<Subtask> subtasks = new ArrayList<>();
    for (int i = 0; i < before; i++) {
      Subtask subtask = new Subtask(target, false, before, i);
      subtask.open();
      subtasks.add(subtask);
    }
    for (int round = 0; round < 5; round++) {
      checkpoint++;
      for (int i = 0; i < before; i++) {
        expected.add("%d/%d".formatted(i, round));
        subtasks.get(i).collect("%d/%d".formatted(i, round));
        OperatorSubtaskState state =
            subtasks
                .get(i)
                .snapshotWithLocalState(checkpoint, 0, CheckpointType.CHECKPOINT)
                .getJobManagerOwnedState();
        if (round == 4) {
          states.add(state);
        }
      }
      if (round < 4) {
        for (Subtask subtask : subtasks) {
          subtask.complete();
        }
      }
    }
    Waiting.until("some commits", () -> system.written.size() == before);
    for (Subtask subtask : subtasks) {
      kill(subtask);
    }
    system.permits = null;
    OperatorSubtaskState all =
        AbstractStreamOperatorTestHarness.repackageState(
            states.toArray(OperatorSubtaskState[]::new));
    for (int i = 0; i < after; i++) {
      Subtask subtask = new Subtask(target, false, after, i);
      subtask.setup();
      subtask.initializeState(
          AbstractStreamOperatorTestHarness.repartitionOperatorState(
              all, MAX_PARALLELISM, before, after, i));
      subtask.open();
    }
    Waiting.until("all of it", () -> system.written.size() >= expected.size());
    assertThat(system.written).containsExactlyInAnyOrderElementsOf(expected);
  }

  @Test
  void stopWithSavepointWaitsForReplay() throws Exception {
    system.permits = new Semaphore(0);
    Subtask subtask = start();
    subtask.collect("a");
    subtask.snapshot(SavepointType.suspend(SavepointFormatType.CANONICAL));
    CompletableFuture<Void> completion =
        CompletableFuture.runAsync(
            () -> {
              try {
                subtask.complete();
              } catch (Exception e) {
                throw new IllegalStateException(e);
              }
            });
    Thread.sleep(200);
    assertThat(completion).as("the stop").isNotDone();
    system.permits.release();
    completion.get(30, TimeUnit.SECONDS);
    assertThat(system.written).containsExactly("a");
    kill(subtask);
    assertThat(system.leaseReleased).isTrue();
  }

  @Test
  void cancellationDoesNotWaitForReplay() throws Exception {
    system.permits = new Semaphore(0);
    Subtask subtask = start();
    subtask.collect("a");
    subtask.snapshot();
    subtask.complete();
    kill(subtask);
    assertThat(system.written).isEmpty();
    assertThat(system.leaseReleased).as("another job could come in between").isFalse();
  }

  @Test
  void limitsSizeOfCommittables() throws Exception {
    Subtask subtask = start();
    for (int i = 0; i < MemoryTarget.MAX_RECORDS * 2 + 1; i++) {
      subtask.collect("x");
    }
    String large = "x".repeat((int) ReplayLog.MAX_EXPANDED_BYTES / 2);
    subtask.collect(large, large, large);
    subtask.snapshot();
    subtask.complete();
    Waiting.until("four commits", () -> system.sizes.size() == 4);
    assertThat(system.sizes)
        .containsExactly(MemoryTarget.MAX_RECORDS, MemoryTarget.MAX_RECORDS, 3, 1);
  }

  /** The mark in the state proves that the target has confirmed more commits than it still has. */
  @Test
  void failsWhenTargetLostCommits() throws Exception {
    Subtask subtask = startAndWriteA();
    OperatorSubtaskState state = subtask.snapshot();
    kill(subtask);
    system.marks.clear();
    List<String> before = List.copyOf(system.written);
    Subtask next = new Subtask(target, false, 1, 0);
    MockEnvironment environment = next.getEnvironment();
    environment.setExpectedExternalFailureCause(LostCommitsException.class);
    next.setup();
    next.initializeState(state);
    next.open();
    Waiting.until("the failure", () -> environment.getActualExternalFailureCause().isPresent());
    assertThat(environment.getActualExternalFailureCause().get())
        .hasMessageContaining("had committed 1 (1 records), and the target has 0 (0 records)")
        .hasMessageContaining("feedback.on-lost-transaction: continue");
    assertThat(system.written).isEqualTo(before);
  }

  /**
   * A job that was restored twice without writing anything still knows which commits its target
   * must have.
   */
  @Test
  void keepsRestoredMarkUntilFirstCommit() throws Exception {
    Subtask subtask = startAndWriteA();
    OperatorSubtaskState state = subtask.snapshot();
    for (int restart = 0; restart < 2; restart++) {
      kill(open.get(0));
      int confirmed = system.confirmed.get();
      Subtask idle = restore(state);
      Waiting.until("the mark verified", () -> system.confirmed.get() > confirmed);
      state = idle.snapshot();
      assertThat(marksIn(idle)).containsExactly(new Mark(1, 1));
    }
    Subtask writing = open.get(0);
    writing.collect("b");
    writing.snapshot();
    writing.complete();
    awaitWritten("a", "b");
    Waiting.until("only the own mark", () -> marksIn(writing).size() == 1);
    assertThat(marksIn(writing)).containsExactly(new Mark(1, 1));
    assertThat(system.marks).hasSize(2);
  }

  /** Starts a subtask that has written one record and holds the mark in its state. */
  private Subtask startAndWriteA() throws Exception {
    Subtask subtask = start();
    subtask.collect("a");
    subtask.snapshot();
    subtask.complete();
    awaitWritten("a");
    Waiting.until("the mark in the state", () -> marksIn(subtask).contains(new Mark(1, 1)));
    return subtask;
  }

  private static List<Mark> marksIn(Subtask subtask) throws Exception {
    return ((ReplayOperator<Message>) subtask.getOneInputOperator())
        .logs().stream().map(WriterLog::committed).toList();
  }

  @Test
  void continuesWithoutLostCommitsIfConfigured() throws Exception {
    Subtask subtask = startAndWriteA();
    subtask.collect("b");
    OperatorSubtaskState state = subtask.snapshot();
    kill(subtask);
    system.marks.clear();
    restore(new MemoryTarget(target.name(), OnLostTransaction.CONTINUE), false, state);
    awaitWritten("a", "b");
  }

  @Test
  void failsWhenAnotherJobHoldsLease() throws Exception {
    Subtask subtask = start();
    MockEnvironment environment = subtask.getEnvironment();
    environment.setExpectedExternalFailureCause(LeaseException.class);
    system.leaseTaken = true;
    Waiting.until("the failure", () -> environment.getActualExternalFailureCause().isPresent());
  }

  @Test
  void forwardsUnderAtLeastOnceAndReplaysRestoredCommittables() throws Exception {
    Subtask subtask = start();
    subtask.collect("of exactly-once");
    OperatorSubtaskState state = subtask.snapshot();
    kill(subtask);
    Subtask passing = restore(target, true, state);
    passing.collect("of at-least-once");
    awaitWritten("of exactly-once");
    assertThat(passing.extractOutputValues())
        .containsExactly(MemoryTarget.message("of at-least-once"));
    // Change back to exactly-once.
    state = passing.snapshot();
    kill(passing);
    Subtask back = restore(state);
    back.collect("of exactly-once again");
    back.snapshot();
    back.complete();
    awaitWritten("of exactly-once", "of exactly-once again");
  }

  @Test
  void logsCommittablesWithoutContent() {
    assertThat(new Committable(7, 1, new byte[1 << 20], 1, 3, 0, 0))
        .hasToString("committable 7 (3 records, 1048576 bytes)");
  }
}
