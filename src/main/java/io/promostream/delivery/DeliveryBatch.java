package io.promostream.delivery;

import io.promostream.promo.Promo;
import io.promostream.serialization.ValueSerializer;
import io.promostream.serialization.ValueType;
import io.promostream.subscribers.Audience;
import java.io.IOException;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * A slice with its promo, as sent to the sinks: one notification and one feedback row per client.
 *
 * @param matchedAt when promo and clients were matched, epoch seconds
 */
public record DeliveryBatch(Promo promo, long matchedAt, Audience clients) {

  /** The name of the client's id in notifications and feedback rows. */
  public static final String CLIENT_ID = "client_id";

  /** The name of {@link #matchedAt} in notifications and feedback rows. */
  public static final String MATCHED_AT = "trigger_datetime_created";

  public static final TypeInformation<DeliveryBatch> TYPE =
      new ValueType<>(DeliveryBatch.class, new Serializer());

  /** The format of batches, between tasks and in the state of the sinks. */
  public static final class Serializer extends ValueSerializer<DeliveryBatch> {

    private static final Promo.Serializer PROMO = new Promo.Serializer();
    private static final Audience.Serializer AUDIENCE = new Audience.Serializer();

    @Override
    protected int format() {
      return 1;
    }

    @Override
    protected void write(DeliveryBatch batch, DataOutputView out) throws IOException {
      PROMO.serialize(batch.promo, out);
      out.writeLong(batch.matchedAt);
      AUDIENCE.serialize(batch.clients, out);
    }

    @Override
    protected DeliveryBatch read(int format, DataInputView in) throws IOException {
      return new DeliveryBatch(PROMO.deserialize(in), in.readLong(), AUDIENCE.deserialize(in));
    }

    @Override
    public Snapshot snapshotConfiguration() {
      return new Snapshot();
    }

    /** See {@link ValueSerializer.Snapshot}. */
    public static final class Snapshot extends ValueSerializer.Snapshot<DeliveryBatch> {
      @Override
      protected Serializer serializer() {
        return new Serializer();
      }
    }
  }
}
