package io.promostream.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.config.JobConfig.OnLostTransaction;
import io.promostream.local.EmbeddedBroker;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.connector.sink2.Committer.CommitRequest;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.flink.connector.kafka.sink.internal.BackchannelFactory;
import org.apache.flink.connector.kafka.sink.internal.FlinkKafkaInternalProducer;
import org.apache.flink.connector.kafka.sink.internal.KafkaCommitter;
import org.apache.flink.metrics.SimpleCounter;
import org.apache.flink.runtime.throwable.ThrowableClassifier;
import org.apache.flink.runtime.throwable.ThrowableType;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.TransactionDescription;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.TransactionalIdNotFoundException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What is lost is said, and nothing else is: on a broker that soon aborts what has timed out. */
class LossReportingTest {

  private static final String TOPIC = "t";
  private static EmbeddedBroker sharedBroker;
  private static int ids;

  private EmbeddedBroker broker = sharedBroker;
  private final String id = "p/notifications-0-" + ids++;
  private final SimpleCounter transactionsLost = new SimpleCounter();

  @BeforeAll
  static void startBroker() throws Exception {
    sharedBroker =
        EmbeddedBroker.start(
            Map.of("transaction.abort.timed.out.transaction.cleanup.interval.ms", "200"));
    sharedBroker.createTopic(TOPIC, 1);
  }

  @AfterAll
  static void stopBroker() {
    sharedBroker.close();
  }

  /** A producer with a transaction of one message, as the writer leaves it at a checkpoint. */
  private FlinkKafkaInternalProducer<byte[], byte[]> preCommitted(int timeoutMillis) {
    Properties properties = properties();
    properties.put("transaction.timeout.ms", "" + timeoutMillis);
    var producer = new FlinkKafkaInternalProducer<byte[], byte[]>(properties, id);
    producer.initTransactions();
    begin(producer);
    return producer;
  }

  private static void begin(FlinkKafkaInternalProducer<byte[], byte[]> producer) {
    producer.beginTransaction();
    var unused = producer.send(new ProducerRecord<>(TOPIC, new byte[] {1}));
    producer.flush();
  }

  private Properties properties() {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", broker.bootstrapServers());
    properties.put("key.serializer", ByteArraySerializer.class.getName());
    properties.put("value.serializer", ByteArraySerializer.class.getName());
    return properties;
  }

  /** As it comes out of a checkpoint: without its producer. */
  private static KafkaCommittable restored(FlinkKafkaInternalProducer<?, ?> producer) {
    return new KafkaCommittable(
        producer.getProducerId(), producer.getEpoch(), producer.getTransactionalId(), null);
  }

  private Request commit(KafkaCommittable committable, OnLostTransaction onForgotten)
      throws Exception {
    return commit(committable, onForgotten, () -> {});
  }

  /**
   * @param afterTheStart what happens between the committer's start and its commit
   */
  private Request commit(
      KafkaCommittable committable, OnLostTransaction onForgotten, Runnable afterTheStart)
      throws Exception {
    Request request = new Request(committable);
    // The writer's end of what connects the two.
    try (var writersEnd = BackchannelFactory.getInstance().getReadableBackchannel(0, 0, "p");
        var committer =
            new LossReportingCommitter(
                new KafkaCommitter(properties(), "p", 0, 0, true, FlinkKafkaInternalProducer::new),
                properties(),
                TOPIC,
                onForgotten,
                transactionsLost)) {
      afterTheStart.run();
      committer.commit(List.of(request));
      assertThat(writersEnd.isEstablished()).isTrue();
    }
    return request;
  }

  private Request commit(KafkaCommittable committable) throws Exception {
    return commit(committable, OnLostTransaction.FAIL);
  }

  private TransactionDescription describe() throws Exception {
    try (Admin admin = broker.admin()) {
      return admin.describeTransactions(List.of(id)).description(id).get(30, TimeUnit.SECONDS);
    }
  }

  private void awaitState(TransactionState state) throws Exception {
    for (int i = 0; i < 600 && describe().state() != state; i++) {
      Thread.sleep(50);
    }
    assertThat(describe().state()).isEqualTo(state);
  }

  @Test
  void whatIsCommittedInTimeIsNotLookedAt() throws Exception {
    try (var producer = preCommitted(60_000)) {
      assertThat(commit(restored(producer)).outcome).isEqualTo("committed");
    }
    awaitState(TransactionState.COMPLETE_COMMIT);
    assertThat(transactionsLost.getCount()).isZero();
  }

