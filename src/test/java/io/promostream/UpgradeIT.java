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
 * What each release left in a savepoint and in a checkpoint is gone on with by this build, at
 * another parallelism: what is due is delivered, and nothing twice. See {@link ReleasedState}.
 *
 * <p>Where this fails, an upgrade from that release fails or delivers wrongly: state must be read
 * as it was written (see {@code StateInventoryTest}).
 */
class UpgradeIT {

  @TempDir Path directory;

  /** Every release's state, a savepoint with either backend, a checkpoint with its own. */
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
      // Each promo comes twice more.
      long enough = ReleasedState.sent() + 2L * promos.size();
      TestJob.await("more of the same promos", () -> ReleasedState.sent() >= enough);
      job.savepoint();

      assertThat(sorted(rows())).isEqualTo(expected);
      assertThat(sorted(Ledger.all(NOTIFICATIONS))).isEqualTo(expected);
      assertThat(Ledger.all("rejected")).isEmpty();
      assertHadSomethingInEveryPlace();
    }
  }

  /** All rows: those before are the same as the notifications, of which the state tells. */
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

  /** Otherwise the state was taken at another moment than was meant: write it again. */
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
