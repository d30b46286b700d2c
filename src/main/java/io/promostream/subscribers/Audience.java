package io.promostream.subscribers;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.promostream.serialization.ValueSerializer;
import io.promostream.serialization.ValueType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * A set of clients: the subscribers of a restaurant, the recipients of a campaign, or its pending
 * clients. It is immutable, sorted and packed: a canonical UUID takes 16 bytes, any other id its
 * UTF-8 bytes plus four.
 *
 * <p>An id is any text that UTF-8 can encode. Every text from Postgres is.
 */
public final class Audience {

  public static final TypeInformation<Audience> TYPE =
      new ValueType<>(Audience.class, new Serializer());

  private static final PackedIds NO_UUIDS = PackedIds.none(true);
  private static final PackedIds NO_TEXTS = PackedIds.none(false);

  public static final Audience EMPTY = new Audience(NO_UUIDS, NO_TEXTS);

  private static final byte[] HEX = "0123456789abcdef".getBytes(UTF_8);

  private final PackedIds uuids;
  private final PackedIds texts;

  private Audience(PackedIds uuids, PackedIds texts) {
    this.uuids = uuids.size() == 0 ? NO_UUIDS : uuids;
    this.texts = texts.size() == 0 ? NO_TEXTS : texts;
  }

  /** The audience of these clients, without duplicates. */
  public static Audience of(Collection<String> clientIds) {
    Builder audience = new Builder(clientIds.size());
    for (String id : clientIds) {
      byte[] bytes = id.getBytes(UTF_8);
      audience.add(bytes, 0, bytes.length);
    }
    return audience.build();
  }

  public static Audience of(String... clientIds) {
    return of(List.of(clientIds));
  }

  public int size() {
    return uuids.size() + texts.size();
  }

  public boolean isEmpty() {
    return size() == 0;
  }

  /** The size of the packed ids in bytes. */
  public int byteSize() {
    return uuids.weight(0, uuids.size()) + texts.weight(0, texts.size());
  }

  /** The clients of this audience that are not in the other. */
  public Audience minus(Audience other) {
    return isEmpty() || other.isEmpty() ? this : merge(other, true, false, false);
  }

  /** The clients of either audience. */
  public Audience plus(Audience other) {
    return isEmpty() ? other : other.isEmpty() ? this : merge(other, true, true, true);
  }

  /** The clients of both audiences. */
  public Audience and(Audience other) {
    return merge(other, false, true, false);
  }

  /**
   * The clients of any of the audiences. It merges halves recursively, so that no id is copied
   * often.
   */
  public static Audience union(List<Audience> audiences) {
    int size = audiences.size();
    return size == 0
        ? EMPTY
        : size == 1
            ? audiences.get(0)
            : union(audiences.subList(0, size / 2)).plus(union(audiences.subList(size / 2, size)));
  }

  private Audience merge(Audience other, boolean onlyThis, boolean both, boolean onlyThat) {
    return new Audience(
        uuids.merge(other.uuids, onlyThis, both, onlyThat),
        texts.merge(other.texts, onlyThis, both, onlyThat));
  }

  /**
   * Cuts the audience into disjoint slices. An empty audience has no slices.
   *
   * @param maxClients the most clients in a slice
   * @param maxBytes the most packed bytes in a slice, unless a single id is longer
   */
  public List<Audience> slices(int maxClients, int maxBytes) {
    if (!isEmpty() && size() <= maxClients && byteSize() <= maxBytes) {
      return List.of(this);
    }
    List<Audience> slices = new ArrayList<>();
    cut(uuids, maxClients, maxBytes, ids -> slices.add(new Audience(ids, NO_TEXTS)));
    cut(texts, maxClients, maxBytes, ids -> slices.add(new Audience(NO_UUIDS, ids)));
    return slices;
  }

  private static void cut(PackedIds ids, int maxClients, int maxBytes, Consumer<PackedIds> slices) {
    int from = 0;
    for (int i = 1; i <= ids.size(); i++) {
      if (i == ids.size() || i - from == maxClients || ids.weight(from, i + 1) > maxBytes) {
        slices.accept(ids.range(from, i));
        from = i;
      }
    }
  }

  /** Receives client ids. */
  @FunctionalInterface
  public interface IdConsumer {

    /**
     * Receives one id.
     *
     * @param utf8 the id, in a new array that the receiver may keep
     * @param plain whether the id consists only of hexadecimal digits and hyphens, which need no
     *     escaping in any format
     */
    void accept(byte[] utf8, boolean plain);
  }

