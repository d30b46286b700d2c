package io.promostream.local;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;

/** A Postgres server on a free port of this machine; its data goes with it. */
public final class EmbeddedDatabase implements AutoCloseable {

  public static final String SUPERUSER = "postgres";

  private final EmbeddedPostgres postgres;

  private EmbeddedDatabase(EmbeddedPostgres postgres) {
    this.postgres = postgres;
  }

  /**
   * Starts a server that takes prepared transactions; it is ready when this returns, after 1 to 4
   * s.
   *
   * @param settings of the server, beyond {@code max_prepared_transactions} = 64
   */
  public static EmbeddedDatabase start(Map<String, String> settings) throws IOException {
    EmbeddedPostgres.Builder builder =
        EmbeddedPostgres.builder()
            .setServerConfig("max_prepared_transactions", "64")
            .setServerConfig("max_connections", "200");
    settings.forEach(builder::setServerConfig);
    return new EmbeddedDatabase(builder.start());
  }

  public int port() {
    return postgres.getPort();
  }

  public String url(String database) {
    return "jdbc:postgresql://127.0.0.1:" + port() + "/" + database;
  }

  /** A connection as superuser. */
  public Connection connect(String database) throws SQLException {
    return DriverManager.getConnection(url(database), SUPERUSER, SUPERUSER);
  }

  public void createDatabase(String name) throws SQLException {
    try (Connection connection = connect("postgres");
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE DATABASE \"" + name + "\"");
    }
  }

  @Override
  public void close() throws IOException {
    postgres.close();
  }
}
