package io.promostream.kafka;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.promostream.config.JobConfig;
import io.promostream.config.JobConfig.OnLostTransaction;
import io.promostream.replay.EarlierState;
import io.promostream.replay.EarlierTransactions;
import io.promostream.testing.TestBroker;
import io.promostream.testing.Waiting;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.flink.connector.kafka.sink.internal.FlinkKafkaInternalProducer;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A job resumes from a checkpoint of release 0.1 if its Kafka transactions are committed. */
class EarlierKafkaTransactionsIT {

  private static final String TOPIC = "earlier";

  @BeforeAll
  static void createTopic() throws Exception {
    TestBroker.get().createTopic(TOPIC, 1);
  }

  /** Leaves a transaction open and closes its producer, as the connector's pre-commit does. */
  private static KafkaCommittable precommit(String id, boolean commit, String timeout) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", TestBroker.get().bootstrapServers());
    properties.put("transaction.timeout.ms", timeout);
    properties.put("key.serializer", ByteArraySerializer.class.getName());
    properties.put("value.serializer", ByteArraySerializer.class.getName());
    try (var producer = new FlinkKafkaInternalProducer<byte[], byte[]>(properties, id)) {
      producer.initTransactions();
      producer.beginTransaction();
      var unused = producer.send(new ProducerRecord<>(TOPIC, new byte[1]));
      producer.flush();
      KafkaCommittable committable =
          new KafkaCommittable(producer.getProducerId(), producer.getEpoch(), id, null);
      if (commit) {
        producer.commitTransaction();
      }
      return committable;
    }
  }

  private static void restore(OnLostTransaction onLost, KafkaCommittable... transactions)
      throws Exception {
    JobConfig config =
        JobConfig.load(
            new String[] {
              "--kafka.bootstrap-servers=" + TestBroker.get().bootstrapServers(),
              "--subscribers.db.url=jdbc:postgresql://none/none",
              "--subscribers.db.user=none",
              "--feedback.db.url=jdbc:postgresql://none/none",
              "--feedback.db.user=none"
            },
            Map.of());
    EarlierKafkaTransactions inspector = new EarlierKafkaTransactions(config);
    OperatorSubtaskState state = EarlierState.of(inspector, List.of(transactions));
    EarlierState.restore(new EarlierTransactions<>(inspector, onLost), state);
  }

  @Test
  void continuesWhenAllTransactionsAreCommitted() {
    KafkaCommittable committed = precommit("earlier-committed", true, "60000");
    assertThatCode(() -> restore(OnLostTransaction.FAIL, committed)).doesNotThrowAnyException();
  }

  /** The transaction must stay open, so that release 0.1 can commit it. */
  @Test
  void refusesOpenTransactions() {
    KafkaCommittable open = precommit("earlier-open", false, "60000");
    for (OnLostTransaction onLost : OnLostTransaction.values()) {
      assertThatThrownBy(() -> restore(onLost, open))
          .hasMessageContaining("earlier-open")
          .hasMessageContaining("is not committed");
    }
  }

  @Test
  void reportsLostTransactions() throws Exception {
    KafkaCommittable aborted = precommit("earlier-aborted", false, "1000");
    try (Admin admin = TestBroker.get().admin()) {
      Waiting.until(
          "the time-out",
          () ->
              admin
                      .describeTransactions(List.of("earlier-aborted"))
                      .description("earlier-aborted")
                      .get(60, TimeUnit.SECONDS)
                      .state()
                  == TransactionState.COMPLETE_ABORT);
    }
    assertThatThrownBy(() -> restore(OnLostTransaction.FAIL, aborted))
        .hasMessageContaining("is lost");
    assertThatCode(() -> restore(OnLostTransaction.CONTINUE, aborted)).doesNotThrowAnyException();
  }

  @Test
  void reportsTransactionsOfUnknownOutcome() {
    KafkaCommittable forgotten = new KafkaCommittable(1, (short) 1, "earlier-unknown", null);
    assertThatThrownBy(() -> restore(OnLostTransaction.FAIL, forgotten))
        .hasMessageContaining("too old for the server to know");
  }
}
