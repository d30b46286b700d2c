package io.promostream.subscribers;

import io.promostream.serialization.ValueSerializer;
import io.promostream.serialization.ValueType;
import java.io.IOException;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.apache.flink.types.StringValue;

/**
 * What a refresh tells about the subscriber list: the audiences that changed, then that it ended.
 */
public sealed interface ListUpdate {

  TypeInformation<ListUpdate> TYPE = new ValueType<>(ListUpdate.class, new Serializer());

  /** By what the update finds its place among the restaurants. */
  String key();

  /**
   * A part of a restaurant's new audience, which holds once its last part is there. The parts of
   * one audience come in order, from 0, with nothing of the same restaurant between; a part 0 drops
   * what came of an audience before. No client is in two parts of one audience.
   *
   * @param part counts from 0
   * @param last whether the audience is complete with this part
   */
  record AudiencePart(String restaurantId, int part, boolean last, Audience clients)
      implements ListUpdate {

    @Override
    public String key() {
      return restaurantId;
    }
  }

  /**
   * All changes of one refresh have been sent.
   *
   * @param key a key of the key group that is to hear of it; empty if all are
   * @param version counts the completed refreshes, from 1
   * @param asOf when the refresh began to read, epoch milliseconds: the list holds all that was
   *     committed before, and may hold some of what came while it was read
   * @param restaurants those with subscribers
   * @param subscriptions rows of the table that count
   */
  record RefreshCompleted(String key, long version, long asOf, long restaurants, long subscriptions)
      implements ListUpdate {

    RefreshCompleted addressedTo(String newKey) {
      return new RefreshCompleted(newKey, version, asOf, restaurants, subscriptions);
    }
  }

  /** Writes updates between tasks. */
  final class Serializer extends ValueSerializer<ListUpdate> {

    private static final Audience.Serializer AUDIENCE = new Audience.Serializer();

    @Override
    protected int format() {
      return 1;
    }

    @Override
    protected void write(ListUpdate update, DataOutputView out) throws IOException {
      out.writeBoolean(update instanceof RefreshCompleted);
      StringValue.writeString(update.key(), out);
      if (update instanceof AudiencePart part) {
        out.writeInt(part.part);
        out.writeBoolean(part.last);
        AUDIENCE.serialize(part.clients, out);
      } else if (update instanceof RefreshCompleted refresh) {
        out.writeLong(refresh.version);
        out.writeLong(refresh.asOf);
        out.writeLong(refresh.restaurants);
        out.writeLong(refresh.subscriptions);
      }
    }

    @Override
    protected ListUpdate read(int format, DataInputView in) throws IOException {
      return in.readBoolean()
          ? new RefreshCompleted(
              StringValue.readString(in),
              in.readLong(),
              in.readLong(),
              in.readLong(),
              in.readLong())
          : new AudiencePart(
              StringValue.readString(in), in.readInt(), in.readBoolean(), AUDIENCE.deserialize(in));
    }

    @Override
    public Snapshot snapshotConfiguration() {
      return new Snapshot();
    }

    /** See {@link ValueSerializer.Snapshot}. */
    public static final class Snapshot extends ValueSerializer.Snapshot<ListUpdate> {
      @Override
      protected Serializer serializer() {
        return new Serializer();
      }
    }
  }
}
