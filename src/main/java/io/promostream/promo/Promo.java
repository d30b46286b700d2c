package io.promostream.promo;

import io.promostream.serialization.ValueSerializer;
import io.promostream.serialization.ValueType;
import java.io.IOException;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.apache.flink.types.StringValue;

/**
 * One version of a restaurant's campaign, as the restaurant wrote it. Kafka, JSON and Postgres
 * accept its texts: {@link PromoParser} rejects all others.
 *
 * @param restaurantId 1 to 255 characters
 * @param campaignId 1 to 255 characters; one campaign may run for several restaurants
 * @param content the text shown to the client
 * @param owner contact person
 * @param ownerContact e-mail or phone
 * @param start first second in which the promo is live, epoch seconds
 * @param end last second in which it is live, epoch seconds, at least {@code start}
 * @param created when the restaurant wrote this version, epoch seconds; the greater value wins
 */
public record Promo(
    String restaurantId,
    String campaignId,
    String content,
    String owner,
    String ownerContact,
    long start,
    long end,
    long created) {

  /** The most characters in the id of a restaurant, a campaign or a client. */
  public static final int MAX_ID_CHARS = 255;

  public static final TypeInformation<Promo> TYPE = new ValueType<>(Promo.class, new Serializer());

  /** Whether a promo has not started, is live or has ended. */
  public enum Phase {
    WAITING,
    LIVE,
    ENDED
  }

  /**
   * The promo's phase at a moment.
   *
   * @param millis epoch milliseconds
   */
  public Phase phaseAt(long millis) {
    return millis < startsAt() ? Phase.WAITING : millis < endsAt() ? Phase.LIVE : Phase.ENDED;
  }

  /** The first moment in which the promo is live, epoch milliseconds. */
  public long startsAt() {
    return start * 1000;
  }

  /** The first moment after the promo, epoch milliseconds: it is live during its last second. */
  public long endsAt() {
    return (end + 1) * 1000;
  }

  /** The number of characters in all ids and texts. */
  public int textLength() {
    return restaurantId.length()
        + campaignId.length()
        + content.length()
        + owner.length()
        + ownerContact.length();
  }

  /** Writes promos, in state and between tasks. */
  public static final class Serializer extends ValueSerializer<Promo> {

    @Override
    protected int format() {
      return 1;
    }

    @Override
    protected void write(Promo promo, DataOutputView out) throws IOException {
      StringValue.writeString(promo.restaurantId, out);
      StringValue.writeString(promo.campaignId, out);
      StringValue.writeString(promo.content, out);
      StringValue.writeString(promo.owner, out);
      StringValue.writeString(promo.ownerContact, out);
      out.writeLong(promo.start);
      out.writeLong(promo.end);
      out.writeLong(promo.created);
    }

    @Override
    protected Promo read(int format, DataInputView in) throws IOException {
      return new Promo(
          StringValue.readString(in),
          StringValue.readString(in),
          StringValue.readString(in),
          StringValue.readString(in),
          StringValue.readString(in),
          in.readLong(),
          in.readLong(),
          in.readLong());
    }

    @Override
    public Snapshot snapshotConfiguration() {
      return new Snapshot();
    }

    /** See {@link ValueSerializer.Snapshot}. */
    public static final class Snapshot extends ValueSerializer.Snapshot<Promo> {
      @Override
      protected Serializer serializer() {
        return new Serializer();
      }
    }
  }
}
