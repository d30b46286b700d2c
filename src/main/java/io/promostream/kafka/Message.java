package io.promostream.kafka;

import io.promostream.serialization.ValueSerializer;
import io.promostream.serialization.ValueType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.apache.flink.types.StringValue;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.jspecify.annotations.Nullable;

/**
 * The content of a Kafka message of any topic, byte for byte.
 *
 * @param headers in their order; a key may occur more than once
 */
@SuppressWarnings("ArrayRecordComponent") // equality is defined below, by content
public record Message(byte @Nullable [] key, byte @Nullable [] value, List<Header> headers) {

  public static final TypeInformation<Message> TYPE =
      new ValueType<>(Message.class, new Serializer());

  /** One header of a message. */
  @SuppressWarnings("ArrayRecordComponent") // equality is defined below, by content
  public record Header(String key, byte @Nullable [] value) {

    @Override
    public boolean equals(Object other) {
      return other instanceof Header that
          && key.equals(that.key)
          && Arrays.equals(value, that.value);
    }

    @Override
    public int hashCode() {
      return Objects.hash(key, Arrays.hashCode(value));
    }
  }

  /**
   * A producer record of this message. It has no timestamp, so the producer sets the time of
   * sending. A broker may refuse an older timestamp ({@code message.timestamp.before.max.ms}).
   */
  ProducerRecord<byte[], byte[]> toRecord(String topic) {
    ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, key, value);
    for (Header header : headers) {
      record.headers().add(new RecordHeader(header.key(), header.value()));
    }
    return record;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Message that
        && Arrays.equals(key, that.key)
        && Arrays.equals(value, that.value)
        && headers.equals(that.headers);
  }

  @Override
  public int hashCode() {
    return Objects.hash(Arrays.hashCode(key), Arrays.hashCode(value), headers);
  }

  /** The format of messages between tasks. */
  public static final class Serializer extends ValueSerializer<Message> {

    private static final int NULL = -1;

    @Override
    protected int format() {
      return 1;
    }

    @Override
    protected void write(Message message, DataOutputView out) throws IOException {
      writeBytes(message.key, out);
      writeBytes(message.value, out);
      out.writeInt(message.headers.size());
      for (Header header : message.headers) {
        StringValue.writeString(header.key, out);
        writeBytes(header.value, out);
      }
    }

    private static void writeBytes(byte @Nullable [] bytes, DataOutputView out) throws IOException {
      out.writeInt(bytes == null ? NULL : bytes.length);
      if (bytes != null) {
        out.write(bytes);
      }
    }

    @Override
    protected Message read(int format, DataInputView in) throws IOException {
      byte[] key = readBytes(in);
      byte[] value = readBytes(in);
      List<Header> headers = new ArrayList<>();
      for (int i = in.readInt(); i > 0; i--) {
        headers.add(new Header(StringValue.readString(in), readBytes(in)));
      }
      return new Message(key, value, headers);
    }

    private static byte @Nullable [] readBytes(DataInputView in) throws IOException {
      int length = in.readInt();
      if (length == NULL) {
        return null;
      }
      byte[] bytes = new byte[length];
      in.readFully(bytes);
      return bytes;
    }

    @Override
    public Snapshot snapshotConfiguration() {
      return new Snapshot();
    }

    /** See {@link ValueSerializer.Snapshot}. */
    public static final class Snapshot extends ValueSerializer.Snapshot<Message> {
      @Override
      protected Serializer serializer() {
        return new Serializer();
      }
    }
  }
}
