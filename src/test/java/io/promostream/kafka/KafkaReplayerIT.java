package io.promostream.kafka;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.promostream.config.JobConfig;
import io.promostream.local.EmbeddedBroker;
import io.promostream.local.Notifications;
import io.promostream.metrics.JobMetric;
import io.promostream.promo.RejectedExpansion;
import io.promostream.replay.Committable;
import io.promostream.replay.Lease;
import io.promostream.replay.Lease.Holder;
import io.promostream.replay.LeaseException;
import io.promostream.replay.Mark;
import io.promostream.replay.Replayer;
import io.promostream.replay.UnknownMarkException;
import io.promostream.testing.OpenTransactions;
import io.promostream.testing.TestBroker;
import io.promostream.testing.Waiting;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.SimpleCounter;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.TransactionDescription;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The promises of the Kafka sink, checked by reading the topic as other services do. */
class KafkaReplayerIT {

  private static final AtomicInteger COUNT = new AtomicInteger();
  private static final String WRITER = "w";
  private static final String FENCED = "There is a newer producer with the same transactionalId";

  private final String prefix = "replayer-" + COUNT.incrementAndGet();
  private final String topic = prefix + "-topic";
  private final String rejectedTopic = prefix + "-rejected";
  private final Map<String, Counter> counters = new ConcurrentHashMap<>();
  private final List<Replayer<?>> opened = new ArrayList<>();
  private EmbeddedBroker broker = TestBroker.get();

  @BeforeEach
  void createTopics() throws Exception {
    broker.createTopic(topic, 2);
    broker.createTopic(rejectedTopic, 1);
  }

  @AfterEach
  void closeReplayers() {
    opened.forEach(Replayer::close);
  }

  private JobConfig config(String... settings) {
    List<String> args =
        new ArrayList<>(
            List.of(
                "--kafka.bootstrap-servers=" + broker.bootstrapServers(),
                "--notifications.topic=" + topic,
                "--rejected.topic=" + rejectedTopic,
                "--transaction-prefix=" + prefix,
                "--subscribers.db.url=jdbc:postgresql://db/s",
                "--subscribers.db.user=reader",
                "--feedback.db.url=jdbc:postgresql://db/f",
                "--feedback.db.user=writer"));
    args.addAll(List.of(settings));
    return JobConfig.load(args.toArray(String[]::new), Map.of());
  }

  private KafkaTarget<Message> target(String owner, String... settings) {
    return target(new RejectedExpansion(), owner, settings);
  }

  private KafkaTarget<Message> target(
      Expansion<Message> expansion, String owner, String... settings) {
    return new KafkaTarget<>(
        config(settings), topic, "sink", expansion, JobMetric.NOTIFICATIONS_WRITTEN, owner);
  }

  private Replayer<Message> open(KafkaTarget<Message> target) throws Exception {
    Replayer<Message> replayer =
        target.open(
            new UnregisteredMetricsGroup() {
              @Override
              public Counter counter(String name) {
                return counters.computeIfAbsent(name, unused -> new SimpleCounter());
              }
            });
    opened.add(replayer);
    return replayer;
  }

  private Replayer<Message> open(String... settings) throws Exception {
    return open(target("owner", settings));
  }

  private static Committable committable(long sequence, int records, Duration age) {
    return new Committable(
        sequence,
        1,
        new byte[0],
        records,
        records,
        Long.MAX_VALUE,
        System.currentTimeMillis() - age.toMillis());
  }

  private static Committable committable(long sequence) {
    return committable(sequence, 3, Duration.ZERO);
  }

  private static Message message(String key, int bytes) {
    byte[] value = new byte[bytes];
    new Random(1).nextBytes(value);
    return new Message(key == null ? null : key.getBytes(UTF_8), value, List.of());
  }

  /** Three messages whose keys name their committable. */
  private static List<Message> messages(long sequence) {
    return IntStream.range(0, 3).mapToObj(i -> message(sequence + "." + i, 10)).toList();
  }

