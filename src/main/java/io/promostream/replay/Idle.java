package io.promostream.replay;

import java.util.Collection;
import java.util.List;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.StatefulSinkWriter;
import org.apache.flink.api.connector.sink2.SupportsWriterState;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/**
 * Takes the place of a connector's sink that only the other {@code delivery.guarantee} uses. Flink
 * refuses to restore state whose operator is missing from the job. This sink drops the state of the
 * connector's writer and receives no elements.
 *
 * <p>It is a {@code Sink} because Flink shows an output in the job's lineage only at a sink, which
 * {@link ReplayOperator} is not.
 */
public final class Idle<T> implements Sink<T>, SupportsWriterState<T, byte[]> {

  private static final long serialVersionUID = 1;

  @Override
  public StatefulSinkWriter<T, byte[]> createWriter(WriterInitContext context) {
    return new Writer<>();
  }

  @Override
  public StatefulSinkWriter<T, byte[]> restoreWriter(
      WriterInitContext context, Collection<byte[]> dropped) {
    return new Writer<>();
  }

  /** Reads the state of every connector, in every version, and never writes any. */
  @Override
  public SimpleVersionedSerializer<byte[]> getWriterStateSerializer() {
    return new SimpleVersionedSerializer<>() {
      @Override
      public int getVersion() {
        return 0;
      }

      @Override
      public byte[] serialize(byte[] state) {
        return state;
      }

      @Override
      public byte[] deserialize(int version, byte[] serialized) {
        return serialized;
      }
    };
  }

  private static final class Writer<T> implements StatefulSinkWriter<T, byte[]> {

    @Override
    public void write(T element, Context context) {
      throw new IllegalStateException("The replay operator passed an element on");
    }

    @Override
    public List<byte[]> snapshotState(long checkpointId) {
      return List.of();
    }

    @Override
    public void flush(boolean endOfInput) {
      // Nothing is buffered.
    }

    @Override
    public void close() {
      // Nothing is open.
    }
  }
}
