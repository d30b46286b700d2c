package io.promostream.subscribers;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.junit.jupiter.api.Test;

class AudienceTest {

  private static final Audience.Serializer SERIALIZER = new Audience.Serializer();

  @Property
  void behavesLikeASet(
      @ForAll("clients") List<String> ours, @ForAll("clients") List<String> theirs) {
    Audience a = Audience.of(ours);
    Audience b = Audience.of(theirs);

    assertHolds(a, new HashSet<>(ours));
    Set<String> expected = new HashSet<>(ours);
    expected.removeAll(theirs);
    assertHolds(a.minus(b), expected);
    expected = new HashSet<>(ours);
    expected.addAll(theirs);
    assertHolds(a.plus(b), expected);
    expected = new HashSet<>(ours);
    expected.retainAll(theirs);
    assertHolds(a.and(b), expected);
  }

  private static void assertHolds(Audience audience, Set<String> clients) {
    assertThat(audience.clientIds()).doesNotHaveDuplicates().hasSameElementsAs(clients);
    assertThat(audience.size()).isEqualTo(clients.size());
    assertThat(audience.isEmpty()).isEqualTo(clients.isEmpty());
    // Equality depends on the content alone.
    assertThat(audience).isEqualTo(Audience.of(clients)).hasSameHashCodeAs(Audience.of(clients));
  }

  @Property
  void isEqualOnlyToAudienceOfSameClients(
      @ForAll("clients") List<String> ours, @ForAll("clients") List<String> theirs) {
    assertThat(Audience.of(ours).equals(Audience.of(theirs)))
        .isEqualTo(new HashSet<>(ours).equals(new HashSet<>(theirs)));
  }

  @Property
  void slicesAreBoundedDisjointAndComplete(
      @ForAll("clients") List<String> clients,
      @ForAll @IntRange(min = 1, max = 10) int maxClients,
      @ForAll @IntRange(min = 1, max = 200) int maxBytes) {
    Audience whole = Audience.of(clients);
    List<Audience> slices = whole.slices(maxClients, maxBytes);

    Collection<String> together = new ArrayList<>();
    for (Audience slice : slices) {
      assertThat(slice.size()).isBetween(1, maxClients);
      assertThat(slice.byteSize() <= maxBytes || slice.size() == 1).isTrue();
      together.addAll(slice.clientIds());
    }
    assertThat(together).doesNotHaveDuplicates().hasSameElementsAs(new HashSet<>(clients));
  }

  @Property
  void roundTripsThroughSerializer(@ForAll("clients") List<String> clients) throws IOException {
    Audience audience = Audience.of(clients);
    DataOutputSerializer out = new DataOutputSerializer(64);
    SERIALIZER.serialize(audience, out);
    DataInputDeserializer in = new DataInputDeserializer(out.getCopyOfBuffer());

    assertThat(SERIALIZER.deserialize(in)).isEqualTo(audience);
    assertThat(in.available()).isZero();
  }

  /** Similar ids from a small range, so that sets overlap. */
  @Provide
  Arbitrary<List<String>> clients() {
    Arbitrary<String> uuid =
        Arbitraries.integers().between(1, 20).map(i -> new UUID(i % 3 - 1L, i).toString());
    Arbitrary<String> nearUuid =
        Combinators.combine(
                uuid,
                Arbitraries.integers().between(0, 35),
                Arbitraries.of("A", "F", "g", "-", "0", "é", "", "00", ":", "/", "`", "@"))
            .as((id, at, other) -> id.substring(0, at) + other + id.substring(at + 1));
    Arbitrary<String> text =
        Arbitraries.of("a", "A", "b", "ab", "\u0001", " ", "é", "ü", "😀", "\uFFFF", "1", "9", "10")
            .list()
            .ofMinSize(1)
            .ofMaxSize(3)
            .map(parts -> String.join("", parts));
    return Arbitraries.oneOf(
            uuid,
            nearUuid,
            uuid.map(id -> id.toUpperCase(Locale.ROOT)),
            text,
            // Ids of 36 and of 16 bytes that are not UUIDs.
            Arbitraries.of("é".repeat(18), "x".repeat(16), "0".repeat(36)))
        .list()
        .ofMaxSize(40);
  }

  @Test
  void storesUuidIn16BytesAndOtherIdInUtf8LengthPlusFour() {
    assertThat(Audience.of("0b54a3ff-6d5f-4b0c-8f5a-d2a1f2f9d0aa").byteSize()).isEqualTo(16);
    assertThat(Audience.of("0B54A3FF-6D5F-4B0C-8F5A-D2A1F2F9D0AA").byteSize()).isEqualTo(40);
    assertThat(Audience.of("😀").byteSize()).isEqualTo(8);
  }

  @Test
  void collectsLargeAudienceInAnyOrderWithDuplicates() {
    Audience.Builder builder = new Audience.Builder(100);
    // 7 and 300,000 have no common divisor, so this gives all ids in mixed order, each twice.
    IntStream.range(0, 600_000)
        .mapToObj(i -> "client-" + i * 7L % 300_000)
        .map(id -> id.getBytes(StandardCharsets.UTF_8))
        .forEach(id -> builder.add(id, 0, id.length));

    Audience audience = builder.build();
    assertThat(audience.size()).isEqualTo(300_000);
    assertThat(audience)
        .isEqualTo(Audience.of(IntStream.range(0, 300_000).mapToObj(i -> "client-" + i).toList()));
  }

  /**
   * UUIDs have their own sorting algorithm. Covers few and many of them, common prefixes and
   * duplicates.
   */
  @Property(tries = 200)
  void sortsUuidsAsUnsignedBytes(
      @ForAll @IntRange(min = 0, max = 3_000) int count,
      @ForAll @IntRange(min = 1, max = 64) int randomBits,
      @ForAll Random random) {
    List<String> ids =
        Stream.generate(
                () ->
                    new UUID(
                            random.nextBoolean() ? 0 : random.nextLong() >>> (64 - randomBits),
                            random.nextLong() << (64 - randomBits))
                        .toString())
            .limit(count)
            .toList();

    assertThat(Audience.of(ids).clientIds()).isEqualTo(ids.stream().distinct().sorted().toList());
  }
}
