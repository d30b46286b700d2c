package io.promostream.bench;

import io.promostream.subscribers.Refreshes;
import java.io.OutputStream;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import org.postgresql.PGConnection;

/**
 * What something asked of Postgres: the references beside which the list is measured, and the list.
 *
 * @param seconds that it took
 * @param cpu seconds of the processors' time that Postgres used meanwhile
 */
record PostgresUse(double seconds, double cpu) {

  private static final String PLAIN_COPY =
      "COPY (SELECT restaurant_id, client_id FROM " + Subscriptions.TABLE + ") TO STDOUT";

  private static final int REPEATS = 3;

  private interface Action {
    void run(Connection connection) throws Exception;
  }

  /** Of all subscriptions as text, to nowhere; the median of a few. */
  static PostgresUse plainCopy(Installation installation) throws Exception {
    List<PostgresUse> uses = new ArrayList<>();
    for (int i = 0; i < REPEATS; i++) {
      uses.add(
          of(
              installation,
              connection ->
                  connection
                      .unwrap(PGConnection.class)
                      .getCopyAPI()
                      .copyOut(PLAIN_COPY, OutputStream.nullOutputStream())));
    }
    return median(uses);
  }

  /** Of the fingerprints of all restaurants. */
  static PostgresUse fingerprints(Installation installation) throws Exception {
    return of(installation, connection -> Refreshes.fingerprints(connection, Subscriptions.TABLE));
  }

  private static PostgresUse of(Installation installation, Action action) throws Exception {
    double before = cpu(installation);
    long start = System.nanoTime();
    try (Connection connection = installation.connect()) {
      action.run(connection);
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    return new PostgresUse(seconds, cpu(installation) - before);
  }

  /** What Postgres has used until now. */
  static double cpu(Installation installation) throws Exception {
    return CpuTime.now(installation).seconds().get("Postgres");
  }

  static PostgresUse median(List<PostgresUse> uses) {
    return new PostgresUse(
        Figures.median(uses.stream().mapToDouble(PostgresUse::seconds).toArray()),
        Figures.median(uses.stream().mapToDouble(PostgresUse::cpu).toArray()));
  }
}
