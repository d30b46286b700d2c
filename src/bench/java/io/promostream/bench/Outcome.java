package io.promostream.bench;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Finds out when deliveries are visible in both sinks, with queries that cost almost nothing, and
 * counts the deliveries afterwards.
 */
final class Outcome implements AutoCloseable {

  private static final Duration PATIENCE = Duration.ofMinutes(5);

  private final List<TopicPartition> partitions = Installation.notificationPartitions();
  private final Admin admin;
  private final KafkaConsumer<byte[], byte[]> committed;
  private final KafkaConsumer<byte[], byte[]> written;
  private final Connection connection;
  private final PreparedStatement newestId;
  private final PreparedStatement openTransactions;
  private final PreparedStatement preparedTransactions;

  private Map<TopicPartition, Long> before = Map.of();
  private long idBefore;

  Outcome(Installation installation) throws SQLException {
    admin = installation.broker().admin();
    committed = consumer(installation, "read_committed");
    written = consumer(installation, "read_uncommitted");
    connection = installation.connect();
    // Not max(id), which would look at each row that is not committed yet. The first value stands
    // there before it is given out.
    newestId =
        connection.prepareStatement(
            "SELECT last_value - (NOT is_called)::int FROM subscribers_feedback_id_seq");
    openTransactions =
        connection.prepareStatement(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_xid IS NOT NULL");
    preparedTransactions = connection.prepareStatement("SELECT count(*) FROM pg_prepared_xacts");
  }

  static KafkaConsumer<byte[], byte[]> consumer(Installation installation, String isolation) {
    return new KafkaConsumer<>(
        Map.of(
            "bootstrap.servers",
            installation.broker().bootstrapServers(),
            "isolation.level",
            isolation,
            "fetch.max.bytes",
            16 << 20,
            "max.partition.fetch.bytes",
            4 << 20,
            "max.poll.records",
            10_000),
        new ByteArrayDeserializer(),
        new ByteArrayDeserializer());
  }

  /** Empties both sinks, and counts from now on. No delivery may be in progress. */
  void begin() throws Exception {
    before = written.endOffsets(partitions);
    admin
        .deleteRecords(
            before.entrySet().stream()
                .collect(
                    Collectors.toMap(
                        Map.Entry::getKey, end -> RecordsToDelete.beforeOffset(end.getValue()))))
        .all()
        .get();
    try (Statement statement = connection.createStatement()) {
      statement.execute("TRUNCATE subscribers_feedback");
      statement.execute("CHECKPOINT");
    }
    idBefore = number(newestId);
  }

  /**
   * Waits until the deliveries are visible in both sinks.
   *
   * @return when the last one became visible, {@link System#nanoTime}
   * @throws IllegalStateException if it takes too long
   */
  long await(long deliveries) throws Exception {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    long rowsAt = 0;
    long readable = -1;
    long readableAt = 0;
    while (true) {
      if (rowsAt == 0 && allRowsCommitted(deliveries)) {
        rowsAt = System.nanoTime();
      }
      long stable = sum(committed.endOffsets(partitions).values());
      if (stable != readable) {
        readable = stable;
        readableAt = System.nanoTime();
      }
      long begun = sum(before.values());
      if (rowsAt != 0
          && readable >= begun + deliveries
          && readable == sum(written.endOffsets(partitions).values())) {
        break;
      }
      if (System.nanoTime() > deadline) {
        throw new IllegalStateException(
            "after %d s %d rows and %d of %d notifications are committed"
                .formatted(PATIENCE.toSeconds(), rows(), readable - begun, deliveries));
      }
      Thread.sleep(20);
    }
    return Math.max(rowsAt, readableAt);
  }

  private boolean allRowsCommitted(long deliveries) throws SQLException {
    return number(newestId) >= idBefore + deliveries && noTransactionIsOpen();
  }

  /** In this order: an open transaction becomes a prepared one, and then none. */
  boolean noTransactionIsOpen() throws SQLException {
    return number(openTransactions) == 0 && number(preparedTransactions) == 0;
  }

  private long rows() throws SQLException {
    try (PreparedStatement rows =
        connection.prepareStatement("SELECT count(*) FROM subscribers_feedback")) {
      return number(rows);
    }
  }

  private static long number(PreparedStatement query) throws SQLException {
    try (ResultSet result = query.executeQuery()) {
      result.next();
      return result.getLong(1);
    }
  }

  private static long sum(Collection<Long> offsets) {
    return offsets.stream().mapToLong(Long::longValue).sum();
  }

  /**
   * Counts rows and notifications.
   *
   * @throws IllegalStateException if there are more or fewer of them
   */
  void verify(long deliveries) throws SQLException {
    long messages = countMessages();
    long rows = rows();
    if (messages != deliveries || rows != deliveries) {
      throw new IllegalStateException(
          "%d notifications and %d rows, not %d".formatted(messages, rows, deliveries));
    }
  }

  private long countMessages() {
    committed.assign(partitions);
    before.forEach(committed::seek);
    Map<TopicPartition, Long> ends = committed.endOffsets(partitions);
    long messages = 0;
    while (ends.entrySet().stream()
        .anyMatch(end -> committed.position(end.getKey()) < end.getValue())) {
      messages += committed.poll(Duration.ofSeconds(1)).count();
    }
    committed.unsubscribe();
    return messages;
  }

  @Override
  public void close() throws SQLException {
    committed.close();
    written.close();
    admin.close();
    connection.close();
  }
}
