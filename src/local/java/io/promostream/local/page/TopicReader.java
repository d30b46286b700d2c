package io.promostream.local.page;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the topics from their beginning, committed messages only, and passes each to its reader.
 */
final class TopicReader implements Runnable, AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(TopicReader.class);

  private final Site site;
  private final Board board;
  private final KafkaConsumer<byte[], byte[]> consumer;
  private volatile boolean closed;

  TopicReader(Site site, Board board) {
    this.site = site;
    this.board = board;
    consumer =
        new KafkaConsumer<>(
            Map.of(
                "bootstrap.servers",
                site.bootstrapServers(),
                "isolation.level",
                "read_committed",
                "auto.offset.reset",
                "earliest"),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer());
  }

  @Override
  public void run() {
    try (consumer) {
      List<TopicPartition> all =
          Stream.of(site.promos(), site.reports(), site.notifications(), site.rejected())
              .flatMap(topic -> partitions(topic).stream())
              .toList();
      List<TopicPartition> notifications = partitions(site.notifications());
      consumer.assign(all);
      consumer.seekToBeginning(all);
      while (!closed) {
        if (board.ledger().isFarAhead(Sink.NOTIFICATIONS)) {
          consumer.pause(notifications);
        } else {
          consumer.resume(notifications);
        }
        long second = Instant.now().getEpochSecond();
        consumer.poll(Duration.ofMillis(100)).forEach(message -> read(message, second));
      }
    } catch (WakeupException e) {
      // close() ends a blocked call in this way.
    } catch (RuntimeException e) {
      LOG.error("The page reads the topics no longer", e);
    }
  }

  private List<TopicPartition> partitions(String topic) {
    return consumer.partitionsFor(topic).stream()
        .map(partition -> new TopicPartition(topic, partition.partition()))
        .toList();
  }

  private void read(ConsumerRecord<byte[], byte[]> message, long second) {
    try {
      if (message.topic().equals(site.reports())) {
        board.campaigns().report(message.key(), message.value());
      } else if (message.topic().equals(site.promos())) {
        board.promo(FlatJson.parse(message.value()));
      } else if (message.topic().equals(site.notifications())) {
        board.notification(FlatJson.parse(message.value()), second);
      } else if (isRefusedNotification(message)) {
        FlatJson refused = FlatJson.parse(message.value());
        board.refused(Sink.NOTIFICATIONS, CampaignId.of(refused), refused.text("client_id"));
      }
    } catch (RuntimeException e) {
      // The promos topic holds unusable messages, which the job rejects.
      LOG.debug("Skipped {} {}-{}", message.topic(), message.partition(), message.offset(), e);
    }
  }

  private static boolean isRefusedNotification(ConsumerRecord<byte[], byte[]> rejected) {
    Header reason = rejected.headers().lastHeader("reject.reason");
    return reason != null && new String(reason.value(), UTF_8).equals("notification-refused");
  }

  @Override
  public void close() {
    closed = true;
    consumer.wakeup();
  }
}
