package io.promostream.kafka;

import static java.util.concurrent.TimeUnit.SECONDS;

import io.promostream.config.JobConfig;
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

  /** The retention of marks that is assumed if the broker does not report it. */
  private static final Duration MIN_RETENTION = Duration.ofDays(1);

  private static final Duration MAX_RENEWAL_INTERVAL = Duration.ofHours(1);

  private static final int TIMEOUT_SECONDS = 60;

  /** The pause between two requests for an offset that a transaction is about to move. */
  private static final long UNSTABLE_PAUSE_MILLIS = 20;

  private static final long LIMITS_EXPIRY_NANOS = 1_000_000_000L;

  /** The largest messages that the topic and the rejected topic accept, in bytes. */
  private record Limits(int largest, int largestRejected) {}

  private final KafkaTarget<T> target;
  private final Admin admin;
  private final Lease lease;
  private final Counter written;
  private final Counter refusedMessages;

  private volatile @Nullable KafkaProducer<byte[], byte[]> producer;
  private volatile boolean closed;

  /** How long the broker keeps a mark that is not renewed. Tests shorten it. */
  Duration retention = MIN_RETENTION;

  /** The writer whose transactional id the current producer uses. */
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
      ConfigEntry reported =
          get(admin.describeConfigs(List.of(resource)).values().get(resource))
              .get(KafkaTarget.MARK_RETENTION);
      if (reported != null && reported.value() != null) {
        return Duration.ofMinutes(Long.parseLong(reported.value()));
      }
    } catch (AuthorizationException e) {
      // The account lacks DescribeConfigs on the cluster, which the job does not require.
    }
    LOG.info(
        "The broker does not report {}, so this job does not rely on marks older than {}",
        KafkaTarget.MARK_RETENTION,
        MIN_RETENTION);
    return MIN_RETENTION;
  }

  /**
   * How often an idle writer renews its mark. A mark is therefore at most this much older than the
   * next committable.
   */
  private Duration renewalInterval() {
    Duration part = retention.dividedBy(4);
    return part.compareTo(MAX_RENEWAL_INTERVAL) < 0 ? part : MAX_RENEWAL_INTERVAL;
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
    if (age.compareTo(retention.minus(renewalInterval())) > 0) {
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
    if (System.nanoTime() - markedNanos > renewalInterval().toNanos()) {
      // Fence first and read afterwards: an earlier producer could move a mark that is read first.
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
   * Reads a group's offset when no transaction is about to move it.
   *
   * <p>While a transaction that moves the offset is being committed, the Admin client omits the
   * partition from its result and logs a warning. This method then asks again.
   */
  static @Nullable OffsetAndMetadata offset(Admin admin, String group, TopicPartition partition)
      throws Exception {
    long deadline = System.nanoTime() + SECONDS.toNanos(TIMEOUT_SECONDS);
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
            .formatted(group, TIMEOUT_SECONDS));
  }

  @Override
  public void commit(String id, Mark from, Committable committable, List<T> elements)
      throws Exception {
    Mark to = from.after(committable);
    requireUnchangedLimits();
    Refusals refusals = new Refusals(limits.largest());
    while (!send(elements, refusals, to)) {
      // Send again without the refused messages.
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
   * The messages that the topic refuses. A refusal by the broker ends the transaction, so the next
   * attempt does not send these messages to the topic.
   */
  private final class Refusals {

    /** The refusal of one message. */
    private record Refusal(int number, Exception why) {}

    /** The reason for each refused message, by the message's number. */
    private final Map<Integer, String> reasons = new HashMap<>();

    private int largest;
    private boolean keyless;

    /**
     * The first refusal of an attempt. Kafka's client later reports the same failure for all
     * messages that it has not sent yet.
     */
    private final AtomicReference<Refusal> first = new AtomicReference<>();

    /** The refusal that ended the previous attempt. */
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

    /** The callback for a message. It does not refer to the message: thousands are in flight. */
    Callback of(int number) {
      return (metadata, failure) -> {
        // InvalidTimestampException cannot occur, because each message has the time of sending.
        if (failure instanceof RecordTooLargeException
            || failure instanceof InvalidRecordException) {
          first.compareAndSet(null, new Refusal(number, failure));
        }
      };
    }

    /** Prepares the next attempt. Returns false if the broker refused no message in this one. */
    boolean prepareRetry() {
      last = first.getAndSet(null);
      return last != null;
    }
  }

  /**
   * Writes messages and the mark in one transaction.
   *
   * @return false if the broker refused a message; nothing is written then
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
      if (refusals.prepareRetry()) {
        transaction.abortTransaction();
        return false;
      }
      limitsReadNanos = System.nanoTime() - 2 * LIMITS_EXPIRY_NANOS;
      throw new IOException(
          "Cannot write to topic %s: %s".formatted(target.topic(), KafkaAdvice.causeAndAdvice(e)),
          e);
    }
  }

  /** Numbers the messages of a committable. Each attempt gives a message the same number. */
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
    JobConfig.Kafka kafka = target.config().kafka();
    limitsReadNanos = System.nanoTime();
    return new Limits(
        TopicLimits.maxMessageBytes(kafka, admin, target.topic()),
        TopicLimits.maxMessageBytes(kafka, admin, target.config().rejectedTopic()));
  }

  /**
   * Fails if the limits changed, because the producer's batches fit only the limits at its start.
   */
  private void requireUnchangedLimits() throws IOException {
    if (System.nanoTime() - limitsReadNanos > LIMITS_EXPIRY_NANOS) {
      Limits now = limits();
      if (!now.equals(limits)) {
        throw new IOException(
            "The limits of topics %s and %s changed from %s to %s, so the producer must be replaced"
                .formatted(target.topic(), target.config().rejectedTopic(), limits, now));
      }
    }
  }

  /** Does nothing, because each committed Kafka transaction is durable. */
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

  /**
   * Never reports a loss: without compare-and-set, the counter may go back although nothing is
   * lost.
   */
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
      return future.get(TIMEOUT_SECONDS, SECONDS);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof Exception cause ? cause : e;
    }
  }
}
