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

/** A Postgres server on a free port of this machine; it ends with the JVM, its data with it. */
public final class EmbeddedDatabase implements AutoCloseable {

  public static final String SUPERUSER = "postgres";

  private final EmbeddedPostgres postgres;

  private EmbeddedDatabase(EmbeddedPostgres postgres) {
    this.postgres = postgres;
  }

  /**
   * Starts a server; it is ready when this returns, after 1 to 4 s.
   *
   * @param settings of the server, beside its defaults
   */
  public static EmbeddedDatabase start(Map<String, String> settings) throws IOException {
    EmbeddedPostgres.Builder builder =
        EmbeddedPostgres.builder().setServerConfig("max_connections", "200");
    settings.forEach(builder::setServerConfig);
    // The builder's own hook can't be added while the JVM is ending, and leaves the server running.
    EmbeddedDatabase database =
        new EmbeddedDatabase(builder.setRegisterShutdownHook(false).start());
    try {
      Runtime.getRuntime().addShutdownHook(new Thread(database::closeQuietly));
    } catch (IllegalStateException e) {
      database.close();
      throw new IOException("the JVM is ending", e);
    }
    return database;
  }

  private void closeQuietly() {
    try {
      close();
    } catch (IOException e) {
      // Nobody is left to tell; the server's directory stays.
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
   * Ends the server as a crash would and starts it anew; connections break, what was committed
   * stays.
   *
   * @param outage how long it is gone in between
   */
  public void restart(Duration outage) throws Exception {
    List<String> pgCtl = pgCtl();
    run(pgCtl, "stop");
    Thread.sleep(outage.toMillis());
    // A restart of what does not run is a start with the options of the last time.
    run(pgCtl, "restart");
  }

  /**
   * Kills all processes of the server, none of which gets to do anything more, and starts it anew.
   * What a client was told is committed stays if {@code synchronous_commit} is on, as the machine
   * itself lives on.
   *
   * @param outage how long it is gone in between
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
    // The server inherits the streams: nobody would empty a pipe.
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