  private static Mark commit(Replayer<Message> replayer, Mark from, long sequence)
      throws Exception {
    replayer.commit(WRITER, from, committable(sequence), messages(sequence));
    return from.after(committable(sequence));
  }

  /** The messages that a consumer of committed messages reads. */
  private List<ConsumerRecord<byte[], byte[]>> read(String from) throws Exception {
    try (Admin admin = broker.admin()) {
      Waiting.until("no transaction left", () -> OpenTransactions.of(admin, prefix).isEmpty());
    }
    List<ConsumerRecord<byte[], byte[]>> messages = new ArrayList<>();
    try (Notifications notifications = new Notifications(broker.bootstrapServers(), from)) {
      notifications.read(messages::add);
    }
    return messages;
  }

  private List<String> keys() throws Exception {
    return read(topic).stream().map(message -> new String(message.key(), UTF_8)).toList();
  }

  private void assertOnceEach(long sequences) throws Exception {
    assertThat(keys())
        .containsExactlyInAnyOrderElementsOf(
            LongStream.rangeClosed(1, sequences)
                .mapToObj(KafkaReplayerIT::messages)
                .flatMap(List::stream)
                .map(message -> new String(message.key(), UTF_8))
                .toList());
  }

  @Test
  void readsMarkOfLastCommitAfterReset() throws Exception {
    Replayer<Message> replayer = open();
    assertThat(replayer.readMark(WRITER)).isEqualTo(Mark.NONE);
    Mark mark = replayer.takeOver(WRITER, Mark.NONE, committable(1));
    assertThat(mark).isEqualTo(Mark.NONE);
    mark = commit(replayer, mark, 1);
    mark = commit(replayer, mark, 2);
    assertThat(replayer.readMark(WRITER)).isEqualTo(mark).isEqualTo(new Mark(2, 6));
    replayer.reset();
    assertThat(replayer.takeOver(WRITER, Mark.NONE, committable(1))).isEqualTo(mark);
    mark = commit(replayer, mark, 3);
    assertThat(open().takeOver(WRITER, Mark.NONE, committable(1))).isEqualTo(mark);
    assertThat(counters.get("notificationsWritten").getCount()).isEqualTo(9);
    assertOnceEach(3);
  }

  /** If a producer is closed during a commit, the outcome of the commit is unknown. */
  @Test
  void detectsCommitWhoseResponseWasLost() throws Exception {
    int arrived = 0;
    int lost = 0;
    double millis = 50;
    Mark mark = Mark.NONE;
    for (int i = 0; i < 300 && (arrived < 1 || lost < 1); i++) {
      Mark known = mark;
      Committable next = committable(mark.sequence() + 1);
      AtomicBoolean answered = new AtomicBoolean();
      try (Replayer<Message> replayer = target("owner").open(new UnregisteredMetricsGroup())) {
        replayer.takeOver(WRITER, mark, next);
        Thread committing =
            new Thread(
                () -> {
                  try {
                    commit(replayer, known, next.sequence());
                    answered.set(true);
                  } catch (Exception closed) {
                    // The outcome is unknown.
                  }
                });
        committing.start();
        Thread.sleep((long) millis, new Random().nextInt(1_000_000));
        // This is how a replaying thread ends.
        replayer.close();
        committing.interrupt();
        committing.join(60_000);
        assertThat(committing.isAlive()).isFalse();
      }
      try (Replayer<Message> successor = target("owner").open(new UnregisteredMetricsGroup())) {
        Mark found = successor.takeOver(WRITER, mark, next);
        if (found.equals(mark)) {
          assertThat(answered).isFalse();
          lost++;
          millis *= 1.25;
          mark = commit(successor, mark, next.sequence());
        } else {
          assertThat(found).isEqualTo(mark.after(next));
          arrived += answered.get() ? 0 : 1;
          millis *= 0.85;
          mark = found;
        }
      }
    }
    System.out.printf("commits in doubt: %d arrived, %d were lost%n", arrived, lost);
    assertThat(arrived).isPositive();
    assertThat(lost).isPositive();
    assertOnceEach(mark.sequence());
  }

