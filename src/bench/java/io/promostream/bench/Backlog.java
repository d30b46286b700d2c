package io.promostream.bench;

import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Promos that become visible at once: an open transaction holds them until then. */
final class Backlog implements AutoCloseable {

  private final String topic;
  private final KafkaProducer<byte[], byte[]> producer;
  private int backlogs;

  Backlog(Installation installation) {
    this(installation, Installation.PROMOS);
  }

  Backlog(Installation installation, String topic) {
    this.topic = topic;
    producer =
        new KafkaProducer<>(
            Map.of(
                "bootstrap.servers",
                installation.broker().bootstrapServers(),
                "transactional.id",
                "backlog-" + topic,
                "linger.ms",
                5),
            new ByteArraySerializer(),
            new ByteArraySerializer());
    producer.initTransactions();
  }

  /** Writes new promos. */
  void write(Town town, long promos) {
    backlogs++;
    producer.beginTransaction();
    for (long i = 0; i < promos; i++) {
      var unused =
          producer.send(
              new ProducerRecord<>(
                  topic, Town.json(town.promo(i, "campaign-%d-%d".formatted(backlogs, i)))));
    }
    producer.flush();
  }

  /** Commits the promos, so that the job reads them. */
  void release() {
    producer.commitTransaction();
  }

  @Override
  public void close() {
    producer.close();
  }
}
