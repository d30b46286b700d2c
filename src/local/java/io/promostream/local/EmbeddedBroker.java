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

/** A Kafka broker in this process, on a free port of this machine; its data goes with it. */
public final class EmbeddedBroker implements AutoCloseable {

  private final KafkaClusterTestKit kafka;

  private EmbeddedBroker(KafkaClusterTestKit kafka) {
    this.kafka = kafka;
  }

  /**
   * Starts a broker; it is ready when this returns, after 1 to 3 s.
   *
   * @param overrides broker settings beyond those of a single node
   */
  public static EmbeddedBroker start(Map<String, String> overrides) throws Exception {
    // The kit's own directory would be deleted under the broker when the JVM is told to end, upon
    // which the broker halts the JVM at once; this one goes when the broker is closed.
    Path data = Files.createTempDirectory("promo-stream-kafka-");
    KafkaClusterTestKit kafka = null;
    try {
      kafka = kit(data, overrides);
      kafka.format();
      kafka.startup();
      kafka.waitForReadyBrokers();
      return new EmbeddedBroker(kafka);
    } catch (Throwable failure) {
      // Also errors: Kafka's classes can't be initialized while the JVM is ending.
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

  /** Where clients of another listener than the kit's own find the broker. */
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
      // The controller knows it now. A client that asks the broker too early hears of no partition.
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
      throw new IllegalStateException("the embedded broker did not stop", e);
    }
  }
}
