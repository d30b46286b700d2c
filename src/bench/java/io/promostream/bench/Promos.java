package io.promostream.bench;

import io.promostream.promo.Promo;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Writes promos as restaurants do. */
final class Promos implements AutoCloseable {

  static final long LONG_AGO = 1_000_000_000;
  static final long DECADES_AHEAD = 9_999_999_999L;

  private final KafkaProducer<byte[], byte[]> producer;

  Promos(Installation installation) {
    producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", installation.broker().bootstrapServers(), "linger.ms", 0),
            new ByteArraySerializer(),
            new ByteArraySerializer());
  }

  /**
   * Writes a promo that is live for decades from a second on.
   *
   * @param start epoch seconds
   */
  void write(String restaurant, String campaign, long start) {
    write(
        new Promo(
            restaurant,
            campaign,
            "x".repeat(Town.USUAL_CONTENT),
            "Ivanov Ivan Ivanovich",
            "iiivanov@restaurant.example",
            start,
            DECADES_AHEAD,
            LONG_AGO));
  }

  void write(Promo promo) {
    var unused = producer.send(new ProducerRecord<>(Installation.PROMOS, Town.json(promo)));
  }

  void flush() {
    producer.flush();
  }

  @Override
  public void close() {
    producer.close();
  }
}
