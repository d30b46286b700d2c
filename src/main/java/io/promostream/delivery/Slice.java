package io.promostream.delivery;

import io.promostream.promo.Promo;
import io.promostream.serialization.ValueSerializer;
import io.promostream.serialization.ValueType;
import io.promostream.subscribers.Audience;
import java.io.IOException;
import java.util.List;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * A bounded piece of the pending clients of a campaign.
 *
 * @param matchedAt when campaign and clients were matched, epoch seconds
 */
record Slice(long matchedAt, Audience clients) {

  static final TypeInformation<Slice> TYPE = new ValueType<>(Slice.class, new Serializer());

  private static final int MAX_CLIENTS = 1_000;
  private static final int MAX_BYTES = 256 * 1024;

  /**
   * The characters that the texts of a promo may take in the messages of one slice, which fit into
   * one transaction.
   */
  private static final int MAX_TEXT = 8 << 20;

  /**
   * Cuts pending clients into slices.
   *
   * @param at the moment of matching, epoch milliseconds
   */
  static List<Slice> cut(Promo promo, Audience pending, long at) {
    int clientsByText = Math.max(1, MAX_TEXT / Math.max(1, promo.textLength()));
    return pending.slices(Math.min(MAX_CLIENTS, clientsByText), MAX_BYTES).stream()
        .map(clients -> new Slice(at / 1000, clients))
        .toList();
  }

  /** Cuts a slice in two, of which the first has at most so many clients. Returns one or two. */
  List<Slice> split(int maxClients) {
    if (clients.size() <= maxClients) {
      return List.of(this);
    }
    Audience first = clients.slices(maxClients, MAX_BYTES).get(0);
    return List.of(new Slice(matchedAt, first), new Slice(matchedAt, clients.minus(first)));
  }

  /** The format of slices in state. */
  public static final class Serializer extends ValueSerializer<Slice> {

    private static final Audience.Serializer AUDIENCE = new Audience.Serializer();

    @Override
    protected int format() {
      return 1;
    }

    @Override
    protected void write(Slice slice, DataOutputView out) throws IOException {
      out.writeLong(slice.matchedAt);
      AUDIENCE.serialize(slice.clients, out);
    }

    @Override
    protected Slice read(int format, DataInputView in) throws IOException {
      return new Slice(in.readLong(), AUDIENCE.deserialize(in));
    }

    @Override
    public Snapshot snapshotConfiguration() {
      return new Snapshot();
    }

    /** See {@link ValueSerializer.Snapshot}. */
    public static final class Snapshot extends ValueSerializer.Snapshot<Slice> {
      @Override
      protected Serializer serializer() {
        return new Serializer();
      }
    }
  }
}
