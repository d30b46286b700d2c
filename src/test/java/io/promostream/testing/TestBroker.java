package io.promostream.testing;

import io.promostream.local.EmbeddedBroker;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** The broker that the tests of one JVM share: each takes topics with names of its own. */
public final class TestBroker {

  private static EmbeddedBroker broker;

  private TestBroker() {}

  /** The broker, started when it is first asked for, stopped with the JVM. */
  public static synchronized EmbeddedBroker get() {
    if (broker == null) {
      try {
        broker = EmbeddedBroker.start(Map.of());
      } catch (Exception e) {
        throw new IllegalStateException("the embedded broker did not start", e);
      }
      Runtime.getRuntime().addShutdownHook(new Thread(broker::close));
    }
    return broker;
  }

  /** A producer with a transaction open by this id. */
  public static KafkaProducer<byte[], byte[]> transaction(String id) {
    KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", get().bootstrapServers(), "transactional.id", id),
            new ByteArraySerializer(),
            new ByteArraySerializer());
    producer.initTransactions();
    producer.beginTransaction();
    return producer;
  }
}
