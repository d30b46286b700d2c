package io.promostream.subscribers;

import io.promostream.subscribers.ListUpdate.AudiencePart;
import io.promostream.subscribers.ListUpdate.RefreshCompleted;
import io.promostream.testing.GoldenBytes;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The bytes of the subscriber list in state and between tasks. */
class ListFormatsTest {

  private static final Audience CLIENTS =
      Audience.of("b", "a", "123e4567-e89b-12d3-a456-426614174000", "\u0001é😀");

  @Test
  void audience() {
    GoldenBytes.check("Audience", new Audience.Serializer(), List.of(Audience.EMPTY, CLIENTS));
  }

  @Test
  void listUpdate() {
    GoldenBytes.check(
        "ListUpdate",
        new ListUpdate.Serializer(),
        List.of(
            new AudiencePart("r", 2, true, CLIENTS),
            new RefreshCompleted("k", 7, 1_700_000_000_000L, 3, 9)));
  }

  /** The map must be sorted, because the order of other maps differs between builds. */
  private static SubscriberListSplit split() {
    Map<String, Fingerprint> fingerprints = new LinkedHashMap<>();
    fingerprints.put("r", new Fingerprint(5, Long.MIN_VALUE, Long.MAX_VALUE));
    fingerprints.put("half", Fingerprint.UNFINISHED);
    return new SubscriberListSplit(
        new RefreshCompleted("", 7, 1_700_000_000_000L, 3, 9), fingerprints);
  }

  @Test
  void splitOfTheSource() {
    GoldenBytes.check(
        "SubscriberListSplit",
        new SubscriberListSplit.Serializer(),
        List.of(SubscriberListSplit.NOTHING_SENT, split()));
  }

  @Test
  void stateOfTheEnumerator() {
    GoldenBytes.check(
        "SubscriberListEnumerator",
        new SubscriberListEnumerator.Serializer(),
        List.of(
            new SubscriberListEnumerator.State(null), new SubscriberListEnumerator.State(split())));
  }
}
