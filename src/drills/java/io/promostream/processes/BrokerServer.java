package io.promostream.processes;

import static java.util.concurrent.TimeUnit.SECONDS;

import io.promostream.testing.Waiting;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.Uuid;

/** A Kafka broker in a separate process, which can be killed and restarted with its data. */
public final class BrokerServer implements AutoCloseable {

  private final Path directory;
  private final int port;
  private Program program;
  private int starts;

  private BrokerServer(Path directory, int port) {
    this.directory = directory.toAbsolutePath();
    this.port = port;
  }

  /** Starts a broker without topics and waits until it is ready. */
  public static BrokerServer start(Path directory) throws Exception {
    BrokerServer server = new BrokerServer(directory, FlinkCluster.freePort());
    server.format();
    server.start();
    return server;
  }

  private void format() throws Exception {
    int controller = FlinkCluster.freePort();
    Files.createDirectories(directory);
    Files.writeString(
        properties(),
        """
        process.roles=broker,controller
        node.id=1
        controller.quorum.voters=1@127.0.0.1:%1$d
        controller.listener.names=CONTROLLER
        listeners=PLAINTEXT://127.0.0.1:%2$d,CONTROLLER://127.0.0.1:%1$d
        log.dirs=%3$s
        auto.create.topics.enable=false
        group.initial.rebalance.delay.ms=0
        offsets.topic.replication.factor=1
        offsets.topic.num.partitions=1
        transaction.state.log.replication.factor=1
        transaction.state.log.min.isr=1
        transaction.state.log.num.partitions=4
        transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
        """
            .formatted(controller, port, directory.resolve("data")));
    Program format =
        run(
            "format",
            "kafka.tools.StorageTool",
            "format",
            "-t",
            Uuid.randomUuid().toString(),
            "-c",
            properties().toString());
    if (format.await() != 0) {
      throw new IllegalStateException(format.output() + format.errors());
    }
  }

  private Path properties() {
    return directory.resolve("server.properties");
  }

  private Program run(String name, String... mainAndArguments) throws IOException {
    List<String> command =
        new ArrayList<>(List.of("-Xmx512m", "-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(mainAndArguments));
    return Program.start(directory.resolve(name + ".out"), Map.of(), command);
  }

  /** Starts the broker; after {@link #kill}, on the same port with the same data. */
  public void start() throws Exception {
    program = run("broker-" + ++starts, "kafka.Kafka", properties().toString());
    Waiting.until("the broker to answer", this::answers);
  }

  private boolean answers() throws InterruptedException {
    if (!program.isAlive()) {
      throw new IllegalStateException("the broker ended, see " + directory);
    }
    try (Admin admin = admin()) {
      return !admin.describeCluster().nodes().get(5, SECONDS).isEmpty();
    } catch (ExecutionException | TimeoutException e) {
      return false;
    }
  }

  public void kill() throws InterruptedException {
    program.kill();
  }

  public String bootstrapServers() {
    return "127.0.0.1:" + port;
  }

  public Admin admin() {
    return Admin.create(Map.of("bootstrap.servers", bootstrapServers()));
  }

  public void createTopic(String name, int partitions) throws Exception {
    try (Admin admin = admin()) {
      admin.createTopics(List.of(new NewTopic(name, partitions, (short) 1))).all().get(60, SECONDS);
    }
  }

  @Override
  public void close() throws InterruptedException {
    program.close();
  }
}
