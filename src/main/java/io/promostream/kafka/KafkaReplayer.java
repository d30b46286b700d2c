package io.promostream.kafka;

import static java.util.concurrent.TimeUnit.SECONDS;

import io.promostream.metrics.JobMetric;
import io.promostream.replay.Committable;
import io.promostream.replay.Lease;
import io.promostream.replay.Mark;
import io.promostream.replay.Replayer;
import io.promostream.replay.UnknownMarkException;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.ObjIntConsumer;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ListConsumerGroupOffsetsOptions;
import org.apache.kafka.clients.admin.ListConsumerGroupOffsetsSpec;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Replays elements into a topic.
 *
 * <p>Each writer has its own transactional id and consumer group. The group has no members; its
 * committed offset is the writer's mark, and each transaction commits it. A job that takes a writer
 * over first fences its earlier producers and then reads the mark. In the other order, an earlier
 * producer could move the mark in between.
 *
 * <p>The mark is in a group and not in a compacted topic, because nobody has to create a group, no
 * reader has to catch up, and Kafka removes an unused group. The cost is that a mark expires after
 * {@code offsets.retention.minutes}, so an idle writer renews it.
 */
final class KafkaReplayer<T> implements Replayer<T> {

  private static final Logger LOG = LoggerFactory.getLogger(KafkaReplayer.class);

  /** Assumed as the retention of marks if the broker does not tell it. */
  private static final Duration LEAST_RETENTION = Duration.ofDays(1);

  private static final Duration LONGEST_RENEWAL = Duration.ofHours(1);

  private static final int ANSWER_SECONDS = 60;

  /** Between two questions for an offset that a transaction is about to move. */
  private static final long UNSTABLE_PAUSE_MILLIS = 20;

  private static final long READ_LIMITS_NANOS = 1_000_000_000L;

  /** The largest messages that the topic and the rejected topic take, in bytes. */
  private record Limits(int largest, int largestRejected) {}

  private final KafkaTarget<T> target;
  private final Admin admin;
  private final Lease lease;
  private final Counter written;
  private final Counter refusedMessages;

  private volatile @Nullable KafkaProducer<byte[], byte[]> producer;
  private volatile boolean closed;

  /** How long the broker keeps marks. Tests shorten it. */
  Duration retention = LEAST_RETENTION;

  /** The writer whose transactional id the producer has. */
  private String writer = "";

  private Limits limits = new Limits(0, 0);
  private long limitsReadNanos;

  /** When the last mark was written. */
  private long markedNanos = System.nanoTime();

  KafkaReplayer(KafkaTarget<T> target, MetricGroup metrics) {
    this.target = target;
    admin = Admin.create(KafkaClients.properties(target.config().kafka()));
    lease = new Lease(new KafkaLease(target, admin), target.owner());
    written = target.written().counter(metrics);
    refusedMessages = JobMetric.MESSAGES_REFUSED.counter(metrics);
  }

  void open() throws Exception {
    retention = retention();
    lease.acquire();
  }

  private Duration retention() throws Exception {
    String broker = get(admin.describeCluster().nodes()).iterator().next().idString();
    ConfigResource resource = new ConfigResource(ConfigResource.Type.BROKER, broker);
    try {
      ConfigEntry told =
          get(admin.describeConfigs(List.of(resource)).values().get(resource))
              .get(KafkaTarget.MARK_RETENTION);
      if (told != null && told.value() != null) {
        return Duration.ofMinutes(Long.parseLong(told.value()));
      }
    } catch (AuthorizationException e) {
      // Only an account with DescribeConfigs on the cluster may know.
    }
    LOG.info(
        "The broker does not report {}, so this job does not rely on marks older than {}",
        KafkaTarget.MARK_RETENTION,
        LEAST_RETENTION);
    return LEAST_RETENTION;
  }

  /**
   * An idle writer renews its mark this often. A mark is this much older than its commit at most.
   */
  private Duration renewal() {
    Duration part = retention.dividedBy(4);
    return part.compareTo(LONGEST_RENEWAL) < 0 ? part : LONGEST_RENEWAL;
  }

  @Override
  public Mark takeOver(String id, Mark known, @Nullable Committable next) throws Exception {
    open(id);
    Mark found = read(id);
    if (found != null) {
      return found;
    }
    if (next == null) {
      // The writer has nothing left to replay, so nothing depends on its mark.
      return known;
    }
    Duration age = Duration.ofMillis(System.currentTimeMillis() - next.packedAt());
    if (age.compareTo(retention.minus(renewal())) > 0) {
      throw new UnknownMarkException(
          "Kafka may have removed the mark of writer %s of topic %s: its %s was packed %d minutes ago, and %s is %d"
              .formatted(
                  id,
                  target.topic(),
                  next,
                  age.toMinutes(),
                  KafkaTarget.MARK_RETENTION,
                  retention.toMinutes()));
    }
    return Mark.NONE;
  }

