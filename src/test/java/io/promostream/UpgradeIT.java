package io.promostream;

import static io.promostream.ReleasedState.CLIENTS;
import static io.promostream.ReleasedState.LATE_CLIENT;
import static io.promostream.ReleasedState.NOTIFICATIONS;
import static io.promostream.ReleasedState.ROWS;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * This build resumes from the savepoints and checkpoints of every release, at another parallelism.
 * It must send all pending deliveries and repeat none. See {@link ReleasedState}.
 *
 * <p>If this fails, upgrading from that release fails or sends wrong deliveries. State must stay
 * readable (see {@code StateInventoryTest}).
 */
class UpgradeIT {

  @TempDir Path directory;

  /**
   * The state of every release: savepoints with both state backends, checkpoints with their own.
   */
  static List<Arguments> released() throws IOException {
    List<Arguments> released = new ArrayList<>();
    try (Stream<Path> states = Files.walk(ReleasedState.RELEASES, 2)) {
      for (Path state : states.sorted().toList()) {
        for (String backend : List.of("hashmap", "rocksdb")) {
          String name = state.getFileName().toString();
          if (name.startsWith("savepoint-") || name.equals("checkpoint-" + backend)) {
            released.add(Arguments.of(state, backend));
          }
        }
      }
    }
    return released;
  }

  @ParameterizedTest
  @MethodSource("released")
  void resumesFromReleasedState(Path state, String backend) throws Exception {
    try (ReleasedState job = new ReleasedState(directory)) {
      job.subscribeToAll(LATE_CLIENT);
      List<byte[]> promos = ReleasedState.promosAfter();
      job.start(3, backend, state, promos);
      List<String> expected = expected();
      TestJob.await(
          "what is due",
          () -> {
            job.assertRunning();
            return rows().size() >= expected.size()
                && Ledger.all(NOTIFICATIONS).size() >= expected.size();
          });
      // Send each promo twice more.
      long enough = ReleasedState.sent() + 2L * promos.size();
      TestJob.await("more of the same promos", () -> ReleasedState.sent() >= enough);
      job.savepoint();

      assertThat(sorted(rows())).isEqualTo(expected);
      assertThat(sorted(Ledger.all(NOTIFICATIONS))).isEqualTo(expected);
      assertThat(Ledger.all("rejected")).isEmpty();
      assertHadSomethingInEveryPlace();
    }
  }

  /**
   * All rows. The restored ledger of notifications stands for the earlier rows, which are the same.
   */
  private static List<String> rows() {
    List<String> rows = new ArrayList<>(Ledger.restored(NOTIFICATIONS));
    rows.addAll(Ledger.written(ROWS));
    return rows;
  }

  private static List<String> expected() {
    List<String> expected = new ArrayList<>();
    for (String restaurant : ReleasedState.restaurants()) {
      CLIENTS.forEach(client -> expected.add(restaurant + " " + client));
      expected.add(restaurant + " " + LATE_CLIENT);
    }
    return sorted(expected);
  }

  /** Checks that the state was taken at the intended time. If it was not, write it again. */
  private static void assertHadSomethingInEveryPlace() {
    List<String> before = Ledger.restored(NOTIFICATIONS);
    for (String client : CLIENTS) {
      assertThat(before).contains("live " + client, "remembered " + client);
      assertThat(before).doesNotContain("waiting " + client);
    }
    assertThat(ReleasedState.hasHalfDelivered(before))
        .as("a campaign of which one slice was out and the other was not")
        .isTrue();
  }

  private static List<String> sorted(List<String> entries) {
    List<String> sorted = new ArrayList<>(entries);
    Collections.sort(sorted);
    return sorted;
  }
}
