package io.promostream.subscribers;

import io.promostream.control.Command;
import io.promostream.serialization.ValueSerializer;
import io.promostream.serialization.ValueType;
import java.io.IOException;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.apache.flink.types.StringValue;

/**
 * What the subtasks of the delivery operator are told beside promos. A refresh sends the parts of
 * each changed audience, and then its end. Commands come in between.
 */
public sealed interface ListUpdate {

  TypeInformation<ListUpdate> TYPE = new ValueType<>(ListUpdate.class, new Serializer());

  /** The key that decides which subtask receives the update. */
  String key();

  /**
   * A part of a restaurant's new audience, which takes effect when its last part arrives. The parts
   * arrive in order, without another update of the same restaurant in between. Part 0 discards the
   * parts of an earlier, incomplete audience. No client is in two parts of one audience.
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
   * @param key a key of the key group that receives the message; empty if all do
   * @param version counts the completed refreshes, from 1
   * @param asOf when the refresh began to read, epoch milliseconds. The list contains every change
   *     committed before, and may contain some that were committed during the refresh.
   * @param restaurants number of restaurants with subscribers
   * @param subscriptions number of usable rows
   */
  record RefreshCompleted(String key, long version, long asOf, long restaurants, long subscriptions)
      implements ListUpdate {

    RefreshCompleted addressedTo(String newKey) {
      return new RefreshCompleted(newKey, version, asOf, restaurants, subscriptions);
    }
  }

  /** An operator has given a command, which all subtasks receive. */
  record CommandGiven(Command command) implements ListUpdate {

    @Override
    public String key() {
      return "";
    }
  }

  /** Writes updates between tasks. */
  final class Serializer extends ValueSerializer<ListUpdate> {

    private static final int AUDIENCE_PART = 0;
    private static final int REFRESH_COMPLETED = 1;
    private static final int COMMAND_GIVEN = 2;

    private static final Audience.Serializer AUDIENCE = new Audience.Serializer();
    private static final Command.Serializer COMMAND = new Command.Serializer();

    @Override
    protected int format() {
      return 1;
    }

    @Override
    protected void write(ListUpdate update, DataOutputView out) throws IOException {
      if (update instanceof AudiencePart part) {
        out.writeByte(AUDIENCE_PART);
        StringValue.writeString(part.restaurantId, out);
        out.writeInt(part.part);
        out.writeBoolean(part.last);
        AUDIENCE.serialize(part.clients, out);
      } else if (update instanceof RefreshCompleted refresh) {
        out.writeByte(REFRESH_COMPLETED);
        StringValue.writeString(refresh.key, out);
        out.writeLong(refresh.version);
        out.writeLong(refresh.asOf);
        out.writeLong(refresh.restaurants);
        out.writeLong(refresh.subscriptions);
      } else if (update instanceof CommandGiven given) {
        out.writeByte(COMMAND_GIVEN);
        COMMAND.serialize(given.command, out);
      }
    }

    @Override
    protected ListUpdate read(int format, DataInputView in) throws IOException {
      return switch (in.readByte()) {
        case AUDIENCE_PART ->
            new AudiencePart(
                StringValue.readString(in),
                in.readInt(),
                in.readBoolean(),
                AUDIENCE.deserialize(in));
        case REFRESH_COMPLETED ->
            new RefreshCompleted(
                StringValue.readString(in),
                in.readLong(),
                in.readLong(),
                in.readLong(),
                in.readLong());
        default -> new CommandGiven(COMMAND.deserialize(in));
      };
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