  /**
   * A takeover must fence the producer before it reads the mark. Otherwise a commit could succeed
   * in between.
   */
  @Test
  void writesOnceWhenTakingOverFromActiveWriter() throws Exception {
    Mark mark = Mark.NONE;
    long before = 0;
    for (int i = 0; i < 20; i++) {
      Replayer<Message> zombie = open();
      Mark from = zombie.takeOver(WRITER, mark, committable(mark.sequence() + 1));
      Thread atWork =
          new Thread(
              () -> {
                try {
                  for (Mark at = from; ; ) {
                    at = commit(zombie, at, at.sequence() + 1);
                  }
                } catch (Exception fenced) {
                  // The takeover has fenced this writer.
                }
              });
      atWork.start();
      Thread.sleep(30 + new Random().nextInt(10));
      Replayer<Message> successor = open();
      mark = successor.takeOver(WRITER, from, committable(from.sequence() + 1));
      mark = commit(successor, mark, mark.sequence() + 1);
      atWork.join(60_000);
      assertThat(atWork.isAlive()).isFalse();
      assertThat(mark.sequence()).isGreaterThan(before);
      before = mark.sequence();
    }
    assertOnceEach(mark.sequence());
  }

  /** Pauses in the middle of a transaction. */
  private record Stopped(CountDownLatch reached, CountDownLatch wake)
      implements Expansion<Message> {

    private static final RejectedExpansion REAL = new RejectedExpansion();

    @Override
    public io.promostream.serialization.ValueSerializer<Message> serializer() {
      return REAL.serializer();
    }

    @Override
    public int messages(Message element) {
      return 1;
    }

    @Override
    public long expandedBytes(Message element) {
      return 1;
    }

    @Override
    public void expand(Message element, Consumer<Message> messages) {
      messages.accept(element);
      if (new String(element.key(), UTF_8).endsWith(".1")) {
        reached.countDown();
        try {
          wake.await();
        } catch (InterruptedException e) {
          throw new IllegalStateException(e);
        }
      }
    }

    @Override
    public Message setAside(Message refused, String why, int maxBytes) {
      return REAL.setAside(refused, why, maxBytes);
    }
  }

  @Test
  void zombieWritesNothingAfterTakeover() throws Exception {
    Stopped stopped = new Stopped(new CountDownLatch(1), new CountDownLatch(1));
    Replayer<Message> zombie = open(target(stopped, "owner"));
    zombie.takeOver(WRITER, Mark.NONE, committable(1));
    ExecutorService asleep = Executors.newSingleThreadExecutor();
    try {
      Future<?> commit =
          asleep.submit(
              () -> {
                commit(zombie, Mark.NONE, 1);
                return null;
              });
      stopped.reached().await();
      Replayer<Message> successor = open();
      Mark mark = successor.takeOver(WRITER, Mark.NONE, committable(1));
      assertThat(mark).isEqualTo(Mark.NONE);
      mark = commit(successor, mark, 1);
      stopped.wake().countDown();
      assertThatThrownBy(() -> commit.get(60, SECONDS)).hasStackTraceContaining(FENCED);
      assertOnceEach(1);
      // Like a replay after a failure, the zombie takes over and finds everything committed.
      zombie.reset();
      assertThat(zombie.takeOver(WRITER, Mark.NONE, committable(1))).isEqualTo(mark);
      // That fences its successor, which takes over again in turn.
      Mark known = mark;
      assertThatThrownBy(() -> commit(successor, known, 2)).hasStackTraceContaining(FENCED);
      successor.reset();
      commit(successor, successor.takeOver(WRITER, known, committable(2)), 2);
      assertOnceEach(2);
    } finally {
      asleep.shutdownNow();
    }
  }

