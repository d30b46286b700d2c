package io.promostream.subscribers;

import io.promostream.config.Database;
import io.promostream.config.TableName;
import io.promostream.postgres.Connections;
import io.promostream.subscribers.ListUpdate.RefreshCompleted;
import io.promostream.subscribers.SubscribersByRestaurant.Subscribers;
import io.promostream.subscribers.SubscribersTable.Everything;
import io.promostream.subscribers.SubscribersTable.Overview;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.connector.base.source.reader.RecordsBySplits;
import org.apache.flink.connector.base.source.reader.RecordsWithSplitIds;
import org.apache.flink.connector.base.source.reader.splitreader.SplitReader;
import org.apache.flink.connector.base.source.reader.splitreader.SplitsChange;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Refreshes the list on the fetcher thread. It reads a chunk, emits it in pieces, reads the next
 * chunk, and then waits for the next refresh.
 *
 * <p>A chunk is read into memory and its connection is closed before the first piece is emitted. No
 * transaction and no connection is open while the job is back-pressured.
 */
final class ListFetcher implements SplitReader<ListChange, SubscriberListSplit> {

  private static final Logger LOG = LoggerFactory.getLogger(ListFetcher.class);

  /**
   * Memory for a chunk, unless a single restaurant needs more. With the heap of {@code
   * flink-conf/}, 1.3 GB, that is ten million subscriptions. Each chunk scans the whole table, so
   * fewer are better. Only the first chunk reads the same snapshot as the fingerprints and can use
   * them.
   */
  static final long CHUNK_BYTES = Runtime.getRuntime().maxMemory() / 4;

  /** The size of one fetch. At most three fetches are in flight. */
  private static final int HANDOVER_BYTES = 4 << 20;

  private static final Duration FIRST_RETRY = Duration.ofSeconds(1);
  private static final Duration LAST_RETRY = Duration.ofMinutes(1);

  private final Database database;
  private final ClientIds.Lookup clientIds;
  private final TableName tableName;
  private final Duration refreshInterval;
  private final long chunkBytes;
  private final ListMetrics metrics;
  private final Interruption interruption = new Interruption();

  /** Null until the first refresh, because the feedback table may be unreachable at the start. */
  private @Nullable SubscribersTable table;

  /** Rows that were read and are not sorted into audiences yet; null if there are none. */
  private @Nullable SubscribersByRestaurant unsorted;

  /**
   * The server's fingerprints of the snapshot that was read. They are preferred to the computed
   * ones, which never match with some servers (see {@link PostgresHash}).
   */
  private Map<String, Fingerprint> serverFingerprints = Map.of();

  /** Changes to hand over before the unsorted rows. */
  private final Deque<ListChange> ready = new ArrayDeque<>();

  /** The fingerprints that the job has when all {@link #ready} changes are handed over. */
  private final Map<String, Fingerprint> sent = new HashMap<>();

  private long version;
  private @Nullable Refresh refresh;
  private long nextRefresh = now();
  private int failures;

  /**
   * @param clientIds which client ids the job can use
   * @param chunkBytes {@link #CHUNK_BYTES}, or fewer in a test
   */
  ListFetcher(
      Database database,
      TableName tableName,
      Duration refreshInterval,
      ClientIds.Lookup clientIds,
      long chunkBytes,
      ListMetrics metrics) {
    this.database = database;
    this.clientIds = clientIds;
    this.tableName = tableName;
    this.refreshInterval = refreshInterval;
    this.chunkBytes = chunkBytes;
    this.metrics = metrics;
  }

  /** A refresh in progress. */
  private static final class Refresh {

    private final long startNanos = System.nanoTime();
    private final long asOf = System.currentTimeMillis();
    private final Deque<Map.Entry<String, Fingerprint>> changed = new ArrayDeque<>();
    private int restaurants;
    private boolean overviewIsFresh = true;
    private long readMillis;

    /** Removes and returns the restaurants of the next chunk. */
    Map<String, Fingerprint> nextChunk(long chunkBytes) {
      Map<String, Fingerprint> chunk = new HashMap<>();
      long bytes = 0;
      while (!changed.isEmpty()) {
        bytes += SubscribersByRestaurant.expectedBytes(changed.peek().getValue());
        if (!chunk.isEmpty() && bytes > chunkBytes) {
          break;
        }
        Map.Entry<String, Fingerprint> restaurant = changed.poll();
        chunk.put(restaurant.getKey(), restaurant.getValue());
      }
      return chunk;
    }
  }

  @Override
  public void handleSplitsChanges(SplitsChange<SubscriberListSplit> change) {
    SubscriberListSplit split = change.splits().get(0);
    sent.putAll(split.fingerprints());
    version = split.completed().version();
  }

