package io.promostream.kafka;

import static java.util.concurrent.TimeUnit.SECONDS;

import io.promostream.metrics.JobMetric;
import io.promostream.replay.Committable;
import io.promostream.replay.Lease;
import io.promostream.replay.Lease.Holder;
import io.promostream.replay.Mark;
import io.promostream.replay.Replayer;
import io.promostream.replay.UnknownMarkException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListConsumerGroupOffsetsOptions;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InvalidTimestampException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Replays elements into a topic.
 *
 * <p>A writer has a transactional id and a consumer group of its own. The group has no members; the
 * offset committed to it is the writer's mark, and is part of each transaction. Whoever takes a
 * writer over fences its earlier producers first and reads the mark then: in the other order, an
 * earlier producer could move the mark in between.
 *
 * <p>A group and not a compacted topic: it needs no topic to be created, no reader that catches up,
 * and goes by itself when it is not used any more. The price is that a mark expires with {@code
 * offsets.retention.minutes}, so an idle writer renews it.
 */
final class KafkaReplayer<T> implements Replayer<T> {

  private static final Logger LOG = LoggerFactory.getLogger(KafkaReplayer.class);

  private static final String RETENTION = "offsets.retention.minutes";

  /** Taken for the retention of marks where the broker does not tell. */
  private static final Duration LEAST_RETENTION = Duration.ofDays(1);

  private static final Duration RENEW_MARK = Duration.ofHours(1);

  private static final int ANSWER_SECONDS = 60;

  private final KafkaTarget<T> target;
  private final Admin admin;
  private final Lease lease;
  private final Counter written;
  private final Counter refusedMessages;

  private volatile @Nullable KafkaProducer<byte[], byte[]> producer;
  private volatile boolean closed;
  private Duration retention = LEAST_RETENTION;

  /** The writer whose transactional id the producer has. */
  private String writer = "";

  private Mark mark = Mark.NONE;
  private long renewedNanos;

  KafkaReplayer(KafkaTarget<T> target, MetricGroup metrics) {
    this.target = target;
    admin = Admin.create(KafkaClients.properties(target.config().kafka()));
    lease = new Lease(new Leases(), target.owner());
    written = target.written().counter(metrics);
    refusedMessages = JobMetric.MESSAGES_REFUSED.counter(metrics);
  }

  void open() throws Exception {
    retention = retention();
    lease.acquire();
  }

  /** How long the broker keeps marks at least, or what may be relied on where it does not tell. */
  private Duration retention() throws Exception {
    try {
      String broker = String.valueOf(get(admin.describeCluster().nodes()).iterator().next().id());
      ConfigResource resource = new ConfigResource(ConfigResource.Type.BROKER, broker);
      return Duration.ofMinutes(
          Long.parseLong(
              get(admin.describeConfigs(List.of(resource)).values().get(resource))
                  .get(RETENTION)
                  .value()));
    } catch (org.apache.kafka.common.errors.AuthorizationException e) {
      LOG.info(
          "{} can't be read, so marks older than {} are not relied on", RETENTION, LEAST_RETENTION);
      return LEAST_RETENTION;
    }
  }

  @Override
  public Mark takeOver(String id, Mark known, @Nullable Committable next) throws Exception {
    open(id);
    OffsetAndMetadata found = offset(target.idPrefix() + id);
    if (found != null) {
      mark = mark(found);
      return mark;
    }
    long ageMillis = next == null ? 0 : System.currentTimeMillis() - next.packedAt();
    if (next == null) {
      // Nothing is to be decided by it.
      mark = known;
      return known;
    }
    if (ageMillis > retention.minus(RENEW_MARK).toMillis()) {
      throw new UnknownMarkException(
          "Kafka may have forgotten how far writer %s of topic %s was: its %s was packed %d hours ago, and %s is %d hours"
              .formatted(
                  id,
                  target.topic(),
                  next,
                  Duration.ofMillis(ageMillis).toHours(),
                  RETENTION,
                  retention.toHours()));
    }
    mark = Mark.NONE;
    return mark;
  }

  private void open(String id) throws Exception {
    reset();
    Properties properties = KafkaClients.producerProperties(target.config());
    properties.put(ProducerConfig.TRANSACTIONAL_ID_CONFIG, target.idPrefix() + id);
    properties.put(ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class);
    properties.put(ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class);
    KafkaProducer<byte[], byte[]> opened = new KafkaProducer<>(properties);
    producer = opened;
    if (closed) {
      close();
    }
    opened.initTransactions();
    writer = id;
    renewedNanos = System.nanoTime();
  }

  @Override
  public Mark look(String id) throws Exception {
    OffsetAndMetadata found = offset(target.idPrefix() + id);
    if (found != null
        && id.equals(writer)
        && producer != null
        && System.nanoTime() - renewedNanos > RENEW_MARK.toNanos()) {
      forceMark(id, mark(found));
    }
    return found == null ? Mark.NONE : mark(found);
  }

  private static Mark mark(OffsetAndMetadata committed) {
    return new Mark(committed.offset(), Long.parseLong(committed.metadata()));
  }

