package io.promostream.subscribers;

import io.promostream.config.TableName;
import java.io.IOException;
import java.io.OutputStream;
import java.sql.Connection;
import java.sql.SQLException;
import org.postgresql.PGConnection;

/** What a refresh of the list asks of Postgres, for who measures it apart from the job. */
public final class Refreshes {

  private Refreshes() {}

  /** Has Postgres compute the fingerprints just as a refresh does, and drops them. */
  public static void fingerprints(Connection connection, String table)
      throws SQLException, IOException {
    SubscribersTable subscribers = new SubscribersTable(TableName.parse(table), ClientIds.ANY);
    subscribers.begin(connection);
    connection
        .unwrap(PGConnection.class)
        .getCopyAPI()
        .copyOut(
            "COPY (" + subscribers.fingerprints(connection) + ") TO STDOUT (FORMAT binary)",
            OutputStream.nullOutputStream());
    connection.commit();
  }
}