  /** An idle writer that renews its mark may be a zombie whose successor has moved the mark. */
  @Test
  void renewalDoesNotMoveMarkBack() throws Exception {
    KafkaReplayer<Message> zombie = (KafkaReplayer<Message>) open();
    zombie.retention = Duration.ZERO;
    AtomicInteger renewed = new AtomicInteger();
    Thread idle =
        new Thread(
            () -> {
              while (!Thread.currentThread().isInterrupted()) {
                try {
                  zombie.readMark(WRITER);
                  renewed.incrementAndGet();
                  Thread.sleep(new Random().nextInt(100));
                } catch (Exception fenced) {
                  zombie.reset();
                }
              }
            });
    Replayer<Message> successor = open();
    idle.start();
    try {
      Mark mark = Mark.NONE;
      while (mark.sequence() < 40) {
        Committable next = committable(mark.sequence() + 1);
        try {
          Mark found = successor.takeOver(WRITER, mark, next);
          assertThat(found.sequence()).isGreaterThanOrEqualTo(mark.sequence());
          mark = found;
          while (mark.sequence() < 40) {
            mark = commit(successor, mark, mark.sequence() + 1);
          }
        } catch (Exception fenced) {
          successor.reset();
        }
      }
    } finally {
      zombie.close();
      idle.interrupt();
      idle.join(60_000);
    }
    assertThat(renewed).hasPositiveValue();
    assertOnceEach(40);
  }

  @Test
  void takeoverAbortsTransactionOfKilledAttempt() throws Exception {
    KafkaTarget<Message> target = target("owner");
    try (KafkaProducer<byte[], byte[]> killed =
            KafkaClients.transactionalProducer(target.config(), target.idPrefix() + WRITER, 1_000);
        Admin admin = broker.admin()) {
      killed.initTransactions();
      killed.beginTransaction();
      killed.send(new ProducerRecord<>(topic, 0, new byte[1], new byte[1])).get(60, SECONDS);
      killed.send(new ProducerRecord<>(topic, 1, new byte[1], new byte[1])).get(60, SECONDS);
      killed.close(Duration.ZERO);
      assertThat(OpenTransactions.of(admin, prefix)).hasSize(1);
      Replayer<Message> replayer = open(target);
      Mark mark = replayer.takeOver(WRITER, Mark.NONE, committable(1));
      assertThat(OpenTransactions.of(admin, prefix)).isEmpty();
      commit(replayer, mark, 1);
      assertOnceEach(1);
    }
  }

  /**
   * For an offset in an open transaction, Kafka's Admin client returns nothing instead of waiting.
   */
  @Test
  void waitsForTransactionThatMovesMark() throws Exception {
    KafkaTarget<Message> target = target("owner");
    String id = target.idPrefix() + WRITER;
    ExecutorService reader = Executors.newSingleThreadExecutor();
    try (KafkaProducer<byte[], byte[]> producer =
        KafkaClients.transactionalProducer(target.config(), id, 1_000)) {
      Replayer<Message> replayer = open(target);
      producer.initTransactions();
      producer.beginTransaction();
      producer.sendOffsetsToTransaction(
          Map.of(target.markPartition(), new OffsetAndMetadata(1, "3")), KafkaClients.group(id));
      Future<Mark> read = reader.submit(() -> replayer.readMark(WRITER));
      assertThatThrownBy(() -> read.get(1, SECONDS)).isInstanceOf(TimeoutException.class);
      producer.commitTransaction();
      assertThat(read.get(60, SECONDS)).isEqualTo(new Mark(1, 3));
    } finally {
      reader.shutdownNow();
    }
  }

  @Test
  void refusesToInterpretMissingMarkThatMayHaveExpired() throws Exception {
    Replayer<Message> replayer = open();
    Mark known = new Mark(4, 12);
    Duration retention = Duration.ofDays(7);
    assertThat(
            replayer.takeOver(
                WRITER, known, committable(5, 3, retention.minus(Duration.ofHours(2)))))
        .as("young: nothing was committed, or it was lost")
        .isEqualTo(Mark.NONE);
    assertThatThrownBy(() -> replayer.takeOver(WRITER, known, committable(5, 3, retention)))
        .isInstanceOf(UnknownMarkException.class)
        .hasMessageContaining(
            "was packed 10080 minutes ago, and offsets.retention.minutes is 10080");
    assertThat(replayer.takeOver(WRITER, known, null)).as("nothing to replay").isEqualTo(known);
    // Continue as if the committable had been written.
    replayer.forceMark(WRITER, new Mark(5, 15));
    commit(replayer, new Mark(5, 15), 6);
    assertThat(open().takeOver(WRITER, known, committable(5, 3, retention)))
        .isEqualTo(new Mark(6, 18));
  }

