package io.promostream.promo;

import io.promostream.kafka.Message;
import io.promostream.serialization.ValueSerializer;
import io.promostream.serialization.ValueType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.apache.flink.types.StringValue;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;

/**
 * A message of the promos topic or of the control topic before parsing.
 *
 * @param timestamp the message's timestamp, epoch milliseconds; -1 if it has none
 */
public record RawPromo(String topic, int partition, long offset, long timestamp, Message message) {

  public static final TypeInformation<RawPromo> TYPE =
      new ValueType<>(RawPromo.class, new Serializer());

  /** The place of the message in Kafka. */
  public RejectedMessage.Origin origin() {
    return new RejectedMessage.Origin(topic, partition, offset, timestamp);
  }

  /** Copies records without reading their content, so no message can make it fail. */
  public static final class Deserializer implements KafkaRecordDeserializationSchema<RawPromo> {

    @Override
    public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<RawPromo> out) {
      List<Message.Header> headers = new ArrayList<>();
      for (Header header : record.headers()) {
        headers.add(new Message.Header(header.key(), header.value()));
      }
      out.collect(
          new RawPromo(
              record.topic(),
              record.partition(),
              record.offset(),
              record.timestamp(),
              new Message(record.key(), record.value(), headers)));
    }

    @Override
    public TypeInformation<RawPromo> getProducedType() {
      return TYPE;
    }
  }

  /** Writes raw promos between tasks. */
  public static final class Serializer extends ValueSerializer<RawPromo> {

    private static final Message.Serializer MESSAGE = new Message.Serializer();

    @Override
    protected int format() {
      return 1;
    }

    @Override
    protected void write(RawPromo raw, DataOutputView out) throws IOException {
      StringValue.writeString(raw.topic, out);
      out.writeInt(raw.partition);
      out.writeLong(raw.offset);
      out.writeLong(raw.timestamp);
      MESSAGE.serialize(raw.message, out);
    }

    @Override
    protected RawPromo read(int format, DataInputView in) throws IOException {
      return new RawPromo(
          StringValue.readString(in),
          in.readInt(),
          in.readLong(),
          in.readLong(),
          MESSAGE.deserialize(in));
    }

    @Override
    public Snapshot snapshotConfiguration() {
      return new Snapshot();
    }

    /** See {@link ValueSerializer.Snapshot}. */
    public static final class Snapshot extends ValueSerializer.Snapshot<RawPromo> {
      @Override
      protected Serializer serializer() {
        return new Serializer();
      }
    }
  }
}
