package io.promostream.local;

import static java.util.concurrent.TimeUnit.SECONDS;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.network.ListenerName;
import org.apache.kafka.common.test.KafkaClusterTestKit;
import org.apache.kafka.common.test.TestKitNodes;
import org.apache.kafka.common.utils.Utils;

/** A Kafka broker in this process, on a free port. Closing it deletes its data. */
public final class EmbeddedBroker implements AutoCloseable {

  private final KafkaClusterTestKit kafka;

  private EmbeddedBroker(KafkaClusterTestKit kafka) {
    this.kafka = kafka;
  }

  /**
   * Starts a broker and waits until it is ready, 1 to 3 s.
   *
   * @param overrides broker settings in addition to those for a single node
   */
  public static EmbeddedBroker start(Map<String, String> overrides) throws Exception {
    // The kit deletes its own directory when the JVM begins to shut down, and the running broker
    // then
    // halts the JVM. This directory is deleted when the broker is closed.
    Path data = Files.createTempDirectory("promo-stream-kafka-");
    KafkaClusterTestKit kafka = null;
    try {
      kafka = kit(data, overrides);
      kafka.format();
      kafka.startup();
      kafka.waitForReadyBrokers();
      return new EmbeddedBroker(kafka);
    } catch (Throwable failure) {
      // Catches errors too: Kafka's classes cannot be initialized while the JVM shuts down.
      if (kafka != null) {
        kafka.close();
      }
      Utils.delete(data.toFile());
      throw failure;
    }
  }

  private static KafkaClusterTestKit kit(Path data, Map<String, String> overrides)
      throws Exception {
    KafkaClusterTestKit.Builder builder =
        new KafkaClusterTestKit.Builder(
                new TestKitNodes.Builder()
                    .setBaseDirectory(data)
                    .setCombined(true)
                    .setNumBrokerNodes(1)
                    .setNumControllerNodes(1)
                    .build())
            .setConfigProp("offsets.topic.replication.factor", "1")
            .setConfigProp("transaction.state.log.replication.factor", "1")
            .setConfigProp("transaction.state.log.min.isr", "1")
            .setConfigProp("group.initial.rebalance.delay.ms", "0")
            .setConfigProp("auto.create.topics.enable", "false");
    overrides.forEach(builder::setConfigProp);
    return builder.build();
  }

  public String bootstrapServers() {
    return kafka.bootstrapServers();
  }

  /** The broker's address for clients of a listener other than the kit's. */
  public String bootstrapServers(String listener) {
    return "127.0.0.1:" + kafka.brokers().get(0).boundPort(new ListenerName(listener));
  }

  public Admin admin() {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", bootstrapServers());
    return Admin.create(properties);
  }

  public void createTopic(String name, int partitions) throws Exception {
    createTopic(name, partitions, Map.of());
  }

  public void createTopic(String name, int partitions, Map<String, String> settings)
      throws Exception {
    try (Admin admin = admin()) {
      admin
          .createTopics(List.of(new NewTopic(name, partitions, (short) 1).configs(settings)))
          .all()
          .get(30, SECONDS);
      // The controller knows the topic now, but the broker may not report its partitions yet.
      while (!admin.listTopics().names().get(30, SECONDS).contains(name)) {
        Thread.sleep(10);
      }
    }
  }

  @Override
  public void close() {
    try {
      kafka.close();
    } catch (Exception e) {
      throw new IllegalStateException("Cannot stop the embedded broker", e);
    }
  }
}
