package io.promostream.subscribers;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.sql.Connection;
import java.sql.SQLException;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyOut;

/**
 * The rows of a query, one at a time, by {@code COPY} in binary format. That streams, where a
 * cursor waits for a round trip each few thousand rows and keeps Postgres from working in parallel;
 * and costs the server less than half of what text does.
 */
final class CopyRows {

  /** Length of the header of the format, without extension, as Postgres sends it. */
  private static final int HEADER_BYTES = 19;

  private static final VarHandle SHORT = numbers(short[].class);
  private static final VarHandle INT = numbers(int[].class);
  private static final VarHandle LONG = numbers(long[].class);

  private final CopyOut copy;
  private final int[] starts;
  private final int[] lengths;
  private int header = HEADER_BYTES;
  private byte[] bytes = {};

  /**
   * @param columns of the query
   */
  CopyRows(Connection connection, String query, int columns) throws SQLException {
    starts = new int[columns];
    lengths = new int[columns];
    copy =
        connection
            .unwrap(PGConnection.class)
            .getCopyAPI()
            .copyOut("COPY (" + query + ") TO STDOUT (FORMAT binary)");
  }

  private static VarHandle numbers(Class<?> array) {
    return MethodHandles.byteArrayViewVarHandle(array, ByteOrder.BIG_ENDIAN);
  }

  /** Goes on to the next row, until there is none. To be called to the end, or to a failure. */
  boolean next() throws SQLException {
    byte[] message = copy.readFromCopy();
    while (message != null) {
      bytes = message;
      int at = header;
      header = 0;
      // The last "row" has -1 columns.
      if (at < bytes.length && (short) SHORT.get(bytes, at) > 0) {
        at += Short.BYTES;
        for (int column = 0; column < starts.length; column++) {
          lengths[column] = (int) INT.get(bytes, at);
          starts[column] = at + Integer.BYTES;
          at = starts[column] + Math.max(0, lengths[column]);
        }
        return true;
      }
      message = copy.readFromCopy();
    }
    return false;
  }

  /** What the row's columns lie in, from {@link #start} on; nobody changes it. */
  byte[] bytes() {
    return bytes;
  }

  int start(int column) {
    return starts[column];
  }

  int length(int column) {
    return lengths[column];
  }

  String text(int column) {
    return new String(bytes, starts[column], lengths[column], UTF_8);
  }

  /** How many characters a text has; no more than {@link #length} says. */
  int characters(int column) {
    int characters = 0;
    for (int i = starts[column]; i < starts[column] + lengths[column]; i++) {
      // Any byte but the second to fourth of a character.
      characters += (bytes[i] & 0xC0) == 0x80 ? 0 : 1;
    }
    return characters;
  }

  /** A {@code bigint}. */
  long number(int column) {
    return (long) LONG.get(bytes, starts[column]);
  }
}