  @Test
  void whatTimedOutBeforeItsCommitIsLost() throws Exception {
    try (var producer = preCommitted(500)) {
      KafkaCommittable committable = restored(producer);
      awaitState(TransactionState.COMPLETE_ABORT);

      Request request = commit(committable);
      assertThat(request.outcome).isEqualTo("failed");
      assertThat(request.reason)
          .hasMessageContaining(id)
          .hasMessageContaining("topic t")
          .hasMessageContaining("producer id " + committable.getProducerId())
          .hasMessageContaining("is lost")
          .hasMessageContaining("transaction.timeout.ms");
      assertThat(transactionsLost.getCount()).isEqualTo(1);
    }
  }

  /** It may time out while the job runs, too: the committer then has the writer's producer. */
  @Test
  void whatTimedOutUnderItsOwnProducerIsLost() throws Exception {
    try (var producer = preCommitted(500)) {
      producer.precommitTransaction();
      awaitState(TransactionState.COMPLETE_ABORT);
      assertThat(commit(KafkaCommittable.of(producer)).outcome).isEqualTo("failed");
      assertThat(transactionsLost.getCount()).isEqualTo(1);
    }
  }

  /** By its first producer or by one that was restored, once more or twice. */
  @ParameterizedTest
  @CsvSource({"true", "false"})
  void aCommitRepeatedAfterARestoreIsNot(boolean byItsProducer) throws Exception {
    try (var producer = preCommitted(60_000)) {
      KafkaCommittable committable = restored(producer);
      if (byItsProducer) {
        producer.commitTransaction();
      } else {
        commit(committable);
      }
      for (int i = 0; i < 2; i++) {
        assertThat(commit(committable).outcome).isIn("committed", "already committed");
      }
      assertThat(transactionsLost.getCount()).isZero();
    }
  }

  /** Only another job takes the id of a transaction that waits for its commit. */
  @Test
  void whatAnotherJobAbortedUnderItsOwnProducerIsLost() throws Exception {
    try (var producer = preCommitted(60_000);
        var other = new FlinkKafkaInternalProducer<byte[], byte[]>(properties(), id)) {
      producer.precommitTransaction();
      other.initTransactions();
      Request request = commit(KafkaCommittable.of(producer));
      assertThat(request.outcome).isEqualTo("failed");
      assertThat(request.reason).hasMessageContaining("give each its own");
      assertThat(transactionsLost.getCount()).isEqualTo(1);
    }
  }

  /** What an earlier attempt left open would keep readers waiting, unless somebody uses the id. */
  @ParameterizedTest
  @CsvSource({"true,EMPTY", "false,ONGOING"})
  void whatWasLeftOpenBeforeTheStartIsEnded(boolean before, TransactionState expected)
      throws Exception {
    try (var producer = preCommitted(60_000)) {
      KafkaCommittable committable = restored(producer);
      commit(committable);
      try (var next = new FlinkKafkaInternalProducer<byte[], byte[]>(properties(), id)) {
        next.initTransactions();
        if (before) {
          begin(next);
        }
        Request request =
            commit(
                committable,
                OnLostTransaction.FAIL,
                () -> {
                  if (!before) {
                    begin(next);
                  }
                });
        assertThat(request.outcome).isEqualTo("already committed");
        awaitState(expected);
        assertThat(transactionsLost.getCount()).isZero();
      }
    }
  }

  /** The pool gives the id to a later transaction, which another failure leaves in any state. */
  @ParameterizedTest
  @EnumSource(
      value = TransactionState.class,
      names = {"EMPTY", "COMPLETE_ABORT", "COMPLETE_COMMIT"})
  void anIdThatWasUsedSinceIsNot(TransactionState left) throws Exception {
    try (var producer = preCommitted(60_000)) {
      KafkaCommittable committable = restored(producer);
      commit(committable);
      try (var next = new FlinkKafkaInternalProducer<byte[], byte[]>(properties(), id)) {
        next.initTransactions();
        if (left != TransactionState.EMPTY) {
          begin(next);
        }
        if (left == TransactionState.COMPLETE_ABORT) {
          next.abortTransaction();
        } else if (left == TransactionState.COMPLETE_COMMIT) {
          next.commitTransaction();
        }
        awaitState(left);
        assertThat(commit(committable).outcome).isEqualTo("already committed");
        assertThat(transactionsLost.getCount()).isZero();
        assertThat(describe().state()).as("the later one is left alone").isEqualTo(left);
      }
    }
  }

