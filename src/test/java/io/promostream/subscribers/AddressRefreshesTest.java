package io.promostream.subscribers;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.subscribers.ListUpdate.AudiencePart;
import io.promostream.subscribers.ListUpdate.RefreshCompleted;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.streaming.api.operators.StreamFlatMap;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The list before {@code keyBy(ListUpdate::key)}. */
@SuppressWarnings("try") // Flink's close() may throw InterruptedException
class AddressRefreshesTest {

  private static final List<ListUpdate> UPDATES = updates();

  private static List<ListUpdate> updates() {
    List<ListUpdate> updates = new ArrayList<>();
    for (int refresh = 1; refresh <= 2; refresh++) {
      for (int i = 0; i < 200; i++) {
        updates.add(new AudiencePart("restaurant-" + i, 0, false, Audience.of("a" + refresh)));
        updates.add(new AudiencePart("restaurant-" + i, 1, true, Audience.of("b" + refresh)));
      }
      updates.add(new RefreshCompleted("", refresh, 10, 200, 400));
    }
    return updates;
  }

  @ParameterizedTest
  @CsvSource({"128, 1", "128, 3", "7, 7"})
  void everySubtaskGetsItsAudiencesAndEveryRefresh(int maxParallelism, int parallelism)
      throws Exception {
    assertDelivered(
        run(new AddressRefreshes(maxParallelism)).stream()
            .collect(
                Collectors.groupingBy(update -> subtaskOf(update, maxParallelism, parallelism))),
        maxParallelism);
  }

  @Test
  void findsKeyForEveryGroupOfLargestMaxParallelism() throws Exception {
    int groups = KeyGroupRangeAssignment.UPPER_BOUND_MAX_PARALLELISM;
    assertThat(
            run(new AddressRefreshes(groups)).stream()
                .filter(update -> update instanceof RefreshCompleted r && r.version() == 1)
                .map(update -> KeyGroupRangeAssignment.assignToKeyGroup(update.key(), groups)))
        .doesNotHaveDuplicates()
        .hasSize(groups);
  }

  /**
   * Checks that no update is lost, duplicated or out of order, and that each key group gets each
   * refresh once.
   */
  private static void assertDelivered(
      Map<Integer, List<ListUpdate>> bySubtask, int maxParallelism) {
    List<ListUpdate> parts = new ArrayList<>();
    List<RefreshCompleted> refreshes = new ArrayList<>();
    for (List<ListUpdate> subtask : bySubtask.values()) {
      long refreshesHeard = 0;
      for (ListUpdate update : subtask) {
        if (update instanceof RefreshCompleted refresh) {
          refreshes.add(refresh);
          refreshesHeard = refresh.version();
        } else if (update instanceof AudiencePart part) {
          parts.add(part);
          assertThat(part.clients()).isEqualTo(sentIn(refreshesHeard + 1, part.part()));
        }
      }
      assertThat(refreshesHeard).isEqualTo(2);
    }
    assertThat(parts)
        .containsExactlyInAnyOrderElementsOf(
            UPDATES.stream().filter(AudiencePart.class::isInstance).toList());
    for (long version = 1; version <= 2; version++) {
      long expected = version;
      assertThat(refreshes.stream().filter(refresh -> refresh.version() == expected))
          .extracting(
              refresh -> KeyGroupRangeAssignment.assignToKeyGroup(refresh.key(), maxParallelism))
          .containsExactlyInAnyOrderElementsOf(IntStream.range(0, maxParallelism).boxed().toList());
    }
    assertThat(refreshes).extracting(RefreshCompleted::subscriptions).containsOnly(400L);
  }

  private static Audience sentIn(long refresh, int part) {
    return Audience.of((part == 0 ? "a" : "b") + refresh);
  }

  private static int subtaskOf(ListUpdate update, int maxParallelism, int parallelism) {
    return KeyGroupRangeAssignment.assignKeyToParallelOperator(
        update.key(), maxParallelism, parallelism);
  }

  private static List<ListUpdate> run(FlatMapFunction<ListUpdate, ListUpdate> function)
      throws Exception {
    try (OneInputStreamOperatorTestHarness<ListUpdate, ListUpdate> harness =
        new OneInputStreamOperatorTestHarness<>(new StreamFlatMap<>(function))) {
      harness.setup(new ListUpdate.Serializer());
      harness.open();
      for (ListUpdate update : UPDATES) {
        harness.processElement(new StreamRecord<>(update));
      }
      return harness.extractOutputValues();
    }
  }
}
