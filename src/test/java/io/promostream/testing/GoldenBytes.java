package io.promostream.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/**
 * What a serializer has ever written: for each format a file {@code golden/<name>-v<format>}, of
 * hexadecimal lines, one a value. Every later build reads every file.
 *
 * <p>For a new format, raise the serializer's number, give the test the values of that format, and
 * run it with {@code -Dgolden.write=true}: it writes the file that is missing, and no other.
 */
public final class GoldenBytes {

  private static final HexFormat HEX = HexFormat.of();
  private static final Path FILES = Path.of("src/test/resources/golden");

  private GoldenBytes() {}

  /** Reads and writes one format of one serializer. */
  private interface Format<T> {
    T read(byte[] bytes) throws IOException;

    byte[] write(T value) throws IOException;
  }

  /** Finds the reader of a format. */
  private interface Formats<T> {
    Format<T> of(int format) throws IOException;
  }

  /**
   * Checks a serializer of state or records.
   *
   * @param values what the file of each format holds, from format 1
   */
  @SafeVarargs
  @SuppressWarnings("varargs") // only handed on
  public static <T> void check(String name, TypeSerializer<T> serializer, List<T>... values) {
    check(
        name,
        serializer.snapshotConfiguration().getCurrentVersion(),
        format -> {
          // As Flink does: by the snapshot that a savepoint of that time holds.
          TypeSerializerSnapshot<T> snapshot = serializer.snapshotConfiguration();
          snapshot.readSnapshot(
              format, new DataInputDeserializer(), GoldenBytes.class.getClassLoader());
          return format(snapshot.restoreSerializer());
        },
        List.of(values));
  }

  private static <T> Format<T> format(TypeSerializer<T> serializer) {
    return new Format<>() {
      @Override
      public T read(byte[] bytes) throws IOException {
        DataInputDeserializer in = new DataInputDeserializer(bytes);
        T value = serializer.deserialize(in);
        assertThat(in.available()).as("bytes left unread").isZero();
        return value;
      }

      @Override
      public byte[] write(T value) throws IOException {
        DataOutputSerializer out = new DataOutputSerializer(64);
        serializer.serialize(value, out);
        return out.getCopyOfBuffer();
      }
    };
  }

  /** Checks a serializer of a source's or a sink's state, likewise. */
  @SafeVarargs
  @SuppressWarnings("varargs") // only handed on
  public static <T> void check(
      String name, SimpleVersionedSerializer<T> serializer, List<T>... values) {
    check(
        name,
        serializer.getVersion(),
        number ->
            new Format<T>() {
              @Override
              public T read(byte[] bytes) throws IOException {
                return serializer.deserialize(number, bytes);
              }

              @Override
              public byte[] write(T value) throws IOException {
                return serializer.serialize(value);
              }
            },
        List.of(values));
  }

  private static <T> void check(
      String name, int current, Formats<T> formats, List<List<T>> values) {
    assertThat(values)
        .as(
            "%s writes format %d. Keep the values of earlier formats, add those of the new one, and run this test with"
                + " -Dgolden.write=true",
            name, current)
        .hasSize(current);
    try {
      for (int number = 1; number <= current; number++) {
        Format<T> format = formats.of(number);
        List<T> expected = values.get(number - 1);
        List<byte[]> golden = golden(name, number, format, expected);
        assertThat(golden).as("values of %s in format %d", name, number).hasSameSizeAs(expected);
        for (int i = 0; i < expected.size(); i++) {
          assertThat(format.read(golden.get(i)))
              .as(
                  "%s no longer reads what it wrote in format %d, so state of an earlier release is lost: raise its format"
                      + " and go on reading this one",
                  name, number)
              .isEqualTo(expected.get(i));
          if (number == current) {
            assertThat(HEX.formatHex(format.write(expected.get(i))))
                .as(
                    "%s writes other bytes in format %d than earlier builds did: raise its format, go on reading this one,"
                        + " and add a file for the new one",
                    name, number)
                .isEqualTo(HEX.formatHex(golden.get(i)));
          }
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(name, e);
    }
  }

  private static <T> List<byte[]> golden(String name, int number, Format<T> format, List<T> values)
      throws IOException {
    String file = name + "-v" + number;
    if (Boolean.getBoolean("golden.write") && Files.notExists(FILES.resolve(file))) {
      StringBuilder lines = new StringBuilder();
      for (T value : values) {
        lines.append(HEX.formatHex(format.write(value))).append('\n');
      }
      Files.createDirectories(FILES);
      Files.writeString(FILES.resolve(file), lines);
    }
    try (InputStream in = open(file);
        Stream<String> lines = new String(in.readAllBytes(), StandardCharsets.UTF_8).lines()) {
      return lines.map(HEX::parseHex).toList();
    }
  }

  private static InputStream open(String file) throws IOException {
    if (Files.notExists(FILES.resolve(file))) {
      throw new AssertionError(
          FILES.resolve(file)
              + " is missing: each format has a file, by which later builds see that they can read it. Run this test with"
              + " -Dgolden.write=true and check the file in");
    }
    return Files.newInputStream(FILES.resolve(file));
  }
}