  @Test
  void anIdThatTheBrokerHasForgottenEndsTheJobUnlessToldToGoOn() throws Exception {
    try (var forgetful =
        EmbeddedBroker.start(
            Map.of(
                "transaction.remove.expired.transaction.cleanup.interval.ms", "200",
                "transactional.id.expiration.ms", "6000"))) {
      forgetful.createTopic(TOPIC, 1);
      broker = forgetful;
      commitWhatTheBrokerHasForgotten();
    }
  }

  private void commitWhatTheBrokerHasForgotten() throws Exception {
    try (var producer = preCommitted(60_000)) {
      KafkaCommittable committable = restored(producer);
      producer.commitTransaction();
      awaitForgotten();

      Request request = commit(committable);
      assertThat(request.outcome).isEqualTo("failed the job");
      assertThat(request.reason)
          .hasMessageContaining(id)
          .hasMessageContaining("transactional.id.expiration.ms")
          .hasMessageContaining("feedback.on-lost-transaction: continue");
      assertThat(
              ThrowableClassifier.findThrowableOfThrowableType(
                  request.reason, ThrowableType.NonRecoverableError))
          .as("restarting would be of no use")
          .isPresent();

      assertThat(commit(committable, OnLostTransaction.CONTINUE).outcome).isEqualTo("failed");
    }
  }

  private void awaitForgotten() throws Exception {
    long deadline = System.nanoTime() + Duration.ofMinutes(1).toNanos();
    while (System.nanoTime() < deadline) {
      try {
        describe();
        Thread.sleep(200);
      } catch (ExecutionException e) {
        assertThat(e.getCause()).isInstanceOf(TransactionalIdNotFoundException.class);
        return;
      }
    }
    throw new AssertionError(id + " was not forgotten");
  }

  /** After its highest epoch a transactional id gets a new producer id. */
  @ParameterizedTest
  @CsvSource({
    "COMPLETE_COMMIT,7,5,COMMITTED",
    "COMPLETE_COMMIT,7,6,COMMITTED",
    "PREPARE_COMMIT,7,6,COMMITTED",
    "COMPLETE_ABORT,7,6,LOST",
    "PREPARE_ABORT,7,6,LOST",
    "PREPARE_EPOCH_FENCE,7,6,LOST",
    "COMPLETE_ABORT,7,7,SUPERSEDED",
    "COMPLETE_COMMIT,7,7,SUPERSEDED",
    "COMPLETE_COMMIT,8,0,SUPERSEDED",
    "ONGOING,7,6,SUPERSEDED",
    "EMPTY,7,6,SUPERSEDED",
  })
  void theOutcomeFollowsFromStateAndEpoch(
      TransactionState state, long producerId, int epoch, TransactionOutcome expected) {
    assertThat(TransactionOutcome.of(7, (short) 5, now(state, producerId, epoch)))
        .isEqualTo(expected);
  }

  @Test
  void afterTheHighestEpochComesANewProducerId() {
    short last = Short.MAX_VALUE - 1;
    assertThat(TransactionOutcome.of(7, last, now(TransactionState.COMPLETE_COMMIT, 8, 0)))
        .isEqualTo(TransactionOutcome.COMMITTED);
    assertThat(TransactionOutcome.of(7, last, now(TransactionState.COMPLETE_COMMIT, 8, 2)))
        .isEqualTo(TransactionOutcome.SUPERSEDED);
  }

  private static TransactionDescription now(TransactionState state, long producerId, int epoch) {
    return new TransactionDescription(
        0, state, producerId, epoch, 60_000, OptionalLong.empty(), Set.of());
  }

  /** A request that remembers what the committer said. */
  private static final class Request implements CommitRequest<KafkaCommittable> {

    private final KafkaCommittable committable;
    private String outcome = "committed";
    private Throwable reason;

    Request(KafkaCommittable committable) {
      this.committable = committable;
    }

    @Override
    public KafkaCommittable getCommittable() {
      return committable;
    }

    @Override
    public int getNumberOfRetries() {
      return 0;
    }

    @Override
    public void signalFailedWithKnownReason(Throwable t) {
      outcome = "failed";
      reason = t;
    }

    @Override
    public void signalFailedWithUnknownReason(Throwable t) {
      outcome = "failed the job";
      reason = t;
    }

    @Override
    public void retryLater() {
      outcome = "retry";
    }

    @Override
    public void updateAndRetryLater(KafkaCommittable updated) {
      throw new AssertionError(updated);
    }

    @Override
    public void signalAlreadyCommitted() {
      outcome = "already committed";
    }
  }
}
