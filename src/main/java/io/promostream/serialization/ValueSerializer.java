package io.promostream.serialization;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSchemaCompatibility;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * Base of this project's serializers: of immutable values, each written in a numbered format.
 *
 * <p>State outlives releases. A subclass that changes what it writes raises its {@link #format()}
 * and goes on reading every earlier number; Flink then rewrites what it restores. A subclass is
 * stateless, has a public constructor without arguments and a {@link Snapshot} of its own, whose
 * class name is part of every savepoint. One that writes another's values within its own raises its
 * format together with that one's.
 *
 * @param <T> an immutable type
 */
public abstract class ValueSerializer<T> extends TypeSerializer<T> {

  /** The format that is read; differs from {@link #format()} only while old state is migrated. */
  private int readFormat = format();

  /** The number of the format that {@link #write} writes, from 1. */
  protected abstract int format();

  protected abstract void write(T value, DataOutputView out) throws IOException;

  /** Reads what {@link #write} wrote in the given format, which is at most {@link #format()}. */
  protected abstract T read(int format, DataInputView in) throws IOException;

  /**
   * This serializer as it reads what was written in an earlier format.
   *
   * @throws IOException if this release does not know the format
   */
  public final TypeSerializer<T> reading(int format) throws IOException {
    TypeSerializerSnapshot<T> written = snapshotConfiguration();
    written.readSnapshot(format, null, null);
    return written.restoreSerializer();
  }

  @Override
  public final void serialize(T value, DataOutputView out) throws IOException {
    write(value, out);
  }

  @Override
  public final T deserialize(DataInputView in) throws IOException {
    return read(readFormat, in);
  }

  @Override
  public final T deserialize(T reuse, DataInputView in) throws IOException {
    return deserialize(in);
  }

  @Override
  public final void copy(DataInputView in, DataOutputView out) throws IOException {
    serialize(deserialize(in), out);
  }

  @Override
  public final T copy(T value) {
    return value;
  }

  @Override
  public final T copy(T value, T reuse) {
    return value;
  }

  @Override
  public final boolean isImmutableType() {
    return true;
  }

  @Override
  public final T createInstance() {
    return null;
  }

  @Override
  public final int getLength() {
    return -1;
  }

  @Override
  public final TypeSerializer<T> duplicate() {
    return this;
  }

  @Override
  @SuppressWarnings("EqualsGetClass") // a serializer is its class
  public final boolean equals(Object other) {
    return other != null
        && other.getClass() == getClass()
        && ((ValueSerializer<?>) other).readFormat == readFormat;
  }

  @Override
  public final int hashCode() {
    return getClass().hashCode() * 31 + readFormat;
  }

  /**
   * What a savepoint keeps of a serializer: its class, by this class' name, and its format.
   *
   * @param <T> what the serializer is for
   */
  public abstract static class Snapshot<T> implements TypeSerializerSnapshot<T> {

    private int format = serializer().format();

    protected abstract ValueSerializer<T> serializer();

    @Override
    public final int getCurrentVersion() {
      return serializer().format();
    }

    @Override
    public final void writeSnapshot(DataOutputView out) {
      // The format is the snapshot's version, which Flink writes.
    }

    @Override
    public final void readSnapshot(int version, DataInputView in, ClassLoader loader)
        throws IOException {
      if (version > serializer().format()) {
        throw new IOException(
            "%s reads formats up to %d, but this state is in format %d, of a newer release. Run that release, or a later one"
                .formatted(serializer().getClass().getName(), serializer().format(), version));
      }
      format = version;
    }

    @Override
    public final TypeSerializer<T> restoreSerializer() {
      ValueSerializer<T> serializer = serializer();
      ((ValueSerializer<?>) serializer).readFormat = format;
      return serializer;
    }

    @Override
    public final TypeSerializerSchemaCompatibility<T> resolveSchemaCompatibility(
        TypeSerializerSnapshot<T> old) {
      if (old.getClass() != getClass()) {
        return TypeSerializerSchemaCompatibility.incompatible();
      }
      return ((Snapshot<T>) old).format == format
          ? TypeSerializerSchemaCompatibility.compatibleAsIs()
          : TypeSerializerSchemaCompatibility.compatibleAfterMigration();
    }
  }
}
