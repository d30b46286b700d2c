package io.promostream.bench;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;

/**
 * When each campaign's deliveries could be read, to the milliseconds between two looks, and never
 * too early: while they come it watches how far a reader would see, and afterwards looks up what
 * lay where.
 */
final class Visibility implements AutoCloseable {

  /** Which transactions a reader of Postgres sees: those before {@code next}, but these. */
  private record Snapshot(long at, long next, Set<Long> unfinished) {

    /** By what pg_current_snapshot() gives: xmin:xmax:xid,xid,... */
    static Snapshot parse(long at, String text) {
      String[] parts = text.split(":", 3);
      Set<Long> unfinished =
          Arrays.stream(parts[2].split(","))
              .filter(xid -> !xid.isEmpty())
              .map(Long::valueOf)
              .collect(Collectors.toSet());
      return new Snapshot(at, Long.parseLong(parts[1]), unfinished);
    }

    boolean shows(long xid) {
      return xid < next && !unfinished.contains(xid);
    }
  }

  private final Installation installation;
  private final int pauseMillis;
  private final ExecutorService threads = Executors.newFixedThreadPool(2);
  private final List<Future<?>> watches;

  /** For each partition, when a reader could first read up to an offset. */
  private final Map<TopicPartition, TreeMap<Long, Long>> ends = new HashMap<>();

  private final List<Snapshot> snapshots = new ArrayList<>();
  private volatile boolean over;

  /**
   * Begins the watch.
   *
   * @param pauseMillis between two looks
   */
  Visibility(Installation installation, int pauseMillis) {
    this.installation = installation;
    this.pauseMillis = pauseMillis;
    watches = List.of(threads.submit(watch(this::kafka)), threads.submit(watch(this::postgres)));
  }

  private interface Watch {
    void run() throws Exception;
  }

  private static Callable<Void> watch(Watch watch) {
    return () -> {
      watch.run();
      return null;
    };
  }

  private void kafka() throws InterruptedException {
    try (KafkaConsumer<byte[], byte[]> reader = Outcome.consumer(installation, "read_committed")) {
      List<TopicPartition> partitions = Installation.notificationPartitions();
      partitions.forEach(partition -> ends.put(partition, new TreeMap<>()));
      boolean last;
      do {
        last = over;
        Map<TopicPartition, Long> readable = reader.endOffsets(partitions);
        long at = System.nanoTime();
        readable.forEach((partition, end) -> ends.get(partition).putIfAbsent(end, at));
        Thread.sleep(pauseMillis);
      } while (!last);
    }
  }

  private void postgres() throws SQLException, InterruptedException {
    try (Connection connection = installation.connect();
        PreparedStatement snapshot =
            connection.prepareStatement("SELECT pg_current_snapshot()::text")) {
      String known = "";
      boolean last;
      do {
        last = over;
        try (ResultSet result = snapshot.executeQuery()) {
          result.next();
          long at = System.nanoTime();
          String seen = result.getString(1);
          if (!seen.equals(known)) {
            snapshots.add(Snapshot.parse(at, seen));
            known = seen;
          }
        }
        Thread.sleep(pauseMillis);
      } while (!last);
    }
  }

  /** Ends the watch; all that is asked for must be visible by now. */
  @Override
  public void close() throws Exception {
    over = true;
    threads.shutdown();
    for (Future<?> watch : watches) {
      watch.get();
    }
  }

  /** When the last notification of each campaign could be read, {@link System#nanoTime}. */
  Map<String, Long> notifications() {
    Map<String, Long> seen = new HashMap<>();
    Notifications.readAll(
        installation,
        message -> {
          TopicPartition partition = new TopicPartition(message.topic(), message.partition());
          long at = ends.get(partition).higherEntry(message.offset()).getValue();
          seen.merge(Notifications.campaign(message.value()), at, Math::max);
        });
    return seen;
  }

  /** When the last row of each campaign could be read, {@link System#nanoTime}. */
  Map<String, Long> rows() throws SQLException {
    Map<String, Long> seen = new HashMap<>();
    try (Connection connection = installation.connect();
        Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery(
                "SELECT DISTINCT adv_campaign_id, xmin::text::bigint FROM subscribers_feedback")) {
      while (rows.next()) {
        seen.merge(rows.getString(1), seenAt(rows.getLong(2)), Math::max);
      }
    }
    return seen;
  }

  /** What one snapshot shows, all later ones show. */
  private long seenAt(long xid) {
    int from = 0;
    int to = snapshots.size() - 1;
    while (from < to) {
      int middle = (from + to) / 2;
      if (snapshots.get(middle).shows(xid)) {
        to = middle;
      } else {
        from = middle + 1;
      }
    }
    return snapshots.get(to).at;
  }
}
