package io.promostream.local;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import io.zonky.test.db.postgres.util.LinuxUtils;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** A Postgres server on a free port. It stops with the JVM, which deletes its data. */
public final class EmbeddedDatabase implements AutoCloseable {

  public static final String SUPERUSER = "postgres";

  private final EmbeddedPostgres postgres;

  private EmbeddedDatabase(EmbeddedPostgres postgres) {
    this.postgres = postgres;
  }

  /**
   * Starts a server and waits until it is ready, 1 to 4 s.
   *
   * @param settings server settings that differ from the defaults
   */
  public static EmbeddedDatabase start(Map<String, String> settings) throws IOException {
    EmbeddedPostgres.Builder builder =
        EmbeddedPostgres.builder().setServerConfig("max_connections", "200");
    settings.forEach(builder::setServerConfig);
    // The builder cannot add its shutdown hook while the JVM shuts down, and leaves the server
    // running.
    EmbeddedDatabase database =
        new EmbeddedDatabase(builder.setRegisterShutdownHook(false).start());
    try {
      Runtime.getRuntime().addShutdownHook(new Thread(database::closeQuietly));
    } catch (IllegalStateException e) {
      database.close();
      throw new IOException("Cannot start Postgres while the JVM shuts down", e);
    }
    return database;
  }

  private void closeQuietly() {
    try {
      close();
    } catch (IOException e) {
      // The JVM is ending, so nobody would see the failure. The server's directory stays.
    }
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

  /**
   * Stops the server like a crash and starts it again. Connections break, and committed data stays.
   *
   * @param outage how long the server is down
   */
  public void restart(Duration outage) throws Exception {
    List<String> pgCtl = pgCtl();
    run(pgCtl, "stop");
    Thread.sleep(outage.toMillis());
    // "restart" of a stopped server starts it with its previous options.
    run(pgCtl, "restart");
  }

  /**
   * Kills all processes of the server at once and starts it again. Confirmed commits survive if
   * {@code synchronous_commit} is on, because the machine keeps running.
   *
   * @param outage how long the server is down
   */
  public void kill(Duration outage) throws Exception {
    List<String> pgCtl = pgCtl();
    Path data = Path.of(pgCtl.get(pgCtl.indexOf("-D") + 1));
    long pid = Long.parseLong(Files.readAllLines(data.resolve("postmaster.pid")).get(0));
    ProcessHandle postmaster = ProcessHandle.of(pid).orElseThrow();
    List<ProcessHandle> processes = postmaster.descendants().collect(Collectors.toList());
    postmaster.destroyForcibly();
    processes.forEach(ProcessHandle::destroyForcibly);
    Thread.sleep(outage.toMillis());
    run(pgCtl, "restart");
  }

  private List<String> pgCtl() throws SQLException {
    List<String> command = new ArrayList<>();
    if (LinuxUtils.isUnshareAvailable()) {
      command.addAll(List.of("unshare", "-U"));
    }
    try (Connection connection = connect("postgres");
        Statement statement = connection.createStatement();
        ResultSet result =
            statement.executeQuery(
                "SELECT setting, current_setting('data_directory') FROM pg_config WHERE name = 'BINDIR'")) {
      result.next();
      command.addAll(List.of(result.getString(1) + "/pg_ctl", "-D", result.getString(2)));
    }
    command.addAll(List.of("-m", "immediate", "-w"));
    return command;
  }

  private static void run(List<String> pgCtl, String action) throws Exception {
    List<String> command = new ArrayList<>(pgCtl);
    command.add(action);
    // The server inherits the streams, and nobody would read a pipe.
    int exit =
        new ProcessBuilder(command)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start()
            .waitFor();
    if (exit != 0) {
      throw new IllegalStateException(command + " ended with " + exit);
    }
  }

  @Override
  public void close() throws IOException {
    postgres.close();
  }
}