  /** Returns a bounded number of changes, or none after a wake-up or a failure. */
  @Override
  public RecordsWithSplitIds<ListChange> fetch() throws IOException {
    try {
      if (ready.isEmpty()
          && unsorted == null
          && !interruption.awaitUntil(refresh == null ? nextRefresh : now())) {
        read();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while waiting for the next refresh");
    }
    RecordsBySplits.Builder<ListChange> handover = new RecordsBySplits.Builder<>();
    for (int bytes = 0; bytes < HANDOVER_BYTES && prepareNext(); ) {
      bytes += ready.peek().weight();
      handover.add(SubscriberListSplit.ID, ready.poll());
    }
    return handover.build();
  }

  /** Prepares the next change. Returns false if everything that was read is handed over. */
  private boolean prepareNext() {
    if (ready.isEmpty() && unsorted != null) {
      Subscribers next = unsorted.poll();
      if (next != null) {
        String id = next.restaurantId();
        prepare(id, next.audience(), serverFingerprints.getOrDefault(id, next.fingerprint()));
      } else {
        unsorted = null;
        if (refresh != null && refresh.changed.isEmpty()) {
          complete(refresh);
        }
      }
    }
    return !ready.isEmpty();
  }

  @Override
  public void wakeUp() {
    interruption.request();
  }

  @Override
  public void close() {
    // No connection outlives a fetch.
  }

  private void read() {
    try {
      if (table == null) {
        table = new SubscribersTable(tableName, clientIds.find());
      }
    } catch (IOException e) {
      failed(e);
      return;
    }
    try (Connection connection = Connections.open(database, "promo-stream subscribers")) {
      try {
        interruption.watch(connection);
        readNextChunk(connection);
      } finally {
        interruption.unwatch();
      }
    } catch (Exception e) {
      // The next refresh finds the unread restaurants again by their fingerprints.
      refresh = null;
      if (!interruption.happened()) {
        failed(e);
      }
    }
  }

  /** A refresh reads the fingerprints first, unless there is nothing to compare them with. */
  private void readNextChunk(Connection connection) throws SQLException {
    table.begin(connection);
    if (refresh == null && sent.isEmpty()) {
      readEverything(connection);
      return;
    }
    if (refresh == null) {
      refresh = begin(connection);
    }
    Map<String, Fingerprint> chunk = refresh.nextChunk(chunkBytes);
    if (!chunk.isEmpty()) {
      read(connection, chunk, refresh);
    }
    refresh.overviewIsFresh = false;
    readFinished(refresh);
  }

  private void read(Connection connection, Map<String, Fingerprint> chunk, Refresh current)
      throws SQLException {
    boolean all = chunk.size() == current.restaurants;
    SubscribersByRestaurant some = table.subscribers(connection, chunk.keySet(), all, chunkBytes);
    unsorted = some;
    serverFingerprints = current.overviewIsFresh ? chunk : Map.of();
    chunk.forEach(
        (id, fingerprint) -> {
          if (some.isLeftOut(id)) {
            current.changed.add(Map.entry(id, fingerprint));
          }
        });
  }

  /** A refresh that follows finds the restaurants that did not fit, by their fingerprints. */
  private void readEverything(Connection connection) throws SQLException {
    Refresh begun = new Refresh();
    Everything everything = table.everything(connection, chunkBytes);
    unsorted = everything.restaurants();
    serverFingerprints = Map.of();
    if (everything.restaurants().isComplete()) {
      metrics.rowsSkipped = everything.rowsSkipped();
      refresh = begun;
      readFinished(begun);
    }
  }

  private void readFinished(Refresh current) {
    current.readMillis = (now() - current.startNanos) / 1_000_000;
    if (unsorted == null) {
      complete(current);
    }
  }

  private Refresh begin(Connection connection) throws SQLException {
    Refresh begun = new Refresh();
    Overview overview = table.overview(connection);
    Map<String, Fingerprint> restaurants = overview.restaurants();
    metrics.rowsSkipped = overview.rowsSkipped();
    begun.restaurants = restaurants.size();
    for (Map.Entry<String, Fingerprint> restaurant : restaurants.entrySet()) {
      if (!restaurant.getValue().equals(sent.get(restaurant.getKey()))) {
        begun.changed.add(restaurant);
      }
    }
    List<String> vanished = new ArrayList<>(sent.keySet());
    vanished.removeIf(restaurants::containsKey);
    vanished.forEach(id -> prepare(id, Audience.EMPTY, Fingerprint.NO_ROWS));
    return begun;
  }

  private void prepare(String restaurantId, Audience audience, Fingerprint fingerprint) {
    metrics.rowsRead.inc(fingerprint.rows());
    ready.addAll(ListChange.audience(restaurantId, audience, fingerprint));
    remember(sent, restaurantId, fingerprint);
  }

  static void remember(Map<String, Fingerprint> sent, String restaurantId, Fingerprint current) {
    if (current.rows() == 0) {
      sent.remove(restaurantId);
    } else {
      sent.put(restaurantId, current);
    }
  }

  private void complete(Refresh completed) {
    version++;
    long subscriptions = sent.values().stream().mapToLong(Fingerprint::rows).sum();
    ready.add(
        ListChange.completed(
            new RefreshCompleted("", version, completed.asOf, sent.size(), subscriptions)));
    nextRefresh = completed.startNanos + refreshInterval.toNanos();
    refresh = null;
    metrics.refreshes.inc();
    metrics.refreshDurationMillis = completed.readMillis;
    if (failures > 0) {
      LOG.info("The job reads the subscriber list from {} again.", tableName);
    }
    failures = 0;
    metrics.refreshConsecutiveFailures = 0;
  }

  private void failed(Exception cause) {
    if (failures == 0) {
      LOG.warn(
          "Cannot read the subscriber list from {}. The last list applies, and the job retries until it succeeds.",
          tableName,
          cause);
    }
    nextRefresh = now() + retryDelay().toNanos();
    failures++;
    metrics.refreshFailures.inc();
    metrics.refreshConsecutiveFailures = failures;
  }

  /** Doubles from one second, up to one minute or the shorter refresh interval. */
  private Duration retryDelay() {
    Duration longest = refreshInterval.compareTo(LAST_RETRY) < 0 ? refreshInterval : LAST_RETRY;
    Duration doubled = FIRST_RETRY.multipliedBy(1L << Math.min(failures, 6));
    return doubled.compareTo(longest) < 0 ? doubled : longest;
  }

  private static long now() {
    return System.nanoTime();
  }
}
