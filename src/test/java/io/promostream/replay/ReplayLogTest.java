package io.promostream.replay;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.config.JobConfig.OnLostTransaction;
import io.promostream.kafka.Message;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** A log may hold the amount that its target takes in three checkpoint intervals. */
class ReplayLogTest {

  private static final long MAX = 256 << 20;
  private static final int MEGABYTE = 1 << 20;

  private final ReplayLog<Message> log =
      new ReplayLog<>(
          new MemoryTarget(UUID.randomUUID().toString(), OnLostTransaction.FAIL), true, MAX);
  private long checkpoint;

  /** Collects this number of committables of a megabyte each, which is below their maximum size. */
  private void collect(int megabytes) throws Exception {
    for (int i = 0; i < megabytes; i++) {
      log.add(new Message(null, new byte[MEGABYTE], List.of()), null, 0);
      log.snapshot(checkpoint + 1, 0);
    }
  }

  private void completeCheckpoint() {
    log.complete(++checkpoint);
  }

  private void replay(int committables) throws Exception {
    for (int i = 0; i < committables; i++) {
      ReplayLog.Next next = log.next(0);
      log.committed(next.writer(), next.committed().after(next.committable()));
    }
  }

  private long allowed() {
    return (log.room() + log.heldBytes()) / MEGABYTE;
  }

  @Test
  void allowsMaximumWhenTargetKeepsUp() throws Exception {
    for (int i = 0; i < 3; i++) {
      collect(20);
      completeCheckpoint();
      replay(20);
    }
    assertThat(allowed()).isEqualTo(MAX / MEGABYTE);
  }

  @Test
  void allowsThreeIntervalsWhenTargetIsBehind() throws Exception {
    collect(100);
    completeCheckpoint();
    replay(20);
    collect(1);
    completeCheckpoint();
    assertThat(allowed()).isEqualTo(60);
    assertThat(log.room()).isNegative();
  }

  @Test
  void allowsMinimumWhenTargetTakesNothing() throws Exception {
    collect(100);
    completeCheckpoint();
    completeCheckpoint();
    assertThat(allowed() * MEGABYTE).isEqualTo(Backlog.MIN_ROOM_BYTES);
  }

  @Test
  void allowsMoreWhenTargetCatchesUp() throws Exception {
    collect(12);
    completeCheckpoint();
    completeCheckpoint();
    replay(12);
    long before = allowed();
    collect((int) before);
    assertThat(log.room()).isNotPositive();
    completeCheckpoint();
    replay((int) before);
    completeCheckpoint();
    assertThat(allowed()).isEqualTo(2 * before);
  }
}
