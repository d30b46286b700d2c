package io.promostream.local;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import org.postgresql.PGConnection;
import org.postgresql.copy.PGCopyOutputStream;

/** Writes many rows into a table by {@code COPY}. The rows are visible after {@link #close}. */
final class CopyIn implements AutoCloseable {

  private final Writer csv;

  /**
   * @param target the table, followed by the columns in parentheses unless all are written
   */
  CopyIn(Connection connection, String target) throws SQLException {
    csv =
        new BufferedWriter(
            new OutputStreamWriter(
                new PGCopyOutputStream(
                    connection.unwrap(PGConnection.class),
                    "COPY " + target + " FROM STDIN (FORMAT csv)"),
                StandardCharsets.UTF_8));
  }

  void row(Object... values) throws IOException {
    for (int i = 0; i < values.length; i++) {
      csv.write(i == 0 ? "\"" : ",\"");
      csv.write(values[i].toString().replace("\"", "\"\""));
      csv.write('"');
    }
    csv.write('\n');
  }

  @Override
  public void close() throws IOException {
    csv.close();
  }
}
