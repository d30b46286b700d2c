package io.promostream;

import static io.promostream.ReleasedState.CLIENTS;
import static io.promostream.ReleasedState.LATE_CLIENT;
import static io.promostream.ReleasedState.NOTIFICATIONS;
import static io.promostream.ReleasedState.REPORTS;
import static io.promostream.ReleasedState.ROWS;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.delivery.ControlGroup;
import io.promostream.promo.Promo;
import io.promostream.subscribers.Audience;
import io.promostream.testing.CampaignReports;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
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
      awaitAll(job, UpgradeIT::expected, promos);
      job.savepoint();

      assertThat(sorted(rows())).isEqualTo(expected);
      assertThat(sorted(Ledger.all(NOTIFICATIONS))).isEqualTo(expected);
      assertThat(Ledger.all("rejected")).isEmpty();
      assertHadSomethingInEveryPlace();
    }
  }

  /** Every optional rule begins with the restored state, and ends with the next savepoint. */
  @ParameterizedTest
  @MethodSource("released")
  void resumesFromReleasedStateWithTheCampaignDesk(Path state, String backend) throws Exception {
    int hour = (LocalTime.now(ZoneOffset.UTC).getHour() + 12) % 24;
    String[] desk = {
      "--reports.topic=reports",
      "--control.topic=control",
      "--delivery.max-per-second=500",
      "--delivery.max-per-second-per-restaurant=20",
      "--delivery.quiet-hours=%02d:00-%02d:30".formatted(hour, hour),
      "--delivery.control-group-percent=30",
      "--delivery.late-subscribers-within=3650 d"
    };
    try (ReleasedState job = new ReleasedState(directory)) {
      job.subscribeToAll(LATE_CLIENT);
      List<byte[]> promos = ReleasedState.promosAfter();
      job.start(3, backend, state, promos, desk);
      awaitAll(job, UpgradeIT::expectedWithControlGroup, promos);
      Path savepoint = Path.of(URI.create(job.savepoint()));
      List<String> expected = expectedWithControlGroup();

      assertThat(sorted(rows())).isEqualTo(expected);
      assertThat(sorted(Ledger.all(NOTIFICATIONS))).isEqualTo(expected);
      assertThat(Ledger.all("rejected")).isEmpty();
      assertThat(reported()).isEqualTo(counts(expected));
      assertHadSomethingInEveryPlace();

      job.start(2, backend, savepoint, promos);
      long enough = 2L * promos.size();
      TestJob.await("the same promos again", () -> ReleasedState.sent() >= enough);
      job.savepoint();
      assertThat(Ledger.written(ROWS)).isEmpty();
      assertThat(sorted(Ledger.restored(NOTIFICATIONS))).isEqualTo(expected);
      assertThat(Ledger.written(NOTIFICATIONS)).isEmpty();
    }
  }

  private static void awaitAll(
      ReleasedState job, Supplier<List<String>> expected, List<byte[]> promos) throws Exception {
    TestJob.await(
        "all expected rows and notifications",
        () -> {
          job.assertRunning();
          int count = expected.get().size();
          return rows().size() >= count && Ledger.all(NOTIFICATIONS).size() >= count;
        });
    // Send each promo twice more.
    long enough = ReleasedState.sent() + 2L * promos.size();
    TestJob.await("more of the same promos", () -> ReleasedState.sent() >= enough);
  }

  /**
   * The control group, which the release did not have, takes clients without a decision. Only the
   * live campaign began so long ago that the new client comes too late.
   */
  private static List<String> expectedWithControlGroup() {
    ControlGroup group = new ControlGroup(3_000);
    List<String> before = Ledger.restored(NOTIFICATIONS);
    List<String> expected = new ArrayList<>(expected());
    expected.removeIf(
        delivery -> {
          String[] ids = delivery.split(" ");
          Promo promo = new Promo(ids[0], "c", "", "", "", 0, 0, 0);
          boolean decided =
              !ids[1].equals(LATE_CLIENT)
                  && before.stream().anyMatch(one -> one.startsWith(ids[0] + " "));
          return delivery.equals("live " + LATE_CLIENT)
              || (!decided && group.removeFrom(Audience.of(ids[1]), promo).isEmpty());
        });
    return expected;
  }

  /** The deliveries of each restaurant's campaign, by its report. */
  private static Map<String, Long> reported() {
    Map<String, Long> reported = new TreeMap<>();
    for (String json : Ledger.written(REPORTS)) {
      Map<String, String> report = CampaignReports.fields(json.getBytes(UTF_8));
      assertThat(report).containsEntry("state", "live").containsEntry("pending", "0");
      reported.put(report.get("restaurant_id"), Long.parseLong(report.get("delivered")));
    }
    return reported;
  }

  private static Map<String, Long> counts(List<String> deliveries) {
    Map<String, Long> counts = new TreeMap<>();
    ReleasedState.restaurants().forEach(restaurant -> counts.put(restaurant, 0L));
    deliveries.forEach(one -> counts.merge(one.split(" ")[0], 1L, Long::sum));
    return counts;
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