  /** Passes each client's id to a consumer, in the audience's order. */
  public void forEach(IdConsumer clients) {
    for (int i = 0; i < uuids.size(); i++) {
      clients.accept(uuidText(uuids.bytes(), uuids.start(i)), true);
    }
    for (int i = 0; i < texts.size(); i++) {
      clients.accept(Arrays.copyOfRange(texts.bytes(), texts.start(i), texts.end(i)), false);
    }
  }

  /** A UUID's canonical text, written directly as bytes because each notification needs one. */
  private static byte[] uuidText(byte[] packed, int from) {
    byte[] text = new byte[PackedIds.UUID_CHARS];
    int at = 0;
    for (int i = 0; i < PackedIds.UUID_BYTES; i++) {
      if (i == 4 || i == 6 || i == 8 || i == 10) {
        text[at++] = '-';
      }
      text[at++] = HEX[(packed[from + i] >> 4) & 0xF];
      text[at++] = HEX[packed[from + i] & 0xF];
    }
    return text;
  }

  /** The clients whose ids, in UTF-8, fulfil a condition. */
  public Audience filter(Predicate<byte[]> condition) {
    Builder filtered = new Builder(uuids.size());
    forEach(
        (utf8, plain) -> {
          if (condition.test(utf8)) {
            filtered.add(utf8, 0, utf8.length);
          }
        });
    return filtered.build();
  }

  /** The clients' ids, in the audience's order. */
  public List<String> clientIds() {
    List<String> ids = new ArrayList<>(size());
    forEach((utf8, plain) -> ids.add(new String(utf8, UTF_8)));
    return ids;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Audience that && uuids.equals(that.uuids) && texts.equals(that.texts);
  }

  @Override
  public int hashCode() {
    return 31 * uuids.hashCode() + texts.hashCode();
  }

  @Override
  public String toString() {
    return size() <= 10 ? clientIds().toString() : size() + " clients";
  }

  /** Collects the clients of an audience in any order. Duplicates count once. */
  static final class Builder {

    /** Texts to collect before they are packed. An unpacked text takes about 30 bytes more. */
    private static final int UNPACKED_TEXTS = 65_536;

    private final byte[] uuids;
    private int uuidBytes;
    private Audience packedTexts = EMPTY;
    private final List<byte[]> texts = new ArrayList<>(0);
    private int room = UNPACKED_TEXTS;

    /**
     * @param maxUuids the most clients whose ids are canonical UUIDs
     */
    Builder(int maxUuids) {
      uuids = new byte[Math.multiplyExact(maxUuids, PackedIds.UUID_BYTES)];
    }

    /** Adds a client by the UTF-8 bytes of its id, a range of an array. */
    void add(byte[] source, int start, int length) {
      if (PackedIds.packUuid(source, start, length, uuids, uuidBytes)) {
        uuidBytes += PackedIds.UUID_BYTES;
      } else {
        addText(source, start, length);
      }
    }

    /** Adds a client by its packed UUID. */
    void addUuid(byte[] source, int start) {
      System.arraycopy(source, start, uuids, uuidBytes, PackedIds.UUID_BYTES);
      uuidBytes += PackedIds.UUID_BYTES;
    }

    /** Adds a client whose id is not a canonical UUID. */
    void addText(byte[] source, int start, int length) {
      texts.add(Arrays.copyOfRange(source, start, start + length));
      if (--room == 0) {
        packedTexts = packTexts();
        texts.clear();
        // The limit grows with the audience, so that a large one is not merged for a few new
        // clients.
        room = UNPACKED_TEXTS + packedTexts.size() / 4;
      }
    }

    /** Returns the audience. The builder cannot be used afterwards. */
    Audience build() {
      return packTexts().plus(new Audience(PackedIds.packUuids(uuids, uuidBytes), NO_TEXTS));
    }

    private Audience packTexts() {
      return packedTexts.plus(new Audience(NO_UUIDS, PackedIds.packTexts(texts)));
    }
  }

  /** Writes audiences, in state and between tasks. */
  public static final class Serializer extends ValueSerializer<Audience> {

    @Override
    protected int format() {
      return 1;
    }

    @Override
    protected void write(Audience audience, DataOutputView out) throws IOException {
      audience.uuids.write(out);
      audience.texts.write(out);
    }

    @Override
    protected Audience read(int format, DataInputView in) throws IOException {
      return new Audience(PackedIds.read(true, in), PackedIds.read(false, in));
    }

    @Override
    public Snapshot snapshotConfiguration() {
      return new Snapshot();
    }

    /** See {@link ValueSerializer.Snapshot}. */
    public static final class Snapshot extends ValueSerializer.Snapshot<Audience> {
      @Override
      protected Serializer serializer() {
        return new Serializer();
      }
    }
  }
}
