package io.promostream.replay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.promostream.replay.Lease.Holder;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Who gets a lease, and who is refused. */
class LeaseTest {

  private static final Duration TIME_TO_LIVE = Duration.ofMillis(600);

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
        TIME_TO_LIVE);
  }

  private CompletableFuture<Void> renewing(Lease lease) {
    return CompletableFuture.runAsync(
        () -> {
          try {
            while (!Thread.currentThread().isInterrupted() && holder.get() != null) {
              lease.hold();
              Thread.sleep(50);
            }
          } catch (Exception e) {
            throw new IllegalStateException(e);
          }
        });
  }

  @Test
  void isTakenWhenNobodyHasIt() throws Exception {
    lease("a").acquire();
    assertThat(holder.get().owner()).isEqualTo("a");
  }

  @Test
  void isSharedByTheSubtasksOfAJob() throws Exception {
    lease("a").acquire();
    lease("a").acquire();
    assertThat(holder.get().owner()).isEqualTo("a");
  }

  @Test
  void isRefusedWhileItsHolderRenewsIt() throws Exception {
    Lease first = lease("a");
    first.acquire();
    CompletableFuture<Void> renewals = renewing(first);
    assertThatThrownBy(() -> lease("b").acquire())
        .isInstanceOf(LeaseException.class)
        .hasMessageContaining("held by the job a");
    assertThat(renewals).as("the first job").isNotDone();
    assertThat(holder.getAndSet(null).owner()).isEqualTo("a");
  }

  @Test
  void isTakenOverFromADeadHolder() throws Exception {
    Lease first = lease("a");
    first.acquire();
    lease("b").acquire();
    assertThat(holder.get().owner()).isEqualTo("b");
    Thread.sleep(TIME_TO_LIVE.toMillis());
    assertThatThrownBy(first::hold).as("the first wakes up").isInstanceOf(LeaseException.class);
  }

  @Test
  void isGivenBack() throws Exception {
    Lease first = lease("a");
    first.acquire();
    first.release();
    long start = System.nanoTime();
    lease("b").acquire();
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(TIME_TO_LIVE);
  }

  /** The last subtask to end leaves the lease free. */
  @Test
  void isTakenBackByASubtaskThatStillWorks() throws Exception {
    Lease first = lease("a");
    first.acquire();
    lease("a").release();
    Thread.sleep(TIME_TO_LIVE.toMillis());
    assertThat(first.hold()).isTrue();
    assertThat(holder.get().owner()).isEqualTo("a");
    first.release();
    assertThat(holder.get().owner()).isEqualTo(Lease.NOBODY);
  }

  @Test
  void noticesThatItsCountWentBack() throws Exception {
    Lease lease = lease("a");
    lease.acquire();
    for (int i = 0; i < 3; i++) {
      Thread.sleep(TIME_TO_LIVE.toMillis() / 2);
      assertThat(lease.hold()).isTrue();
    }
    holder.set(new Holder("a", 1));
    Thread.sleep(TIME_TO_LIVE.toMillis() / 2);
    assertThat(lease.hold()).isFalse();
    Thread.sleep(TIME_TO_LIVE.toMillis() / 2);
    assertThat(lease.hold()).as("once it has been noticed").isTrue();
  }
}
