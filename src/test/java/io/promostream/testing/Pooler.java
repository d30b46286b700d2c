package io.promostream.testing;

import io.promostream.local.EmbeddedDatabase;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.apache.flink.util.FileUtils;

/** PgBouncer in transaction mode, before the Postgres server of the tests. */
public final class Pooler implements AutoCloseable {

  private final int port;
  private final Path directory;
  private Process process;

  /**
   * Starts it.
   *
   * @param database on the server; all others on it are there too
   * @param poolSize connections to each database
   */
  public Pooler(TestDatabase database, int poolSize) throws Exception {
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    // PgBouncer does not run as root, and gives up root's rights for those of a user who is named.
    boolean root = System.getProperty("user.name").equals("root");
    directory = Files.createTempDirectory("pgbouncer");
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
    Files.writeString(
        directory.resolve("users.txt"),
        "\"%1$s\" \"%1$s\"%n".formatted(EmbeddedDatabase.SUPERUSER));
    Files.writeString(
        directory.resolve("pgbouncer.ini"),
        """
        [databases]
        * = host=127.0.0.1 port=%d
        [pgbouncer]
        listen_addr = 127.0.0.1
        listen_port = %d
        unix_socket_dir =
        auth_type = trust
        auth_file = %s/users.txt
        pool_mode = transaction
        default_pool_size = %d
        ignore_startup_parameters = extra_float_digits
        %s
        """
            .formatted(
                URI.create(database.url().substring("jdbc:".length())).getPort(),
                port,
                directory,
                poolSize,
                root ? "user = nobody" : ""));
    start();
  }

  private void start() throws Exception {
    process =
        new ProcessBuilder("pgbouncer", directory.resolve("pgbouncer.ini").toString())
            .redirectErrorStream(true)
            .redirectOutput(
                ProcessBuilder.Redirect.appendTo(directory.resolve("pgbouncer.log").toFile()))
            .start();
    Waiting.until("pgbouncer", this::listens);
  }

  private boolean listens() throws IOException {
    if (!process.isAlive()) {
      throw new IllegalStateException(log());
    }
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      return socket.isConnected();
    } catch (IOException e) {
      return false;
    }
  }

  /** Ends it with all its connections, and starts it anew. */
  public void restart() throws Exception {
    stop();
    start();
  }

  /** A database by way of the pooler. */
  public String url(TestDatabase database) {
    return "jdbc:postgresql://127.0.0.1:%d/%s".formatted(port, database.name());
  }

  /** What it has said. */
  public String log() throws IOException {
    return Files.readString(directory.resolve("pgbouncer.log"));
  }

  private void stop() throws InterruptedException {
    process.destroyForcibly();
    process.waitFor();
  }

  @Override
  public void close() throws InterruptedException {
    stop();
    FileUtils.deleteDirectoryQuietly(directory.toFile());
  }
}