  /** Takes more than a minute, because brokers keep offsets for at least that long. */
  @Test
  void onlyRenewedMarksOutliveRetention() throws Exception {
    broker =
        EmbeddedBroker.start(
            Map.of(
                "offsets.retention.minutes", "1", "offsets.retention.check.interval.ms", "1000"));
    try {
      createTopics();
      Replayer<Message> idle = open();
      Mark mark = commit(idle, idle.takeOver(WRITER, Mark.NONE, committable(1)), 1);
      Replayer<Message> gone = open();
      gone.takeOver("gone", Mark.NONE, committable(1));
      gone.commit("gone", Mark.NONE, committable(1), messages(2));
      // A failure closes the producer.
      idle.reset();
      KafkaTarget<Message> target = target("owner");
      String notRenewed = KafkaClients.group(target.idPrefix() + "gone").groupId();
      try (Admin admin = broker.admin()) {
        Waiting.until(
            "end of the retention",
            () -> {
              assertThat(idle.readMark(WRITER)).isEqualTo(mark);
              return KafkaReplayer.offset(admin, notRenewed, target.markPartition()) == null;
            });
      }
      assertThat(idle.readMark(WRITER)).isEqualTo(mark);
      assertThat(gone.readMark("gone")).isEqualTo(Mark.NONE);
      assertThatThrownBy(
              () -> gone.takeOver("gone", mark, committable(2, 3, Duration.ofSeconds(50))))
          .isInstanceOf(UnknownMarkException.class);
      closeReplayers();
    } finally {
      broker.close();
    }
  }

  /**
   * Kafka raises a producer's epoch with each transaction, and assigns a new producer id before the
   * epoch overflows. That takes more than 32,000 transactions, so this test runs only with {@code
   * -Depochs=true}: see contributing.md.
   */
  @Test
  @EnabledIfSystemProperty(named = "epochs", matches = "true")
  void writesOnceAcrossProducerEpochOverflow() throws Exception {
    Replayer<Message> replayer = open();
    Mark mark = commit(replayer, replayer.takeOver(WRITER, Mark.NONE, committable(1)), 1);
    long start = System.nanoTime();
    long firstId = producerId();
    int transactions = 0;
    while (epoch() < Short.MAX_VALUE - 200) {
      for (int i = 0; i < 100; i++) {
        replayer.forceMark(WRITER, mark);
        transactions++;
      }
    }
    System.out.printf(
        "%d transactions in %d s%n", transactions, (System.nanoTime() - start) / 1_000_000_000);
    Replayer<Message> zombie = replayer;
    while (producerId() == firstId) {
      mark = commit(replayer, mark, mark.sequence() + 1);
      if (mark.sequence() % 10 == 0 && epoch() > Short.MAX_VALUE - 20) {
        zombie = replayer;
        replayer = open();
        mark = replayer.takeOver(WRITER, mark, committable(mark.sequence() + 1));
      }
    }
    Replayer<Message> behind = zombie;
    Mark known = mark;
    assertThatThrownBy(() -> commit(behind, known, known.sequence() + 1)).isNotNull();
    replayer = open();
    assertThat(replayer.takeOver(WRITER, mark, committable(mark.sequence() + 1))).isEqualTo(mark);
    mark = commit(replayer, mark, mark.sequence() + 1);
    assertThat(open().takeOver(WRITER, mark, committable(mark.sequence() + 1))).isEqualTo(mark);
    assertOnceEach(mark.sequence());
  }

  private TransactionDescription transactions() throws Exception {
    String id = target("owner").idPrefix() + WRITER;
    try (Admin admin = broker.admin()) {
      return admin.describeTransactions(List.of(id)).description(id).get(60, SECONDS);
    }
  }

  private long producerId() throws Exception {
    return transactions().producerId();
  }