  private void open(String id) throws IOException {
    reset();
    limits = limits();
    KafkaProducer<byte[], byte[]> opened =
        KafkaClients.transactionalProducer(
            target.config(),
            target.idPrefix() + id,
            Math.min(limits.largest(), limits.largestRejected()));
    producer = opened;
    if (closed) {
      close();
    }
    opened.initTransactions();
    writer = id;
  }

  @Override
  public Mark readMark(String id) throws Exception {
    if (System.nanoTime() - markedNanos > renewal().toNanos()) {
      // As in a takeover: a mark that was read before the fence may have moved since.
      open(id);
      Mark found = read(id);
      if (found != null) {
        forceMark(id, found);
      }
    }
    Mark found = read(id);
    return found == null ? Mark.NONE : found;
  }

  private @Nullable Mark read(String id) throws Exception {
    OffsetAndMetadata found = offset(admin, target.idPrefix() + id, target.markPartition());
    return found == null ? null : new Mark(found.offset(), Long.parseLong(found.metadata()));
  }

  /**
   * A group's offset, once no transaction is about to move it.
   *
   * <p>The Admin client leaves a partition out while a transaction that moves its offset is being
   * committed, and logs a warning. That is no answer, so it is asked again.
   */
  static @Nullable OffsetAndMetadata offset(Admin admin, String group, TopicPartition partition)
      throws Exception {
    long deadline = System.nanoTime() + SECONDS.toNanos(ANSWER_SECONDS);
    while (System.nanoTime() < deadline) {
      Map<TopicPartition, OffsetAndMetadata> offsets =
          get(
              admin
                  .listConsumerGroupOffsets(
                      Map.of(
                          group,
                          new ListConsumerGroupOffsetsSpec().topicPartitions(List.of(partition))),
                      new ListConsumerGroupOffsetsOptions().requireStable(true))
                  .partitionsToOffsetAndMetadata(group));
      if (offsets.containsKey(partition)) {
        return offsets.get(partition);
      }
      Thread.sleep(UNSTABLE_PAUSE_MILLIS);
    }
    throw new IOException(
        "Kafka did not return the offset of group %s within %d s, because a transaction that moves it does not end"
            .formatted(group, ANSWER_SECONDS));
  }

  @Override
  public void commit(String id, Mark from, Committable committable, List<T> elements)
      throws Exception {
    Mark to = from.after(committable);
    requireSameLimits();
    Refusals refusals = new Refusals(limits.largest());
    while (!send(elements, refusals, to)) {
      // Once more, without what was refused.
    }
    Map<Integer, String> refused = refusals.reasons;
    written.inc(committable.records() - refused.size());
    if (!refused.isEmpty()) {
      refusedMessages.inc(refused.size());
      LOG.error(
          "Topic {} refused {} messages. They are now in topic {}, each with its reason. One of the reasons: {}",
          target.topic(),
          refused.size(),
          target.config().rejectedTopic(),
          refused.values().iterator().next());
    }
  }

  /**
   * What is not to be sent to the topic. A refusal by the broker ends the transaction. So what the
   * topic is known to refuse is not sent there at all.
   */
  private final class Refusals {

    /** A message that the broker refused, by its number. */
    private record Refusal(int number, Exception why) {}

    /** Reasons by the messages' numbers. */
    private final Map<Integer, String> reasons = new HashMap<>();

    private int largest;
    private boolean keyless;

    /**
     * The first refusal of a try. Kafka's client reports the same failure for all messages that it
     * has not sent yet, and these come later.
     */
    private final AtomicReference<Refusal> first = new AtomicReference<>();

    /** The refusal that ended the try before. */
    private @Nullable Refusal last;

    Refusals(int largest) {
      this.largest = largest;
    }

    @Nullable String reason(Message message, int number) {
      int bytes = TopicLimits.sizeOf(message);
      if (last != null && last.number == number) {
        learn(last, message, bytes);
      }
      if (bytes > largest) {
        reasons.putIfAbsent(number, TopicLimits.tooLarge(bytes, target.topic(), largest));
      } else if (keyless && message.key() == null) {
        reasons.putIfAbsent(number, "The topic accepts no message without a key");
      }
      return reasons.isEmpty() ? null : reasons.get(number);
    }

    private void learn(Refusal refusal, Message message, int bytes) {
      if (refusal.why instanceof RecordTooLargeException) {
        largest = Math.min(largest, bytes - 1);
      } else {
        reasons.put(refusal.number, String.valueOf(refusal.why.getMessage()));
        keyless |= message.key() == null;
      }
    }

