package io.promostream.delivery;

import io.promostream.serialization.ValueSerializer;
import io.promostream.serialization.ValueType;
import io.promostream.subscribers.Audience;
import java.io.IOException;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * Clients who are due a campaign and have not been sent it yet.
 *
 * @param matchedAt when campaign and clients were matched, epoch seconds
 */
record Slice(long matchedAt, Audience clients) {

  static final TypeInformation<Slice> TYPE = new ValueType<>(Slice.class, new Serializer());

  /** Writes slices, in state. */
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
