package io.promostream.local.page;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FaultsTest {

  private final CompletableFuture<Void> killed = new CompletableFuture<>();
  private final CompletableFuture<Void> mayEnd = new CompletableFuture<>();
  private final Faults faults =
      new Faults(new SlowEngine(), Clock.fixed(Instant.ofEpochMilli(7), ZoneOffset.UTC));

  @AfterEach
  void close() {
    faults.close();
  }

  @Test
  void endsWithTheFirstCheckpointOfTheRecoveredJob() throws Exception {
    assertThat(faults.begin(Faults.Kind.TASKMANAGER)).isTrue();
    killed.get(10, SECONDS);
    faults.observe(flow(14, 9), true);
    assertThat(goesOn()).as("the action goes on").isTrue();
    mayEnd.complete(null);
    for (long checkpoint = 9; goesOn(); checkpoint++) {
      faults.observe(flow(3, checkpoint + 9), true);
      faults.observe(flow(14, checkpoint + 9), false);
      faults.observe(flow(14, checkpoint), true);
      assertThat(goesOn()).as("no checkpoint of the recovered job yet").isTrue();
      faults.observe(flow(14, checkpoint + 1), true);
      Thread.onSpinWait();
    }
    assertThat(faults.events()).containsExactly(new Faults.Event(Faults.Kind.TASKMANAGER, 7, 0L));
    assertThat(faults.begin(Faults.Kind.TASKMANAGER)).isTrue();
  }

  @Test
  void causesOneFaultAtATime() {
    assertThat(faults.begin(Faults.Kind.TASKMANAGER)).isTrue();
    assertThat(faults.begin(Faults.Kind.POSTGRES)).isFalse();
  }

  private boolean goesOn() {
    return faults.events().get(0).tookMillis() == null;
  }

  private static Engine.Flow flow(int tasksRunning, long checkpoint) {
    return new Engine.Flow(
        "RUNNING", tasksRunning, 14, 0, 0, 0, 0, 0, 0, 0, null, checkpoint, 0, 0);
  }

  /** Its TaskManager ends when the test allows it. */
  private final class SlowEngine implements Engine {

    @Override
    public Flow flow() {
      throw new UnsupportedOperationException();
    }

    @Override
    public String preview(byte[] promo) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void killTaskManager() throws Exception {
      killed.complete(null);
      mayEnd.get(10, SECONDS);
    }

    @Override
    public void restartDatabase() {
      throw new UnsupportedOperationException();
    }
  }
}