    /** Keeps nothing of the message alive: thousands are under way. */
    Callback of(int number) {
      return (metadata, failure) -> {
        // InvalidTimestampException is not handled here: every message carries the time of sending.
        if (failure instanceof RecordTooLargeException
            || failure instanceof InvalidRecordException) {
          first.compareAndSet(null, new Refusal(number, failure));
        }
      };
    }

    /** Whether the broker refused a message that was not known to be refused. */
    boolean takeUp() {
      last = first.getAndSet(null);
      return last != null;
    }
  }

  /**
   * Writes messages and the mark in one transaction.
   *
   * @return false if the broker refused a message, and nothing was written
   */
  private boolean send(List<T> elements, Refusals refusals, Mark to) throws Exception {
    KafkaProducer<byte[], byte[]> transaction = producer;
    if (transaction == null) {
      throw new IOException("the producer is closed");
    }
    try {
      transaction.beginTransaction();
      forEach(
          elements,
          (message, number) -> {
            String why = refusals.reason(message, number);
            if (why == null) {
              var unused = transaction.send(message.toRecord(target.topic()), refusals.of(number));
            } else {
              Message rejected =
                  target.expansion().setAside(message, why, limits.largestRejected());
              var unused = transaction.send(rejected.toRecord(target.config().rejectedTopic()));
            }
          });
      sendMark(transaction, to);
      transaction.commitTransaction();
      return true;
    } catch (KafkaException e) {
      if (refusals.takeUp()) {
        transaction.abortTransaction();
        return false;
      }
      limitsReadNanos = System.nanoTime() - 2 * READ_LIMITS_NANOS;
      throw new IOException(
          "Cannot write to topic %s: %s".formatted(target.topic(), KafkaAdvice.causeAndAdvice(e)),
          e);
    }
  }

  /** Numbers the messages of a committable, which are the same at each try. */
  private void forEach(List<T> elements, ObjIntConsumer<Message> action) {
    AtomicInteger number = new AtomicInteger();
    for (T element : elements) {
      target
          .expansion()
          .expand(element, message -> action.accept(message, number.getAndIncrement()));
    }
  }

  private void sendMark(KafkaProducer<byte[], byte[]> transaction, Mark to) {
    transaction.sendOffsetsToTransaction(
        Map.of(
            target.markPartition(),
            new OffsetAndMetadata(to.sequence(), String.valueOf(to.records()))),
        KafkaClients.group(target.idPrefix() + writer));
    markedNanos = System.nanoTime();
  }

  /** Reads the limits of both topics. */
  private Limits limits() throws IOException {
    TopicLimits.Lookup lookup = TopicLimits.ofBroker(target.config().kafka(), admin);
    limitsReadNanos = System.nanoTime();
    return new Limits(
        lookup.maxMessageBytes(target.topic()),
        lookup.maxMessageBytes(target.config().rejectedTopic()));
  }

  /** The producer's batches fit the limits of its start. */
  private void requireSameLimits() throws IOException {
    if (System.nanoTime() - limitsReadNanos > READ_LIMITS_NANOS) {
      Limits now = limits();
      if (!now.equals(limits)) {
        throw new IOException(
            "The limits of topics %s and %s changed from %s to %s, so the producer must be replaced"
                .formatted(target.topic(), target.config().rejectedTopic(), limits, now));
      }
    }
  }

  /** A commit is durable when its transaction is: Kafka has nothing weaker. */
  @Override
  public void confirm(String id, Mark found) {}

  @Override
  public void forceMark(String id, Mark to) throws Exception {
    KafkaProducer<byte[], byte[]> transaction = producer;
    if (transaction == null || !id.equals(writer)) {
      open(id);
      transaction = producer;
    }
    transaction.beginTransaction();
    sendMark(transaction, to);
    transaction.commitTransaction();
  }

  /** The lease can't be compared and set, so its count may go back without any loss. */
  @Override
  public boolean holdLease() throws Exception {
    lease.hold();
    return true;
  }

  @Override
  public void releaseLease() throws Exception {
    lease.release();
  }

  @Override
  public void reset() {
    KafkaProducer<byte[], byte[]> opened = producer;
    producer = null;
    writer = "";
    if (opened != null) {
      opened.close(Duration.ZERO);
    }
  }

  @Override
  public void close() {
    closed = true;
    KafkaProducer<byte[], byte[]> opened = producer;
    if (opened != null) {
      opened.close(Duration.ZERO);
    }
    admin.close(Duration.ZERO);
  }

  static <R> R get(KafkaFuture<R> future) throws Exception {
    try {
      return future.get(ANSWER_SECONDS, SECONDS);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof Exception cause ? cause : e;
    }
  }
}
