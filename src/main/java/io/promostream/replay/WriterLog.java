package io.promostream.replay;

import io.promostream.serialization.ValueSerializer;
import io.promostream.serialization.ValueType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * The state of one writer. It is one element of the operator's list state. A rescale must not split
 * it, because its committables are replayed in order.
 *
 * @param writer a random id, drawn at each start of each subtask
 * @param committed the writer's last known mark at the snapshot; the target's mark may be ahead and
 *     must not be behind
 * @param pending committables that were not known to be committed, in order
 */
public record WriterLog(String writer, Mark committed, List<Committable> pending) {

  static final TypeInformation<WriterLog> TYPE = new ValueType<>(WriterLog.class, new Serializer());

  public WriterLog {
    pending = List.copyOf(pending);
  }

  /** The format of writers' logs in the state. */
  public static final class Serializer extends ValueSerializer<WriterLog> {

    @Override
    protected int format() {
      return 1;
    }

    @Override
    protected void write(WriterLog log, DataOutputView out) throws IOException {
      out.writeUTF(log.writer);
      out.writeLong(log.committed.sequence());
      out.writeLong(log.committed.records());
      out.writeInt(log.pending.size());
      for (Committable committable : log.pending) {
        out.writeLong(committable.sequence());
        out.writeInt(committable.format());
        out.writeInt(committable.elements());
        out.writeInt(committable.records());
        out.writeLong(committable.dueSince());
        out.writeLong(committable.packedAt());
        out.writeInt(committable.bytes().length);
        out.write(committable.bytes());
      }
    }

    @Override
    protected WriterLog read(int format, DataInputView in) throws IOException {
      String writer = in.readUTF();
      Mark committed = new Mark(in.readLong(), in.readLong());
      List<Committable> pending = new ArrayList<>();
      for (int i = in.readInt(); i > 0; i--) {
        long sequence = in.readLong();
        int elementFormat = in.readInt();
        int elements = in.readInt();
        int records = in.readInt();
        long dueSince = in.readLong();
        long packedAt = in.readLong();
        byte[] bytes = new byte[in.readInt()];
        in.readFully(bytes);
        pending.add(
            new Committable(sequence, elementFormat, bytes, elements, records, dueSince, packedAt));
      }
      return new WriterLog(writer, committed, pending);
    }

    @Override
    public Snapshot snapshotConfiguration() {
      return new Snapshot();
    }

    /** See {@link ValueSerializer.Snapshot}. */
    public static final class Snapshot extends ValueSerializer.Snapshot<WriterLog> {
      @Override
      protected Serializer serializer() {
        return new Serializer();
      }
    }
  }
}
