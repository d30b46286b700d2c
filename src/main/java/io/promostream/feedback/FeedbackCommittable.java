package io.promostream.feedback;

import java.io.IOException;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/**
 * A prepared transaction of release 0.1, as stored in a checkpoint.
 *
 * @param gid the global transaction identifier in Postgres
 * @param xid the 64-bit transaction id; Postgres knows the outcome by it when the gid is gone
 * @param rows how many rows the transaction inserted
 */
public record FeedbackCommittable(String gid, long xid, long rows) {

  /** The format of committables in checkpoints. */
  static final class Serializer implements SimpleVersionedSerializer<FeedbackCommittable> {

    private static final int VERSION = 1;

    @Override
    public int getVersion() {
      return VERSION;
    }

    @Override
    public byte[] serialize(FeedbackCommittable committable) throws IOException {
      DataOutputSerializer out = new DataOutputSerializer(128);
      out.writeUTF(committable.gid);
      out.writeLong(committable.xid);
      out.writeLong(committable.rows);
      return out.getCopyOfBuffer();
    }

    @Override
    public FeedbackCommittable deserialize(int version, byte[] bytes) throws IOException {
      if (version != VERSION) {
        throw new IOException(
            "The state holds feedback transactions in format %d, and this release reads format %d. Run the release that wrote them, or a later one"
                .formatted(version, VERSION));
      }
      DataInputDeserializer in = new DataInputDeserializer(bytes);
      return new FeedbackCommittable(in.readUTF(), in.readLong(), in.readLong());
    }
  }
}
