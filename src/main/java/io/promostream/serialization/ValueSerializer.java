package io.promostream.serialization;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSchemaCompatibility;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * Base class of this project's serializers. They write immutable values in numbered formats.
 *
 * <p>State outlives releases. A subclass that changes what it writes increases its {@link
 * #format()} and still reads every earlier format; Flink then migrates the restored state. A
 * subclass is stateless, has a public constructor without arguments, and has its own {@link
 * Snapshot}, whose class name is part of every savepoint. A subclass that nests another serializer
 * increases its format whenever the nested format increases.
 *
 * @param <T> an immutable type
 */
public abstract class ValueSerializer<T> extends TypeSerializer<T> {

  /** The format to read. It differs from {@link #format()} only while old state is migrated. */
  private int readFormat = format();

  /** The number of the format that {@link #write} writes, from 1. */
  protected abstract int format();

  protected abstract void write(T value, DataOutputView out) throws IOException;

  /** Reads what {@link #write} wrote in the given format, which is at most {@link #format()}. */
  protected abstract T read(int format, DataInputView in) throws IOException;

  /**
   * Returns this serializer for values that were written in the given format.
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
  @SuppressWarnings("EqualsGetClass") // subclasses have no fields: their class identifies them
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
   * What a savepoint stores about a serializer: the name of its snapshot class, and its format.
   *
   * @param <T> the serialized type
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
