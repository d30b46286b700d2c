package io.promostream.replay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.promostream.replay.Lease.Holder;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.flink.util.function.ThrowingRunnable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Who gets a lease, and who is refused. */
class LeaseTest {

  private final TestTime time = new TestTime();
  private final AtomicReference<@Nullable Holder> holder = new AtomicReference<>();

  private Lease lease(String owner) {
    return new Lease(
        new Lease.Store() {
          @Override
          public @Nullable Holder read() {
            return holder.get();
          }

          @Override
          public void replace(@Nullable Holder expected, Holder next) {
            holder.compareAndSet(expected == null ? null : holder.get(), next);
          }

          @Override
          public String describe() {
            return "of the test";
          }
        },
        owner,
        time);
  }

  /** A clock that advances only while somebody sleeps. */
  private static final class TestTime implements Lease.Time {

    private Duration now = Duration.ZERO;

    /** The action of another job while somebody sleeps. */
    private ThrowingRunnable<Exception> meanwhile = () -> {};

    @Override
    public long nanos() {
      return now.toNanos();
    }

    @Override
    public void sleep(Duration pause) {
      now = now.plus(pause);
      ThrowingRunnable.unchecked(meanwhile).run();
    }
  }

  @Test
  void acquiresFreeLease() throws Exception {
    lease("a").acquire();
    assertThat(holder.get().owner()).isEqualTo("a");
  }

  @Test
  void subtasksOfOneJobShareLease() throws Exception {
    lease("a").acquire();
    lease("a").acquire();
    assertThat(holder.get().owner()).isEqualTo("a");
  }

  @Test
  void refusesLeaseThatItsHolderRenews() throws Exception {
    Lease first = lease("a");
    first.acquire();
    time.meanwhile = first::hold;
    assertThatThrownBy(() -> lease("b").acquire())
        .isInstanceOf(LeaseException.class)
        .hasMessageContaining("held by the job a");
    assertThat(holder.get().owner()).isEqualTo("a");
  }

  @Test
  void takesOverFromDeadHolder() throws Exception {
    Lease first = lease("a");
    first.acquire();
    lease("b").acquire();
    assertThat(holder.get().owner()).isEqualTo("b");
    time.sleep(Lease.TIME_TO_LIVE);
    assertThatThrownBy(first::hold).as("the first wakes up").isInstanceOf(LeaseException.class);
  }

  @Test
  void acquiresReleasedLeaseAtOnce() throws Exception {
    Lease first = lease("a");
    first.acquire();
    first.release();
    Duration start = time.now;
    lease("b").acquire();
    assertThat(holder.get().owner()).isEqualTo("b");
    assertThat(time.now.minus(start)).isLessThan(Lease.TIME_TO_LIVE);
  }

  /**
   * A running subtask takes back the lease that another subtask has released. The last one to end
   * leaves it free.
   */
  @Test
  void runningSubtaskTakesReleasedLeaseBack() throws Exception {
    Lease first = lease("a");
    first.acquire();
    lease("a").release();
    time.sleep(Lease.TIME_TO_LIVE);
    assertThat(first.hold()).isTrue();
    assertThat(holder.get().owner()).isEqualTo("a");
    first.release();
    assertThat(holder.get().owner()).isEqualTo(Lease.NOBODY);
  }

  @Test
  void reportsOnceThatRenewalCountWentBack() throws Exception {
    Lease lease = lease("a");
    lease.acquire();
    for (int i = 0; i < 3; i++) {
      time.sleep(Lease.TIME_TO_LIVE.dividedBy(2));
      assertThat(lease.hold()).isTrue();
    }
    holder.set(new Holder("a", 1));
    time.sleep(Lease.TIME_TO_LIVE.dividedBy(2));
    assertThat(lease.hold()).isFalse();
    time.sleep(Lease.TIME_TO_LIVE.dividedBy(2));
    assertThat(lease.hold()).as("once it has been noticed").isTrue();
  }
}
