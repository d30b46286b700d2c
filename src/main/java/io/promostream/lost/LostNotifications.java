package io.promostream.lost;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.promostream.config.JobConfig;
import io.promostream.kafka.KafkaClients;
import io.promostream.kafka.Message;
import io.promostream.lost.FeedbackTable.Row;
import io.promostream.notification.NotificationTemplate;
import java.io.IOException;
import java.io.PrintStream;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/**
 * What {@code --lost-notifications} does: finds the feedback rows of a window that have no
 * notification in the topic, and with {@code --send} sends exactly these, in one transaction. Kafka
 * aborts what an outage keeps from being committed for longer than {@code transaction.timeout.ms};
 * Postgres does not, and so it knows what was lost.
 *
 * <p>The job may run meanwhile. A row can be seen when the checkpoint that it belongs to has
 * completed, so its message was in the topic before, if in an open transaction: whoever reads the
 * rows first, then notes the topic's ends, and then reads up to there what is committed, has waited
 * for all transactions that such a message can be in. What is missing then never comes.
 *
 * <p>Two that send at once do not send twice: they have one transactional id, taken before anything
 * is read, so that the later one ends the earlier one.
 */
public final class LostNotifications {

  private static final int SHOWN = 20;

  private final JobConfig config;
  private final Window window;
  private final PrintStream out;

  private LostNotifications(JobConfig config, Window window, PrintStream out) {
    this.config = config;
    this.window = window;
    this.out = out;
  }

  /**
   * Looks, reports and, if told to, sends.
   *
   * @param send whether to send what is lost, or only to say what it is
   * @return the exit code: 0 if nothing is lost or it has been sent, else 1
   */
  public static int run(JobConfig config, Window window, boolean send, PrintStream out)
      throws InterruptedException {
    try {
      return new LostNotifications(config, window, out).run(send) ? 0 : 1;
    } catch (IOException
        | SQLException
        | KafkaException
        | ExecutionException
        | TimeoutException e) {
      Throwable reason = e instanceof ExecutionException ? e.getCause() : e;
      out.println("Not done: " + reason.getMessage());
      return 1;
    }
  }

  private boolean run(boolean send)
      throws IOException, SQLException, InterruptedException, ExecutionException, TimeoutException {
    if (config.guarantee() != DeliveryGuarantee.EXACTLY_ONCE) {
      throw new IOException("delivery.guarantee at-least-once loses none that have rows");
    }
    try (FeedbackTable table = new FeedbackTable(config.feedback(), window);
        KafkaProducer<byte[], byte[]> producer = send ? producer() : null) {
      long[] rows = table.hashes();
      out.printf("%,d feedback rows from %s to %s%n", rows.length, window.from(), window.to());
      long[] sent = new NotificationsTopic(config, out).hashesFrom(window.from());
      out.printf("%,d notifications in the topic since then%n", sent.length);
      return dealWith(table, new Missing(rows, sent), producer);
    }
  }

  /** Names each campaign with how many are lost, and sends them if there is a producer. */
  private boolean dealWith(
      FeedbackTable table, Missing missing, @Nullable KafkaProducer<byte[], byte[]> producer)
      throws SQLException, ExecutionException, InterruptedException, TimeoutException {
    Map<String, Long> campaigns = new TreeMap<>();
    long[] counts = new long[2];
    long now = Instant.now().getEpochSecond();
    if (producer != null) {
      producer.beginTransaction();
    }
    table.forEach(
        row -> {
          if (missing.take(row.hash())) {
            counts[0]++;
            counts[1] += row.promo().end() < now ? 1 : 0;
            campaigns.merge(
                row.promo().campaignId() + " of restaurant " + row.promo().restaurantId(),
                1L,
                Long::sum);
            if (producer != null) {
              send(row, producer);
            }
          }
        });
    out.printf("%,d lost, %,d of them of campaigns that have ended%n", counts[0], counts[1]);
    campaigns.entrySet().stream()
        .limit(SHOWN)
        .forEach(campaign -> out.printf("  %,10d of %s%n", campaign.getValue(), campaign.getKey()));
    if (campaigns.size() > SHOWN) {
      out.printf("  and %,d more campaigns%n", campaigns.size() - SHOWN);
    }
    if (producer != null) {
      // Throws if any could not be sent, and none is then.
      producer.commitTransaction();
      out.printf("%,d sent%n", counts[0]);
    } else if (counts[0] > 0) {
      out.println("Nothing was sent: --send does that");
    }
    return producer != null || counts[0] == 0;
  }

  private void send(Row row, KafkaProducer<byte[], byte[]> producer) {
    Message message =
        new NotificationTemplate(row.promo(), row.matchedAt())
            .to(row.clientId().getBytes(UTF_8), false);
    var unused =
        producer.send(
            new ProducerRecord<>(config.notificationsTopic(), message.key(), message.value()));
  }

  private KafkaProducer<byte[], byte[]> producer() {
    Properties properties = KafkaClients.producerProperties(config);
    properties.put(
        ProducerConfig.TRANSACTIONAL_ID_CONFIG, config.transactionPrefix() + "/lost-notifications");
    KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
    producer.initTransactions();
    return producer;
  }
}
