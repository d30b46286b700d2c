package io.promostream.control;

import io.promostream.serialization.ValueSerializer;
import io.promostream.serialization.ValueType;
import java.io.IOException;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.apache.flink.types.StringValue;
import org.jspecify.annotations.Nullable;

/**
 * A command about all campaigns, those of one restaurant, one campaign in all its restaurants, or
 * one campaign of one restaurant.
 *
 * @param restaurantId null for all restaurants
 * @param campaignId null for all campaigns
 * @param by who gave it; null if unknown
 * @param reason why; null if unknown
 * @param at when the job read it, epoch milliseconds
 */
public record Command(
    Action action,
    @Nullable String restaurantId,
    @Nullable String campaignId,
    @Nullable String by,
    @Nullable String reason,
    long at) {

  public static final TypeInformation<Command> TYPE =
      new ValueType<>(Command.class, new Serializer());

  /** What a command does. State stores the names. */
  public enum Action {
    /** Clients stay pending until the campaign is resumed. */
    PAUSE,
    /** Ends a pause, or the refusal of new promos after a stop. */
    RESUME,
    /** Ends running campaigns as a cancellation does, and refuses their new promos. */
    STOP
  }

  /** Whether the command is about a campaign. */
  public boolean covers(String restaurant, String campaign) {
    return (restaurantId == null || restaurantId.equals(restaurant))
        && (campaignId == null || campaignId.equals(campaign));
  }

  /** A sentence for the log: what, who and why. */
  @Override
  public String toString() {
    return "%s %s of %s by %s: %s"
        .formatted(
            action,
            campaignId == null ? "all campaigns" : "campaign " + campaignId,
            restaurantId == null ? "all restaurants" : "restaurant " + restaurantId,
            by == null ? "an unknown person" : by,
            reason == null ? "no reason given" : reason);
  }

  /** The format of commands, in state and between tasks. */
  public static final class Serializer extends ValueSerializer<Command> {

    @Override
    protected int format() {
      return 1;
    }

    @Override
    protected void write(Command command, DataOutputView out) throws IOException {
      StringValue.writeString(command.action.name(), out);
      StringValue.writeString(command.restaurantId, out);
      StringValue.writeString(command.campaignId, out);
      StringValue.writeString(command.by, out);
      StringValue.writeString(command.reason, out);
      out.writeLong(command.at);
    }

    @Override
    protected Command read(int format, DataInputView in) throws IOException {
      return new Command(
          Action.valueOf(StringValue.readString(in)),
          StringValue.readString(in),
          StringValue.readString(in),
          StringValue.readString(in),
          StringValue.readString(in),
          in.readLong());
    }

    @Override
    public Snapshot snapshotConfiguration() {
      return new Snapshot();
    }

    /** See {@link ValueSerializer.Snapshot}. */
    public static final class Snapshot extends ValueSerializer.Snapshot<Command> {
      @Override
      protected Serializer serializer() {
        return new Serializer();
      }
    }
  }
}