  private @Nullable OffsetAndMetadata offset(String group) throws Exception {
    return get(admin
            .listConsumerGroupOffsets(
                group, new ListConsumerGroupOffsetsOptions().requireStable(true))
            .partitionsToOffsetAndMetadata())
        .get(markPartition());
  }

  /** Marks need a partition to be offsets of, and say nothing about it. */
  private TopicPartition markPartition() {
    return new TopicPartition(target.topic(), 0);
  }

  @Override
  public void commit(String id, Mark from, Committable committable, List<T> elements)
      throws Exception {
    Mark to = from.after(committable);
    List<Message> messages = new ArrayList<>(committable.records());
    elements.forEach(element -> target.expansion().expand(element, messages::add));
    Map<Integer, String> refused = new ConcurrentHashMap<>();
    while (!send(messages, refused, to)) {
      addTooLarge(messages, refused);
    }
    written.inc(messages.size() - refused.size());
    if (!refused.isEmpty()) {
      refusedMessages.inc(refused.size());
      LOG.error(
          "topic {} refused {} messages, which are now in {} with their reasons; for example: {}",
          target.topic(),
          refused.size(),
          target.config().rejectedTopic(),
          refused.values().iterator().next());
    }
  }

  /**
   * Writes messages and the mark in one transaction.
   *
   * @param refused indexes of messages that are to be set aside; those that the broker refuses now
   *     are added
   * @return false if there are more of these, and nothing was written
   */
  private boolean send(List<Message> messages, Map<Integer, String> refused, Mark to)
      throws Exception {
    KafkaProducer<byte[], byte[]> transaction = producer;
    if (transaction == null) {
      throw new IOException("the producer is closed");
    }
    int before = refused.size();
    int rejectedLimit =
        refused.isEmpty()
            ? 0
            : TopicLimits.ofBroker(target.config().kafka())
                .maxMessageBytes(target.config().rejectedTopic());
    transaction.beginTransaction();
    try {
      MessageToTopic toTopic = new MessageToTopic(target.topic());
      MessageToTopic toRejected = new MessageToTopic(target.config().rejectedTopic());
      for (int i = 0; i < messages.size(); i++) {
        String why = refused.get(i);
        int index = i;
        var unused =
            transaction.send(
                why == null
                    ? toTopic.record(messages.get(i))
                    : toRejected.record(
                        target.expansion().setAside(messages.get(i), why, rejectedLimit)),
                (metadata, failure) -> {
                  if (why == null && isRefusal(failure)) {
                    refused.put(index, String.valueOf(failure.getMessage()));
                  }
                });
      }
      sendMark(transaction, to);
      transaction.commitTransaction();
      mark = to;
      return true;
    } catch (KafkaException e) {
      if (refused.size() == before) {
        throw e;
      }
      transaction.abortTransaction();
      return false;
    }
  }

  private static boolean isRefusal(@Nullable Exception failure) {
    return failure instanceof RecordTooLargeException
        || failure instanceof InvalidRecordException
        || failure instanceof InvalidTimestampException;
  }

  private void sendMark(KafkaProducer<byte[], byte[]> transaction, Mark to) {
    transaction.sendOffsetsToTransaction(
        Map.of(markPartition(), new OffsetAndMetadata(to.sequence(), String.valueOf(to.records()))),
        new ConsumerGroupMetadata(target.idPrefix() + writer));
    renewedNanos = System.nanoTime();
  }

  /** Where one message is too large for the topic, its like are, too: finds them all at once. */
  private void addTooLarge(List<Message> messages, Map<Integer, String> refused)
      throws IOException {
    int limit = TopicLimits.ofBroker(target.config().kafka()).maxMessageBytes(target.topic());
    for (int i = 0; i < messages.size(); i++) {
      int bytes = TopicLimits.sizeOf(messages.get(i));
      if (bytes > limit) {
        refused.putIfAbsent(
            i,
            "The message takes %d bytes, topic %s takes %d"
                .formatted(bytes, target.topic(), limit));
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
    mark = to;
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

  private static <R> R get(org.apache.kafka.common.KafkaFuture<R> future) throws Exception {
    try {
      return future.get(ANSWER_SECONDS, SECONDS);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof Exception cause ? cause : e;
    }
  }

  /** The lease as an offset of a group, with the owner as its metadata. */
  private final class Leases implements Lease.Store {

    @Override
    public @Nullable Holder read() throws Exception {
      OffsetAndMetadata found = offset(target.leaseGroup());
      return found == null ? null : new Holder(found.metadata(), found.offset());
    }

    @Override
    public void replace(@Nullable Holder expected, Holder next) throws Exception {
      get(
          admin
              .alterConsumerGroupOffsets(
                  target.leaseGroup(),
                  Map.of(markPartition(), new OffsetAndMetadata(next.renewals(), next.owner())))
              .all());
    }

    @Override
    public String describe() {
      return target.leaseGroup() + " at " + target.config().kafka().bootstrapServers();
    }
  }
}
