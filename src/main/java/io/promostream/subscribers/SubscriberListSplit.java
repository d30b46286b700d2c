package io.promostream.subscribers;

import io.promostream.subscribers.ListUpdate.RefreshCompleted;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.jspecify.annotations.Nullable;

/**
 * The only split of {@link SubscriberListSource}: the version of the list that the job has. It is
 * part of each checkpoint, so that a restored source sends only differences.
 *
 * @param completed the last refresh; version 0 before the first
 * @param fingerprints by restaurant
 */
record SubscriberListSplit(RefreshCompleted completed, Map<String, Fingerprint> fingerprints)
    implements SourceSplit {

  static final String ID = "subscribers";

  static final SubscriberListSplit NOTHING_SENT =
      new SubscriberListSplit(new RefreshCompleted("", 0, 0, 0, 0), Map.of());

  @Override
  public String splitId() {
    return ID;
  }

  /** Short, because Flink logs splits. */
  @Override
  public String toString() {
    return "list version %d, %d restaurants".formatted(completed.version(), fingerprints.size());
  }

  /** Writes splits into checkpoints. */
  static final class Serializer implements SimpleVersionedSerializer<SubscriberListSplit> {

    private static final int FORMAT = 1;

    private @Nullable SubscriberListSplit last;
    private byte[] lastBytes = {};

    @Override
    public int getVersion() {
      return FORMAT;
    }

    /**
     * Keeps the bytes of the last split: refreshes are rarer than checkpoints. The reader returns
     * the same split until it emits a change.
     */
    @Override
    @SuppressWarnings("ReferenceEquality") // comparing two lists would take as long as writing one
    public byte[] serialize(SubscriberListSplit split) throws IOException {
      if (split != last) {
        lastBytes = bytes(split);
        last = split;
      }
      return lastBytes;
    }

    private static byte[] bytes(SubscriberListSplit split) throws IOException {
      // Usually an id is 36 bytes, its length 2 and its fingerprint 24.
      DataOutputSerializer out = new DataOutputSerializer(64 + 64 * split.fingerprints.size());
      out.writeLong(split.completed.version());
      out.writeLong(split.completed.asOf());
      out.writeLong(split.completed.restaurants());
      out.writeLong(split.completed.subscriptions());
      out.writeInt(split.fingerprints.size());
      for (Map.Entry<String, Fingerprint> entry : split.fingerprints.entrySet()) {
        out.writeUTF(entry.getKey());
        out.writeLong(entry.getValue().rows());
        out.writeLong(entry.getValue().hash1());
        out.writeLong(entry.getValue().hash2());
      }
      return out.getCopyOfBuffer();
    }

    @Override
    public SubscriberListSplit deserialize(int format, byte[] bytes) throws IOException {
      requireKnown(format, FORMAT);
      DataInputDeserializer in = new DataInputDeserializer(bytes);
      RefreshCompleted completed =
          new RefreshCompleted("", in.readLong(), in.readLong(), in.readLong(), in.readLong());
      int size = in.readInt();
      Map<String, Fingerprint> fingerprints = new HashMap<>(size * 4 / 3 + 1);
      for (int i = 0; i < size; i++) {
        fingerprints.put(
            in.readUTF(), new Fingerprint(in.readLong(), in.readLong(), in.readLong()));
      }
      return new SubscriberListSplit(completed, fingerprints);
    }

    static void requireKnown(int format, int newest) throws IOException {
      if (format > newest) {
        throw new IOException(
            "The state of the subscriber list is in format %d, and this release reads formats up to %d. Run the release that wrote it, or a later one"
                .formatted(format, newest));
      }
    }
  }
}