  private int epoch() throws Exception {
    return transactions().producerEpoch();
  }

  private void set(String changedTopic, String name, String value) throws Exception {
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, changedTopic);
    AlterConfigOp op = new AlterConfigOp(new ConfigEntry(name, value), AlterConfigOp.OpType.SET);
    try (Admin admin = broker.admin()) {
      admin.incrementalAlterConfigs(Map.of(resource, List.of(op))).all().get(60, SECONDS);
    }
  }

  private static Committable committableOf(List<Message> messages) {
    return committable(1, messages.size(), Duration.ZERO);
  }

  /** Messages, of which Kafka refuses those with keys that begin with "large". */
  private static List<Message> mixed(int small, int large, int bytes) {
    List<Message> messages = new ArrayList<>();
    for (int i = 0; i < Math.max(small, large); i++) {
      if (i < small) {
        messages.add(message("small" + i, 100));
      }
      if (i < large) {
        messages.add(message("large" + i, bytes));
      }
    }
    return messages;
  }

  private void assertSetAside(List<Message> sent) throws Exception {
    assertThat(keys())
        .containsExactlyInAnyOrderElementsOf(keysOf(sent, key -> key.startsWith("small")));
    assertThat(read(rejectedTopic))
        .extracting(message -> new String(message.key(), UTF_8))
        .containsExactlyInAnyOrderElementsOf(keysOf(sent, key -> key.startsWith("large")));
    assertThat(counters.get("messagesRefused").getCount())
        .isEqualTo(keysOf(sent, key -> key.startsWith("large")).size());
    assertThat(counters.get("notificationsWritten").getCount())
        .isEqualTo(keysOf(sent, key -> key.startsWith("small")).size());
  }

  private static List<String> keysOf(List<Message> messages, Predicate<String> which) {
    return messages.stream()
        .map(message -> new String(message.key(), UTF_8))
        .filter(which)
        .toList();
  }

  /** The topic or the producer sets the limit, with and without compression. */
  @ParameterizedTest
  @CsvSource({
    "max.message.bytes=50000,",
    "max.message.bytes=50000, compression.type=zstd",
    "compression.type=gzip max.message.bytes=50000,",
    "max.message.bytes=1048588, max.request.size=50000",
    "max.message.bytes=1048588, buffer.memory=50000"
  })
  void setsAsideRefusedMessages(String ofTopic, String ofProducer) throws Exception {
    for (String setting : ofTopic.split(" ")) {
      set(topic, setting.split("=")[0], setting.split("=")[1]);
    }
    Replayer<Message> replayer =
        ofProducer == null ? open() : open("--kafka.properties." + ofProducer);
    List<Message> messages = mixed(2_000, 5, 60_000);
    Mark mark = replayer.takeOver(WRITER, Mark.NONE, committableOf(messages));
    // The rejected topic gets a large message completely or without its value.
    replayer.commit(WRITER, mark, committableOf(messages), messages);
    assertSetAside(messages);
    assertThat(replayer.readMark(WRITER)).isEqualTo(mark.after(committableOf(messages)));
    assertThat(OpenTransactions.of(broker.admin(), prefix)).isEmpty();
  }

  /**
   * Covers a replayer that has read the new limit, and one that learns it from the broker's error.
   */
  @ParameterizedTest
  @ValueSource(ints = {0, 1_100})
  void setsAsideMessagesAfterLimitIsLowered(int pauseMillis) throws Exception {
    Replayer<Message> replayer = open("--kafka.properties.compression.type=none");
    List<Message> messages = mixed(1_000, 3, 300_000);
    Committable first = committableOf(messages);
    Mark mark = replayer.takeOver(WRITER, Mark.NONE, first);
    set(topic, "max.message.bytes", "100000");
    Thread.sleep(pauseMillis);
    try {
      replayer.commit(WRITER, mark, first, messages);
      assertThat(pauseMillis).isZero();
    } catch (IOException e) {
      assertThat(e)
          .hasMessageContaining("changed from Limits[largest=1048576, largestRejected=1048576] to ")
          .hasMessageContaining("largest=100000");
      replayer.reset();
      mark = replayer.takeOver(WRITER, mark, first);
      replayer.commit(WRITER, mark, first, messages);
    }
    assertSetAside(messages);
  }

  @Test
  void setsAsideTenThousandMessagesInOneTransaction() throws Exception {
    set(topic, "max.message.bytes", "1000");
    Replayer<Message> replayer = open();
    List<Message> messages = mixed(100, 10_000, 1_200);
    Mark mark = replayer.takeOver(WRITER, Mark.NONE, committableOf(messages));
    long start = System.nanoTime();
    replayer.commit(WRITER, mark, committableOf(messages), messages);
    long millis = (System.nanoTime() - start) / 1_000_000;
    System.out.printf("10,000 refused messages in %d ms%n", millis);
    assertSetAside(messages);
    assertThat(millis).isLessThan(30_000);
  }

  /**
   * A compacted topic refuses messages without a key, and the broker's error names all messages of
   * a batch.
   */
  @Test
  void addsKeysThatCompactedTopicRequires() throws Exception {
    set(rejectedTopic, "cleanup.policy", "compact");
    Replayer<Message> replayer =
        open(
            new KafkaTarget<>(
                config(),
                rejectedTopic,
                "sink",
                new RejectedExpansion(),
                JobMetric.REJECTED_WRITTEN,
                "owner"));
    List<Message> messages =
        IntStream.range(0, 1_000)
            .mapToObj(
                i ->
                    new Message(
                        i % 10 == 0 ? new byte[] {(byte) i} : null,
                        new byte[500],
                        List.of(
                            new Message.Header("reject.topic", "promos".getBytes(UTF_8)),
                            new Message.Header("reject.offset", ("" + i).getBytes(UTF_8)))))
            .toList();
    Mark mark = replayer.takeOver(WRITER, Mark.NONE, committableOf(messages));
    long start = System.nanoTime();
    replayer.commit(WRITER, mark, committableOf(messages), messages);
    System.out.printf(
        "900 messages without key in %d ms%n", (System.nanoTime() - start) / 1_000_000);
    assertThat(read(rejectedTopic))
        .hasSize(1_000)
        .filteredOn(message -> message.key().length > 1)
        .extracting(message -> new String(message.key(), UTF_8))
        .hasSize(900)
        .contains("/promos/999")
        .doesNotHaveDuplicates();
  }

  /**
   * If the rejected topic itself refuses a message, its sink sends the message again without the
   * value.
   */
  @Test
  void omitsValuesThatRejectedTopicRefuses() throws Exception {
    set(rejectedTopic, "max.message.bytes", "2000");
    Replayer<Message> replayer =
        open(
            new KafkaTarget<>(
                config(),
                rejectedTopic,
                "sink",
                new RejectedExpansion(),
                JobMetric.REJECTED_WRITTEN,
                "owner"));
    List<Message> messages = mixed(10, 3, 3_000);
    Mark mark = replayer.takeOver(WRITER, Mark.NONE, committableOf(messages));
    replayer.commit(WRITER, mark, committableOf(messages), messages);
    assertThat(read(rejectedTopic))
        .extracting(message -> new String(message.key(), UTF_8))
        .containsExactlyInAnyOrderElementsOf(keysOf(messages, key -> true));
    assertThat(read(rejectedTopic))
        .filteredOn(message -> new String(message.key(), UTF_8).startsWith("large"))
        .allSatisfy(
            message -> {
              assertThat(message.value()).isNull();
              assertThat(
                      new String(
                          message.headers().lastHeader("reject.omitted-bytes").value(), UTF_8))
                  .isEqualTo("3000");
            });
  }

  /**
   * The message itself must name the problem, because only the first failure is logged with its
   * causes.
   */
  @Test
  void namesMissingTopicAndRemedy() throws Exception {
    Replayer<Message> replayer = open("--kafka.properties.max.block.ms=3000");
    replayer.takeOver(WRITER, Mark.NONE, committable(1));
    try (Admin admin = broker.admin()) {
      admin.deleteTopics(List.of(topic)).all().get(60, SECONDS);
    }
    Waiting.until("the deletion", () -> !broker.admin().listTopics().names().get().contains(topic));
    assertThatThrownBy(() -> commit(replayer, Mark.NONE, 1))
        .hasMessageContaining("Cannot write to topic " + topic + ": ");
  }

  private KafkaLease lease(String owner, Admin admin) {
    return new KafkaLease(target(owner), admin);
  }

  /** Two jobs find the lease free at the same time, and write later. */
  @Test
  void onlyOneOfTwoJobsTakesLease() throws Exception {
    try (Admin admin = broker.admin()) {
      KafkaLease first = lease("first", admin);
      KafkaLease second = lease("second", admin);
      Holder free = null;
      for (int round = 0; round < 3; round++) {
        assertThat(first.read()).isEqualTo(free);
        assertThat(second.read()).isEqualTo(free);
        Holder taken = new Holder("first", free == null ? 1 : free.renewals() + 1);
        first.replace(free, taken);
        second.replace(free, new Holder("second", taken.renewals()));
        assertThat(second.read()).isEqualTo(taken);
        // Renew and release the lease as its holder does.
        Holder renewed = new Holder("first", taken.renewals() + 1);
        first.replace(taken, renewed);
        assertThat(second.read()).isEqualTo(renewed);
        free = new Holder(Lease.NOBODY, renewed.renewals() + 1);
        first.replace(renewed, free);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 4})
  void onlyOneOfManyJobsStarts(int subtasks) throws Exception {
    int jobs = 4;
    ExecutorService starts = Executors.newFixedThreadPool(jobs * subtasks);
    try {
      List<Future<Replayer<Message>>> started = new ArrayList<>();
      for (int i = 0; i < jobs * subtasks; i++) {
        KafkaTarget<Message> target = target("job " + i % jobs);
        started.add(starts.submit(() -> target.open(new UnregisteredMetricsGroup())));
      }
      List<String> refused = new ArrayList<>();
      for (Future<Replayer<Message>> start : started) {
        try {
          opened.add(start.get(60, SECONDS));
        } catch (ExecutionException e) {
          refused.add(e.getCause().getMessage());
        }
      }
      assertThat(opened).hasSize(subtasks);
      assertThat(refused)
          .hasSize((jobs - 1) * subtasks)
          .allMatch(message -> message.contains("transaction-prefix is in use"));
      for (Replayer<?> replayer : opened) {
        assertThat(replayer.holdLease()).isTrue();
      }
    } finally {
      starts.shutdownNow();
    }
  }

  @Test
  void refusesSecondJobUntilFirstDiesOrEnds() throws Exception {
    Replayer<Message> first = open(target("first"));
    AtomicBoolean lives = new AtomicBoolean(true);
    Thread renewing =
        new Thread(
            () -> {
              try {
                while (lives.get()) {
                  first.holdLease();
                  Thread.sleep(200);
                }
              } catch (Exception e) {
                throw new IllegalStateException(e);
              }
            });
    renewing.start();
    assertThatThrownBy(() -> open(target("second")))
        .hasMessageContaining("transaction-prefix is in use")
        .hasMessageContaining("job first")
        .hasCauseInstanceOf(LeaseException.class);
    assertThat(commit(first, first.takeOver(WRITER, Mark.NONE, committable(1)), 1).sequence())
        .isEqualTo(1);
    lives.set(false);
    renewing.join(60_000);

    long start = System.nanoTime();
    Replayer<Message> second = open(target("second"));
    assertThat(System.nanoTime() - start)
        .isGreaterThan(Lease.TIME_TO_LIVE.toNanos() - 4_000_000_000L);
    // The first job wakes up.
    Thread.sleep(3_100);
    assertThatThrownBy(first::holdLease).isInstanceOf(LeaseException.class);
    assertThat(second.holdLease()).isTrue();

    second.releaseLease();
    start = System.nanoTime();
    open(target("third"));
    assertThat(System.nanoTime() - start).isLessThan(Lease.TIME_TO_LIVE.toNanos());
  }
}
