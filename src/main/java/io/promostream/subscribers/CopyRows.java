package io.promostream.subscribers;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
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

  private final CopyOut copy;
  private final int[] starts;
  private final int[] lengths;
  private int header = HEADER_BYTES;
  private byte[] bytes = {};
  private ByteBuffer row = ByteBuffer.wrap(bytes);

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

  /** Goes on to the next row, until there is none. To be called to the end, or to a failure. */
  boolean next() throws SQLException {
    byte[] message = copy.readFromCopy();
    while (message != null) {
      bytes = message;
      row = ByteBuffer.wrap(bytes).position(header);
      header = 0;
      // The last "row" has -1 columns.
      if (row.hasRemaining() && row.getShort() > 0) {
        for (int column = 0; column < starts.length; column++) {
          lengths[column] = row.getInt();
          starts[column] = row.position();
          row.position(row.position() + Math.max(0, lengths[column]));
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

  boolean isNull(int column) {
    return lengths[column] < 0;
  }

  String text(int column) {
    return new String(bytes, starts[column], lengths[column], UTF_8);
  }

  /** A {@code bigint}. */
  long number(int column) {
    return row.getLong(starts[column]);
  }
}
