package io.promostream.testing;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.flink.util.IOUtils;

/** Stands between a client and a Postgres server, and interferes with one COMMIT. */
public final class CommitProxy implements AutoCloseable {

  /** What happens to a COMMIT. */
  public enum Fault {
    /** The server commits, and the client's connection breaks before the answer. */
    LOSE_ANSWER,
    /** Both connections break, and the server never sees the COMMIT. */
    LOSE_COMMIT,
    /** The client's connection breaks; the server's stays open, in the transaction. */
    LEAVE_OPEN,
    /** Nothing passes any more in either direction, as if the client were stopped. */
    FREEZE
  }

  private final ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
  private final URI server;
  private final AtomicReference<Fault> next = new AtomicReference<>();
  private final CountDownLatch happened = new CountDownLatch(1);
  private final CountDownLatch resumed = new CountDownLatch(1);
  private volatile String faulty = "";
  private volatile boolean frozen;
  private volatile boolean forward;

  /**
   * Starts listening.
   *
   * @param url of a database, {@code jdbc:postgresql://host:port/name}
   */
  public CommitProxy(String url) throws IOException {
    server = URI.create(url.substring("jdbc:".length()));
    start(
        () -> {
          while (true) {
            Socket client = listener.accept();
            Socket backend = new Socket(server.getHost(), server.getPort());
            start(() -> toServer(client, backend));
            start(() -> toClient(client, backend));
          }
        });
  }

  /** The database's URL by way of this proxy. */
  public String url() {
    return "jdbc:postgresql://127.0.0.1:" + listener.getLocalPort() + server.getPath();
  }

  /**
   * Lets a COMMIT fail; to be called once.
   *
   * @param statement part of one that the transaction holds
   */
  public void fail(String statement, Fault fault) {
    faulty = statement;
    next.set(fault);
  }

  /** Waits for the fault. */
  public void awaitFault() throws InterruptedException {
    happened.await();
  }

  /**
   * Ends what {@link Fault#LEAVE_OPEN} or {@link Fault#FREEZE} began.
   *
   * @param commit whether the COMMIT reaches the server after all; otherwise its connection breaks
   */
  public void resume(boolean commit) {
    forward = commit;
    resumed.countDown();
  }

  private void toServer(Socket client, Socket backend) throws Exception {
    try (client;
        backend) {
      InputStream in = client.getInputStream();
      OutputStream out = backend.getOutputStream();
      byte[] buffer = new byte[1 << 16];
      boolean fails = false;
      for (int length = in.read(buffer); length >= 0; length = in.read(buffer)) {
        byte[] bytes = Arrays.copyOf(buffer, length);
        String text = new String(bytes, ISO_8859_1);
        fails |= next.get() != null && text.contains(faulty);
        Fault fault = fails && text.contains("COMMIT") ? next.getAndSet(null) : null;
        if (fault == null) {
          out.write(bytes);
        } else if (!pass(fault, bytes, client, backend)) {
          return;
        }
      }
    }
  }

  private boolean pass(Fault fault, byte[] commit, Socket client, Socket backend) throws Exception {
    switch (fault) {
      case LOSE_ANSWER -> {
        client.shutdownInput();
        IOUtils.closeQuietly(client);
        backend.getOutputStream().write(commit);
        // toClient() reads the answer, in vain.
        Thread.sleep(200);
        happened.countDown();
        return false;
      }
      case LOSE_COMMIT -> {
        IOUtils.closeQuietly(backend);
        IOUtils.closeQuietly(client);
        happened.countDown();
        return false;
      }
      case LEAVE_OPEN -> {
        IOUtils.closeQuietly(client);
        happened.countDown();
        resumed.await();
        if (forward) {
          backend.getOutputStream().write(commit);
          Thread.sleep(200);
        }
        return false;
      }
      case FREEZE -> {
        frozen = true;
        happened.countDown();
        resumed.await();
        if (forward) {
          backend.getOutputStream().write(commit);
        }
        return forward;
      }
    }
    throw new IllegalArgumentException(fault.name());
  }

  private void toClient(Socket client, Socket backend) throws Exception {
    InputStream in = backend.getInputStream();
    byte[] buffer = new byte[1 << 16];
    for (int length = in.read(buffer); length >= 0; length = in.read(buffer)) {
      awaitThaw();
      client.getOutputStream().write(buffer, 0, length);
    }
    // The server has ended the connection.
    awaitThaw();
    client.close();
  }

  private void awaitThaw() throws InterruptedException {
    if (frozen) {
      resumed.await();
    }
  }

  /** Work that ends with its connection. */
  private interface Work {
    void run() throws Exception;
  }

  private static void start(Work work) {
    Thread thread =
        new Thread(
            () -> {
              try {
                work.run();
              } catch (IOException e) {
                // The connection is closed.
              } catch (Exception e) {
                throw new IllegalStateException(e);
              }
            },
            "commit-proxy");
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void close() {
    resume(false);
    try {
      listener.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
