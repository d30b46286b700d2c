package io.promostream.subscribers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.promostream.subscribers.ListUpdate.AudiencePart;
import io.promostream.subscribers.ListUpdate.RefreshCompleted;
import io.promostream.subscribers.SubscriberListEnumerator.State;
import io.promostream.subscribers.SubscriberListReader.Emitted;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.connector.source.ReaderInfo;
import org.apache.flink.api.connector.source.mocks.MockSplitEnumeratorContext;
import org.junit.jupiter.api.Test;

/** The state of the reader and of the enumerator in checkpoints. */
@SuppressWarnings("try") // Flink's close() may throw InterruptedException
class SubscriberListStateTest {

  private static final SubscriberListSplit SPLIT =
      new SubscriberListSplit(
          new RefreshCompleted("", 7, 1_700_000_000_000L, 3, 9),
          Map.of(
              "r", new Fingerprint(5, Long.MIN_VALUE, Long.MAX_VALUE),
              "😀\u0001", new Fingerprint(4, -1, 1),
              "half", Fingerprint.UNFINISHED));

  @Test
  void roundTripsSplitThroughSerializer() throws IOException {
    var serializer = new SubscriberListSplit.Serializer();

    assertThat(serializer.deserialize(1, serializer.serialize(SPLIT))).isEqualTo(SPLIT);
    assertThat(serializer.deserialize(1, serializer.serialize(SubscriberListSplit.NOTHING_SENT)))
        .isEqualTo(SubscriberListSplit.NOTHING_SENT);
  }

  @Test
  void roundTripsEnumeratorStateThroughSerializer() throws IOException {
    var serializer = new SubscriberListEnumerator.Serializer();

    for (State state : List.of(new State(null), new State(SPLIT))) {
      assertThat(serializer.deserialize(1, serializer.serialize(state))).isEqualTo(state);
    }
  }

  @Test
  void refusesStateOfNewerReleaseWithReason() {
    assertThatThrownBy(() -> new SubscriberListSplit.Serializer().deserialize(2, new byte[100]))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("format 2");
    assertThatThrownBy(() -> new SubscriberListEnumerator.Serializer().deserialize(2, new byte[0]))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("format 2");
  }

  @Test
  void assignsSplitToOneReaderAndReassignsReturnedSplit() throws Exception {
    try (var context = new MockSplitEnumeratorContext<SubscriberListSplit>(2);
        var enumerator = new SubscriberListEnumerator(context, new State(SPLIT))) {
      enumerator.start();
      assertThat(enumerator.snapshotState(1)).isEqualTo(new State(SPLIT));

      register(context, enumerator, 1);
      register(context, enumerator, 0);
      assertThat(context.getSplitsAssignmentSequence()).hasSize(1);
      assertThat(context.getSplitsAssignmentSequence().get(0).assignment())
          .isEqualTo(Map.of(1, List.of(SPLIT)));
      assertThat(enumerator.snapshotState(2)).isEqualTo(new State(null));

      enumerator.addSplitsBack(List.of(), 0);
      assertThat(enumerator.snapshotState(3)).isEqualTo(new State(null));
      enumerator.addSplitsBack(List.of(SPLIT), 1);
      assertThat(enumerator.snapshotState(4)).isEqualTo(new State(SPLIT));

      register(context, enumerator, 0);
      assertThat(context.getSplitsAssignmentSequence().get(1).assignment())
          .isEqualTo(Map.of(0, List.of(SPLIT)));
    }
  }

  @Test
  void restoredEnumeratorDoesNotReassignSplit() throws Exception {
    try (var context = new MockSplitEnumeratorContext<SubscriberListSplit>(1);
        var enumerator = new SubscriberListEnumerator(context, new State(null))) {
      register(context, enumerator, 0);
      assertThat(context.getSplitsAssignmentSequence()).isEmpty();
    }
  }

  private static void register(
      MockSplitEnumeratorContext<SubscriberListSplit> context,
      SubscriberListEnumerator enumerator,
      int subtask) {
    context.registerReader(new ReaderInfo(subtask, "here"));
    enumerator.addReader(subtask);
  }

  @Test
  void remembersOnlyCompletelySentAudiences() {
    Emitted emitted = new Emitted(SPLIT);
    SubscriberListSplit before = emitted.snapshot();
    assertThat(emitted.snapshot()).isSameAs(before).isEqualTo(SPLIT);

    emitted.add(part("r", 0, false, Fingerprint.UNFINISHED));
    assertThat(emitted.snapshot().fingerprints()).containsEntry("r", Fingerprint.UNFINISHED);
    emitted.add(part("r", 1, true, new Fingerprint(6, 1, 1)));
    emitted.add(part("half", 0, true, Fingerprint.NO_ROWS));
    emitted.add(ListChange.completed(new RefreshCompleted("", 8, 9, 2, 10)));

    assertThat(emitted.snapshot())
        .isEqualTo(
            new SubscriberListSplit(
                new RefreshCompleted("", 8, 9, 2, 10),
                Map.of("r", new Fingerprint(6, 1, 1), "😀\u0001", new Fingerprint(4, -1, 1))));
    assertThat(before).isEqualTo(SPLIT);
  }

  private static ListChange part(String id, int part, boolean last, Fingerprint fingerprint) {
    return new ListChange(new AudiencePart(id, part, last, Audience.EMPTY), fingerprint);
  }
}
