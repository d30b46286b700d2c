package io.promostream.subscribers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.promostream.config.Database;
import io.promostream.config.Secret;
import io.promostream.config.TableName;
import io.promostream.postgres.Connections;
import io.promostream.subscribers.ListUpdate.AudiencePart;
import io.promostream.subscribers.ListUpdate.RefreshCompleted;
import io.promostream.testing.TestDatabase;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.connector.base.source.reader.RecordsWithSplitIds;
import org.apache.flink.connector.base.source.reader.splitreader.SplitsAddition;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The source on a real Postgres, with SELECT on the table as its only privilege. */
class SubscriberListSourceIT {

  private static final TableName TABLE = TableName.parse("public.subscribers_restaurants");
  private static final Duration OFTEN = Duration.ofMillis(50);

  private TestDatabase database;
  private Database reader;
  private ClientIds clientIds = ClientIds.ANY;

  @BeforeEach
  void createTable() {
    database = TestDatabase.create().withSubscribersTable();
    database.execute(
        """
        DO $$ BEGIN CREATE ROLE list_reader LOGIN PASSWORD 'secret';
        EXCEPTION WHEN duplicate_object THEN NULL; END $$;
        GRANT SELECT (client_id, restaurant_id) ON subscribers_restaurants TO list_reader""");
    reader = database.as("list_reader", "secret");
  }

  private SubscriberListSource source() {
    ClientIds rule = clientIds;
    return new SubscriberListSource(reader, TABLE, OFTEN, () -> rule);
  }

  private void subscribe(String restaurant, String... clients) throws Exception {
    try (Connection connection = database.connect();
        PreparedStatement insert =
            connection.prepareStatement(
                "INSERT INTO subscribers_restaurants (client_id, restaurant_id) VALUES (?, ?)")) {
      for (String client : clients) {
        insert.setString(1, client);
        insert.setString(2, restaurant);
        insert.addBatch();
      }
      insert.executeBatch();
    }
  }

  private void subscribeMany(String restaurant, int from, int to) {
    database.execute(
        """
        INSERT INTO subscribers_restaurants (client_id, restaurant_id)
        SELECT md5(i::text)::uuid, '%s' FROM generate_series(%d, %d) i"""
            .formatted(restaurant, from, to));
  }

  private Map<String, Set<String>> table() throws Exception {
    Map<String, Set<String>> table = new TreeMap<>();
    try (Connection connection = database.connect();
        var rows =
            connection
                .createStatement()
                .executeQuery("SELECT restaurant_id, client_id FROM subscribers_restaurants")) {
      while (rows.next()) {
        table.computeIfAbsent(rows.getString(1), id -> new TreeSet<>()).add(rows.getString(2));
      }
    }
    return table;
  }

  @Test
  void firstRefreshSendsWholeList() throws Exception {
    subscribe("r1", "a", "b", "c");
    subscribe("r2", "a");
    long before = System.currentTimeMillis();

    try (SourceRun run = SourceRun.of(source())) {
      assertThat(run.metric("listAgeSeconds")).isEqualTo(-1);
      List<ListUpdate> updates = run.until(RefreshCompleted.class::isInstance);

      assertThat(updates)
          .contains(
              new AudiencePart("r1", 0, true, Audience.of("a", "b", "c")),
              new AudiencePart("r2", 0, true, Audience.of("a")))
          .hasSize(3);
      RefreshCompleted completed = (RefreshCompleted) updates.get(2);
      assertThat(completed).isEqualTo(new RefreshCompleted("", 1, completed.asOf(), 2, 4));
      assertThat(completed.asOf()).isBetween(before, System.currentTimeMillis());
      assertThat(run.metric("listRestaurants")).isEqualTo(2);
      assertThat(run.metric("listSubscriptions")).isEqualTo(4);
      assertThat(run.metric("listAgeSeconds")).isNotNegative();
      assertThat(run.metric("refreshDurationMillis")).isNotNegative();
    }
  }

  @Test
  void emptyTableGivesEmptyList() throws Exception {
    try (SourceRun run = SourceRun.of(source())) {
      assertThat(run.until(RefreshCompleted.class::isInstance))
          .singleElement()
          .isInstanceOfSatisfying(
              RefreshCompleted.class,
              refresh -> {
                assertThat(refresh.version()).isEqualTo(1);
                assertThat(refresh.restaurants()).isZero();
              });
    }
  }

  @Test
  void unchangedRefreshReadsNoRows() throws Exception {
    subscribe("r1", "a", "b", "c");
    subscribe("r2", "a");

    try (SourceRun run = SourceRun.of(source())) {
      run.refresh();
      assertThat(run.metric("rowsRead")).isEqualTo(4);
      long refreshes = run.metric("refreshes");
      for (int i = 0; i < 3; i++) {
        assertThat(run.changes()).isEmpty();
      }
      assertThat(run.metric("rowsRead")).isEqualTo(4);
      assertThat(run.metric("refreshes")).isGreaterThanOrEqualTo(refreshes + 3);
      assertThat(run.completed().version()).isGreaterThanOrEqualTo(4);
      assertThat(run.metric("refreshFailures")).isZero();
    }
  }

  /** A server on a big-endian processor computes other hashes. */
  @Test
  void rereadsRestaurantsThatServerHashesDifferently() throws Exception {
    database.execute(
        """
        CREATE FUNCTION hashtextextended(text, bigint) RETURNS bigint IMMUTABLE LANGUAGE sql
        AS 'SELECT length($1) + $2';
        ALTER DATABASE %s SET search_path = public, pg_catalog"""
            .formatted(database.name()));
    subscribe("r1", "a", "b", "c");
    subscribe("r2", "a");

    try (SourceRun run = SourceRun.of(source())) {
      run.until(RefreshCompleted.class::isInstance);
      run.until(RefreshCompleted.class::isInstance);
      assertThat(run.metric("rowsRead")).isEqualTo(8);
      assertThat(run.changes()).isEmpty();
      assertThat(run.metric("rowsRead")).isEqualTo(8);
    }
  }

  @Test
  void separatesSubscribersOfManyRestaurants() throws Exception {
    database.execute(
        """
        INSERT INTO subscribers_restaurants (client_id, restaurant_id)
        SELECT CASE WHEN i % 3 = 0 THEN i || repeat('é', i % 250) ELSE md5(i::text)::uuid::text END, 'r' || i * 7 % 5000
        FROM generate_series(1, 20000) i""");
    try (SourceRun run = SourceRun.of(source())) {
      Map<String, Set<String>> list = new TreeMap<>();
      for (ListUpdate update : run.until(RefreshCompleted.class::isInstance)) {
        if (update instanceof AudiencePart part) {
          list.put(part.restaurantId(), new TreeSet<>(part.clients().clientIds()));
        }
      }
      assertThat(list).hasSize(5_000).isEqualTo(table());
      assertThat(run.changes()).as("fingerprints hold").isEmpty();
      assertThat(run.metric("rowsRead")).isEqualTo(20_000);
    }
  }

  @Test
  void distinguishesRestaurantsWithCollidingHashes() throws Exception {
    for (String restaurant : IdNumbersTest.COLLIDING) {
      subscribeMany(restaurant, 1, 100);
      subscribe(restaurant, "only " + restaurant);
    }
    try (SourceRun run = SourceRun.of(source())) {
      run.refresh();
      assertThat(run.list).isEqualTo(table());
    }
  }

  @Test
  void sendsOnlyChangedRestaurants() throws Exception {
    subscribe("r1", "a", "b");
    subscribe("r2", "a");
    subscribe("r3", "a");

    try (SourceRun run = SourceRun.of(source())) {
      run.refresh();

      subscribe("r1", "c");
      assertThat(run.changes())
          .containsExactly(new AudiencePart("r1", 0, true, Audience.of("a", "b", "c")));
      database.execute("DELETE FROM subscribers_restaurants WHERE client_id = 'b'");
      assertThat(run.changes())
          .containsExactly(new AudiencePart("r1", 0, true, Audience.of("a", "c")));
      database.execute("DELETE FROM subscribers_restaurants WHERE restaurant_id = 'r2'");
      assertThat(run.changes()).containsExactly(new AudiencePart("r2", 0, true, Audience.EMPTY));
      assertThat(run.changes()).isEmpty();
      // In one transaction, so that no refresh sees only the first statement.
      database.execute(
          "INSERT INTO subscribers_restaurants (client_id, restaurant_id) VALUES ('x', 'r4');"
              + "UPDATE subscribers_restaurants SET client_id = 'z' WHERE client_id = 'x'");
      assertThat(run.changes()).containsExactly(new AudiencePart("r4", 0, true, Audience.of("z")));
      database.execute("UPDATE subscribers_restaurants SET client_id = 'y' WHERE client_id = 'z'");
      assertThat(run.changes()).containsExactly(new AudiencePart("r4", 0, true, Audience.of("y")));

      assertThat(run.list).isEqualTo(table());
      RefreshCompleted completed = run.completed();
      assertThat(completed.restaurants()).isEqualTo(3);
      assertThat(completed.subscriptions()).isEqualTo(4);
    }
  }

  @Test
  void duplicateRowsAreOneSubscription() throws Exception {
    subscribe("r1", "a", "a", "b");

    try (SourceRun run = SourceRun.of(source())) {
      assertThat(run.changes())
          .containsExactly(new AudiencePart("r1", 0, true, Audience.of("a", "b")));
      // The client stays until both rows are deleted.
      database.execute("DELETE FROM subscribers_restaurants WHERE id = 1");
      run.refresh();
      assertThat(run.list).isEqualTo(Map.of("r1", Set.of("a", "b")));
      database.execute("DELETE FROM subscribers_restaurants WHERE client_id = 'a'");
      run.refresh();
      assertThat(run.list).isEqualTo(Map.of("r1", Set.of("b")));
    }
  }

  /** Covers the counts of the first refresh and of a later one, and reading one restaurant. */
  private void assertSkips(List<String> unusable, String... usable) throws Exception {
    subscribe("r", usable);
    subscribe("r", unusable.toArray(String[]::new));
    subscribe("nobody", unusable.toArray(String[]::new));
    int skipped = 2 * unusable.size();
    try (SourceRun run = SourceRun.of(source())) {
      assertThat(run.completed().subscriptions()).isEqualTo(usable.length);
      assertThat(run.list).isEqualTo(Map.of("r", Set.of(usable)));
      assertThat(run.metric("rowsSkipped")).isEqualTo(skipped);
      assertThat(run.changes()).isEmpty();
      assertThat(run.metric("rowsSkipped")).isEqualTo(skipped);
      subscribe("new", usable);
      subscribe("new", unusable.toArray(String[]::new));
      run.changes();
      assertThat(run.list).containsEntry("new", Set.of(usable));
    }
  }

  @Test
  void skipsClientIdsTooLongForFeedbackTable() throws Exception {
    clientIds = new ClientIds(5, false);
    assertSkips(List.of("", "123456", "😀".repeat(6)), "12345", "😀".repeat(5));
  }

  @Test
  void skipsNonUuidClientIdsIfFeedbackTableHasUuids() throws Exception {
    clientIds = new ClientIds(Integer.MAX_VALUE, true);
    String uuid = "1b4e28ba-2fa1-11d2-883f-0016d3cca427";
    List<String> unusable =
        List.of(
            "", "a", uuid + "0", uuid.substring(1), uuid.replace('a', 'g'), "{" + uuid, uuid + "}");
    assertSkips(
        unusable, uuid, uuid.toUpperCase(Locale.ROOT), uuid.replace("-", ""), "{" + uuid + "}");
    // Postgres decides which texts are UUIDs.
    unusable.forEach(
        id ->
            assertThatThrownBy(() -> database.query("SELECT '%s'::uuid".formatted(id)))
                .hasRootCauseMessage(
                    "ERROR: invalid input syntax for type uuid: \"%s\"\n  Position: 8"
                        .formatted(id)));
  }

  @Test
  void retriesUntilFeedbackTableIsReadable() throws Exception {
    subscribe("r", "a");
    AtomicInteger tries = new AtomicInteger();
    ListFetcher fetcher =
        new ListFetcher(
            reader,
            TABLE,
            OFTEN,
            () -> {
              if (tries.incrementAndGet() < 2) {
                throw new IOException("out of reach");
              }
              return ClientIds.ANY;
            },
            ListFetcher.CHUNK_BYTES,
            metrics());
    fetcher.handleSplitsChanges(new SplitsAddition<>(List.of(SubscriberListSplit.NOTHING_SENT)));
    assertThat(fetch(fetcher)).isEmpty();
    assertThat(fetch(fetcher)).isNotEmpty();
    assertThat(tries).hasValue(2);
  }

  @Test
  void countsAndSkipsUnusableRows() throws Exception {
    // 255 characters of four bytes each are still a valid id.
    String longest = "😀".repeat(255);
    subscribe("r1", "a", "", longest, longest + "x", "x".repeat(256));
    subscribe("", "a", "b");
    subscribe(longest, longest);
    subscribe(longest + "x", "a");
    subscribe("r2", "");

    try (SourceRun run = SourceRun.of(source())) {
      RefreshCompleted completed = run.completed();
      assertThat(run.list).isEqualTo(Map.of("r1", Set.of("a", longest), longest, Set.of(longest)));
      assertThat(completed.restaurants()).isEqualTo(2);
      assertThat(completed.subscriptions()).isEqualTo(3);
      assertThat(run.metric("rowsSkipped")).isEqualTo(7);

      // More unusable rows change nothing.
      subscribe("r1", "y".repeat(300));
      assertThat(run.changes()).isEmpty();
      assertThat(run.metric("rowsSkipped")).isEqualTo(8);
      database.execute("DELETE FROM subscribers_restaurants WHERE client_id = 'a'");
      subscribe("r1", "b");
      run.refresh();
      assertThat(run.list).containsEntry("r1", Set.of("b", longest));
    }
  }

  /** In this database texts may be any bytes, but Postgres sends only valid UTF-8. */
  @Test
  void countsAndSkipsRowsThatAreNotUtf8() throws Exception {
    useDatabaseIn("SQL_ASCII");
    String longest = "😀".repeat(255);
    subscribe("é", "ß", longest, longest + "x");
    subscribeBytes("r", "ff", "c328", "e28028", "eda080", "f4908080", "c080", "61e2");
    subscribeBytes("\u00ff", "61");
    database.execute(
        """
        INSERT INTO subscribers_restaurants (client_id, restaurant_id)
        VALUES ('a', convert_from('\\xfe', 'SQL_ASCII'))""");

    try (SourceRun run = SourceRun.of(source())) {
      RefreshCompleted completed = run.completed();
      assertThat(run.list).isEqualTo(Map.of("é", Set.of("ß", longest), "\u00ff", Set.of("a")));
      assertThat(completed.subscriptions()).isEqualTo(3);
      assertThat(run.metric("rowsSkipped")).isEqualTo(9);

      // The fingerprints ignore these rows, and still detect changes of other rows.
      subscribeBytes("é", "ff");
      assertThat(run.changes()).isEmpty();
      assertThat(run.metric("rowsSkipped")).isEqualTo(10);
      subscribe("é", "new");
      subscribe("\u00ff", "new");
      run.refresh();
      assertThat(run.list)
          .isEqualTo(Map.of("é", Set.of("ß", longest, "new"), "\u00ff", Set.of("a", "new")));
    }
  }

  @Test
  void readsIdsInOtherEncodings() throws Exception {
    useDatabaseIn("LATIN1");
    subscribe("é", "ß", "ÿ".repeat(255));
    try (SourceRun run = SourceRun.of(source())) {
      run.completed();
      assertThat(run.list).isEqualTo(Map.of("é", Set.of("ß", "ÿ".repeat(255))));
      subscribe("é", "å");
      run.refresh();
      assertThat(run.list).isEqualTo(Map.of("é", Set.of("ß", "ÿ".repeat(255), "å")));
    }
  }

  private void useDatabaseIn(String encoding) {
    database = TestDatabase.inEncoding(encoding).withSubscribersTable();
    database.execute(
        "GRANT SELECT (client_id, restaurant_id) ON subscribers_restaurants TO list_reader");
    reader = database.as("list_reader", "secret");
  }

  private void subscribeBytes(String restaurant, String... clientsInHex) {
    for (String client : clientsInHex) {
      database.execute(
          """
          INSERT INTO subscribers_restaurants (client_id, restaurant_id)
          VALUES (convert_from('\\x%s', 'SQL_ASCII'), '%s')"""
              .formatted(client, restaurant));
    }
  }

  /**
   * An id of any type is read as text. The encoding of the connection takes precedence over the
   * role's.
   */
  @Test
  void readsIdsOfOtherTypes() throws Exception {
    database.execute(
        """
        CREATE TYPE brand AS ENUM ('r1', 'r2');
        CREATE DOMAIN short AS varchar(8);
        CREATE TABLE typed (client_id bigint, restaurant_id uuid, brand brand, name char(4), short short);
        INSERT INTO typed VALUES (7, '123e4567-e89b-12d3-a456-426614174000', 'r1', 'é', 'ß');
        GRANT SELECT ON typed TO list_reader;
        ALTER ROLE list_reader SET client_encoding TO 'LATIN1'""");
    try {
      assertThat(listOf("client_id", "restaurant_id"))
          .isEqualTo(Map.of("123e4567-e89b-12d3-a456-426614174000", Set.of("7")));
      assertThat(listOf("short", "brand")).isEqualTo(Map.of("r1", Set.of("ß")));
      assertThat(listOf("name", "short")).isEqualTo(Map.of("ß", Set.of("é")));
    } finally {
      database.execute("ALTER ROLE list_reader RESET client_encoding");
    }
  }

  private Map<String, Set<String>> listOf(String client, String restaurant) throws Exception {
    database.execute(
        """
        CREATE OR REPLACE VIEW v_%1$s_%2$s AS SELECT %1$s AS client_id, %2$s AS restaurant_id FROM typed;
        GRANT SELECT ON v_%1$s_%2$s TO list_reader"""
            .formatted(client, restaurant));
    TableName view = TableName.parse("public.v_%s_%s".formatted(client, restaurant));
    try (SourceRun run =
        SourceRun.of(new SubscriberListSource(reader, view, OFTEN, () -> clientIds))) {
      run.completed();
      return Map.copyOf(run.list);
    }
  }

  @Test
  void readsAnyStringsAsIds() throws Exception {
    String[] ids = {
      "\u0001",
      "\t",
      "\n",
      "\\N",
      "\\",
      "\\.",
      "'",
      "\"",
      "{a,b}",
      "{",
      ",",
      " ",
      "NULL",
      "$1",
      "😀",
      "é",
      "e\u0301",
      "0b54a3ff-6d5f-4b0c-8f5a-d2a1f2f9d0aa",
      "0B54A3FF-6D5F-4B0C-8F5A-D2A1F2F9D0AA",
      "0b54a3ff6d5f4b0c8f5ad2a1f2f9d0aa",
      "%s",
      "1",
      "01"
    };
    for (String restaurant : ids) {
      subscribe(restaurant, ids);
    }

    try (SourceRun run = SourceRun.of(source())) {
      run.refresh();
      assertThat(run.list).isEqualTo(table()).hasSize(ids.length);
      // Change half of the restaurants, so that the refresh selects them by id.
      for (int i = 0; i < ids.length; i += 2) {
        subscribe(ids[i], "new");
      }
      assertThat(run.changes()).hasSize((ids.length + 1) / 2);
      assertThat(run.list).isEqualTo(table());
    }
  }

  @Test
  void distinguishesIdsThatCollationConsidersEqual() throws Exception {
    database.execute(
        """
        CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
        ALTER TABLE subscribers_restaurants
          ALTER restaurant_id TYPE varchar COLLATE caseless,
          ALTER client_id TYPE varchar COLLATE caseless""");
    subscribe("r", "a");
    subscribe("R", "b", "B");

    try (SourceRun run = SourceRun.of(source())) {
      run.refresh();
      assertThat(run.list).isEqualTo(table()).hasSize(2);
      subscribe("R", "new");
      run.changes();
      assertThat(run.list).isEqualTo(table());
    }
  }

  @Test
  void readsColumnsOfOtherTypesAsText() throws Exception {
    database.execute(
        """
        CREATE EXTENSION IF NOT EXISTS citext;
        ALTER TABLE subscribers_restaurants
          ALTER restaurant_id TYPE citext, ALTER client_id TYPE uuid USING client_id::uuid""");
    database.execute(
        """
        INSERT INTO subscribers_restaurants (restaurant_id, client_id)
        SELECT CASE WHEN i % 2 = 0 THEN 'r' ELSE 'R' END, md5(i::text)::uuid FROM generate_series(1, 10) i""");
    try (SourceRun run = SourceRun.of(source())) {
      run.refresh();
      assertThat(run.list).isEqualTo(table()).containsOnlyKeys("r", "R");
      assertThat(run.changes()).isEmpty();
      assertThat(run.metric("refreshFailures")).isZero();
    }
  }

  @Test
  void sendsLargeAudienceInBoundedParts() throws Exception {
    subscribeMany("large", 1, 200_000);
    subscribe("small", "a");

    try (SourceRun run = SourceRun.of(source())) {
      List<AudiencePart> parts = run.changes();
      assertThat(parts).filteredOn(part -> part.restaurantId().equals("large")).hasSize(4);
      assertThat(parts).allMatch(part -> part.clients().byteSize() <= 1 << 20);
      assertThat(run.list).isEqualTo(table());
    }
  }

  @Test
  void sendsOnlyTheDifferenceAfterRestore() throws Exception {
    subscribe("r1", "a");
    subscribe("r2", "a");
    subscribe("r3", "a");
    SubscriberListSplit state;
    long version;
    try (SourceRun run = SourceRun.of(source())) {
      version = run.completed().version();
      state = run.snapshot();
    }
    subscribe("r1", "b");
    database.execute("DELETE FROM subscribers_restaurants WHERE restaurant_id = 'r3'");

    try (SourceRun run = SourceRun.restored(source(), state)) {
      assertThat(run.metric("listRestaurants")).isEqualTo(3);
      List<ListUpdate> updates = run.until(RefreshCompleted.class::isInstance);
      assertThat(updates)
          .hasSize(3)
          .contains(
              new AudiencePart("r1", 0, true, Audience.of("a", "b")),
              new AudiencePart("r3", 0, true, Audience.EMPTY));
      assertThat(((RefreshCompleted) updates.get(2)).version()).isEqualTo(version + 1);
    }
  }

  @Test
  void resendsPartlySentAudienceAfterRestore() throws Exception {
    subscribeMany("large", 1, 200_000);
    SubscriberListSplit state;
    try (SourceRun run = SourceRun.of(source())) {
      run.until(update -> update instanceof AudiencePart part && part.part() == 1);
      state = run.snapshot();
    }

    try (SourceRun run = SourceRun.restored(source(), state)) {
      assertThat(run.until(RefreshCompleted.class::isInstance))
          .filteredOn(AudiencePart.class::isInstance)
          .extracting(update -> ((AudiencePart) update).part())
          .containsExactly(0, 1, 2, 3);
      assertThat(run.list).isEqualTo(table());
    }
    // If all rows are deleted meanwhile, the receiver must drop the parts that it has.
    database.execute("DELETE FROM subscribers_restaurants");
    try (SourceRun run = SourceRun.restored(source(), state)) {
      assertThat(run.until(RefreshCompleted.class::isInstance))
          .startsWith(new AudiencePart("large", 0, true, Audience.EMPTY));
    }
  }

  @Test
  void keepsListWhileTableIsMissing() throws Exception {
    subscribe("r1", "a");
    try (SourceRun run = SourceRun.of(source())) {
      run.refresh();
      database.execute("ALTER TABLE subscribers_restaurants RENAME TO away");
      assertThat(run.until(() -> run.metric("refreshConsecutiveFailures") >= 3))
          .noneMatch(AudiencePart.class::isInstance);
      assertThat(run.metric("listSubscriptions")).isEqualTo(1);

      database.execute(
          "INSERT INTO away (client_id, restaurant_id) VALUES ('b', 'r1');"
              + " ALTER TABLE away RENAME TO subscribers_restaurants");
      run.refresh();
      assertThat(run.list).isEqualTo(Map.of("r1", Set.of("a", "b")));
      assertThat(run.metric("refreshConsecutiveFailures")).isZero();
      assertThat(run.metric("refreshFailures")).isGreaterThanOrEqualTo(3);
    }
  }

  @Test
  void doesNotTakeReplacedTableForEmpty() throws Exception {
    subscribeMany("large", 1, 1_000);
    String refill = "INSERT INTO subscribers_restaurants SELECT * FROM kept";
    for (String replacing :
        List.of(
            "TRUNCATE subscribers_restaurants; " + refill,
            "ALTER TABLE subscribers_restaurants ALTER id TYPE bigint",
            """
            DROP TABLE subscribers_restaurants;
            CREATE TABLE subscribers_restaurants (LIKE kept);
            GRANT SELECT (client_id, restaurant_id) ON subscribers_restaurants TO list_reader;
            """
                + refill)) {
      database.execute(
          "DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT * FROM subscribers_restaurants");
      try (SourceRun run = SourceRun.of(source());
          Connection other = database.connect()) {
        run.refresh();
        other.setAutoCommit(false);
        other.createStatement().execute(replacing);
        run.until(this::queryWaits);
        long failures = run.metric("refreshFailures");
        other.commit();
        run.until(() -> run.metric("refreshFailures") > failures);
        assertThat(run.changes()).as(replacing).isEmpty();
        assertThat(run.list).isEqualTo(table()).containsOnlyKeys("large");
      }
    }
  }

  @Test
  void setsLongerTimeoutsForReadingRows() throws Exception {
    database.execute(
        """
        ALTER TABLE subscribers_restaurants RENAME TO kept;
        CREATE VIEW subscribers_restaurants AS SELECT 'r' AS restaurant_id, name || setting AS client_id
          FROM pg_settings WHERE name IN ('statement_timeout', 'lock_timeout');
        GRANT SELECT ON subscribers_restaurants TO list_reader""");
    try (SourceRun run = SourceRun.of(source())) {
      run.until(RefreshCompleted.class::isInstance);
      assertThat(run.list)
          .isEqualTo(Map.of("r", Set.of("statement_timeout600000", "lock_timeout100000")));
    }
  }

  /** Otherwise a refresh would claim a later time than that of its data. */
  @Test
  void readsSnapshotOfFirstQuery() throws Exception {
    SubscribersTable table = new SubscribersTable(TABLE, clientIds);
    try (Connection connection = Connections.open(reader, "test")) {
      table.begin(connection);
      subscribe("r1", "a");
      assertThat(table.overview(connection).restaurants()).containsKey("r1");
      subscribe("r2", "a");
      assertThat(table.overview(connection).restaurants()).doesNotContainKey("r2");
    }
  }

  @Test
  void ignoresSettingsOfRole() throws Exception {
    database.execute(
        """
        ALTER TABLE subscribers_restaurants RENAME TO kept;
        CREATE VIEW subscribers_restaurants AS SELECT 'r' AS restaurant_id, name || ' ' || setting AS client_id
          FROM pg_settings, pg_sleep(0.3) WHERE name IN ('statement_timeout', 'lock_timeout', 'row_security',
            'transaction_timeout', 'idle_in_transaction_session_timeout', 'transaction_read_only',
            'transaction_isolation', 'client_encoding');
        GRANT SELECT ON subscribers_restaurants TO list_reader""");
    database.alterRole(
        "list_reader",
        Map.of(
            "statement_timeout", "20",
            "lock_timeout", "20",
            "transaction_timeout", "100",
            "idle_in_transaction_session_timeout", "20",
            "default_transaction_isolation", "serializable",
            "default_transaction_deferrable", "on",
            "client_encoding", "latin1",
            "row_security", "off",
            "search_path", "''",
            "DateStyle", "'SQL, DMY'"));
    try (SourceRun run = SourceRun.of(source())) {
      run.refresh();
      run.refresh();
      assertThat(run.list.get("r"))
          .doesNotContain("transaction_timeout 100")
          .contains(
              "lock_timeout 100000",
              "row_security on",
              "idle_in_transaction_session_timeout 100000",
              "transaction_read_only on",
              "transaction_isolation repeatable read",
              "client_encoding UTF8");
      assertThat(run.metric("refreshFailures")).isZero();
    }
  }

  @Test
  void keepsListWhileDatabaseIsDown() throws Exception {
    subscribe("r1", "a");
    try (SourceRun run = SourceRun.of(source())) {
      run.refresh();
      database.refuseConnections(true);
      assertThat(run.until(() -> run.metric("refreshConsecutiveFailures") >= 2))
          .noneMatch(AudiencePart.class::isInstance);
      database.refuseConnections(false);
      subscribe("r2", "b");
      run.refresh();
      assertThat(run.list).isEqualTo(Map.of("r1", Set.of("a"), "r2", Set.of("b")));
    }
  }

  @Test
  void waitsForUnreachableDatabase() throws Exception {
    int freePort;
    try (ServerSocket socket = new ServerSocket(0)) {
      freePort = socket.getLocalPort();
    }
    Database nowhere =
        new Database("jdbc:postgresql://127.0.0.1:" + freePort + "/x", "x", new Secret("x", null));
    try (SourceRun run =
        SourceRun.of(new SubscriberListSource(nowhere, TABLE, OFTEN, () -> clientIds))) {
      assertThat(run.until(() -> run.metric("refreshConsecutiveFailures") >= 2)).isEmpty();
      assertThat(run.metric("listAgeSeconds")).isEqualTo(-1);
    }
  }

  @Test
  void countsConnectionBrokenDuringQueryAsFailure() throws Exception {
    subscribe("r1", "a");
    makeSlow();
    try (SourceRun run = SourceRun.of(source())) {
      run.until(this::queryRuns);
      breakConnections();
      run.until(() -> run.metric("refreshFailures") == 1);
      makeFast();
      // The next attempt may have begun while the table was slow.
      breakConnections();
      run.refresh();
      assertThat(run.list).isEqualTo(table());
    }
  }

  @Test
  void closeCancelsQuery() throws Exception {
    subscribe("r1", "a");
    makeSlow();
    SourceRun run = SourceRun.of(source());
    run.until(this::queryRuns);
    run.close();
    await(() -> !queryRuns());
    assertThat(run.metric("refreshFailures")).isZero();
  }

  @Test
  void wakeUpReturnsWithoutCountingFailure() throws Exception {
    subscribe("r1", "a");
    makeSlow();
    ListMetrics metrics = metrics();
    ListFetcher fetcher = fetcher(metrics, Duration.ofHours(1), 100);

    CompletableFuture<List<ListChange>> fetched =
        CompletableFuture.supplyAsync(() -> fetch(fetcher));
    await(this::queryRuns);
    fetcher.wakeUp();
    assertThat(fetched.get(60, TimeUnit.SECONDS)).isEmpty();
    await(() -> !queryRuns());
    assertThat(metrics.refreshFailures.getCount()).isZero();

    // It retries at once, and also returns if woken up while it waits for the next refresh.
    makeFast();
    assertThat(fetch(fetcher)).hasSize(2);
    CompletableFuture<List<ListChange>> waiting =
        CompletableFuture.supplyAsync(() -> fetch(fetcher));
    fetcher.wakeUp();
    assertThat(waiting.get(60, TimeUnit.SECONDS)).isEmpty();
    assertThat(metrics.refreshFailures.getCount()).isZero();
  }

  @Test
  void closesConnectionBetweenChunks() throws Exception {
    for (int i = 0; i < 5; i++) {
      subscribeMany("r" + i, 1, 40);
    }
    subscribeMany("large", 1, 1_000);
    ListFetcher fetcher =
        fetcher(
            metrics(),
            Duration.ofHours(1),
            3_500,
            new SubscriberListSplit(
                SubscriberListSplit.NOTHING_SENT.completed(),
                Map.of("gone", new Fingerprint(1, 2, 3))));

    Map<String, Long> rows = new HashMap<>();
    int fetches = 0;
    boolean completed = false;
    while (!completed) {
      List<ListChange> changes = fetch(fetcher);
      fetches++;
      await(() -> connections() == 0);
      for (ListChange change : changes) {
        completed |= change.update() instanceof RefreshCompleted;
        rows.put(change.update().key(), change.fingerprint().rows());
      }
      // This refresh must not see the new row. The next one does.
      subscribe("late" + fetches, "a");
    }
    // 5 x 40 rows make three chunks, and the large restaurant makes a fourth. Its position is
    // random.
    assertThat(fetches).isBetween(4, 5);
    assertThat(rows.keySet())
        .containsExactlyInAnyOrder("", "gone", "large", "r0", "r1", "r2", "r3", "r4");
    assertThat(rows).containsEntry("large", 1_000L).containsEntry("r0", 40L);
  }

  @Test
  void completesFirstRefreshAfterItsLastChunk() throws Exception {
    for (int i = 0; i < 5; i++) {
      subscribeMany("r" + i, 1, 40);
    }
    subscribe("", "a");
    ListMetrics metrics = metrics();
    ListFetcher fetcher = fetcher(metrics, Duration.ofHours(1), 3_500);

    List<ListChange> first = fetch(fetcher);
    assertThat(first)
        .hasSizeBetween(1, 4)
        .noneMatch(change -> change.update() instanceof RefreshCompleted);
    subscribe("late", "a");
    Map<String, Long> rows = new HashMap<>();
    first.forEach(change -> rows.put(change.update().key(), change.fingerprint().rows()));
    while (!rows.containsKey("")) {
      for (ListChange change : fetch(fetcher)) {
        assertThat(rows.put(change.update().key(), change.fingerprint().rows())).isNull();
      }
    }
    assertThat(rows)
        .isEqualTo(
            Map.of("", 0L, "late", 1L, "r0", 40L, "r1", 40L, "r2", 40L, "r3", 40L, "r4", 40L));
    assertThat(metrics.rowsSkipped).isEqualTo(1);
  }

  @Test
  void leavesRowsThatDoNotFitToNextChunk() throws Exception {
    for (int i = 0; i < 20; i++) {
      database.execute(
          """
          INSERT INTO subscribers_restaurants (client_id, restaurant_id)
          SELECT repeat('x', 200) || i, 'r%d' FROM generate_series(1, 40) i"""
              .formatted(i));
    }
    // By their number all rows would fit, but by their length only those of five restaurants.
    ListFetcher fetcher = fetcher(metrics(), Duration.ofHours(1), 20 * 2_000);

    Map<String, Long> rows = new HashMap<>();
    int fetches = 0;
    while (!rows.containsKey("")) {
      for (ListChange change : fetch(fetcher)) {
        assertThat(rows.put(change.update().key(), change.fingerprint().rows())).isNull();
      }
      fetches++;
    }
    assertThat(fetches).isBetween(4, 8);
    assertThat(rows).hasSize(21).containsEntry("r0", 40L).containsEntry("r19", 40L);
  }

  @Test
  void limitsSizeOfFetch() throws Exception {
    subscribeMany("large", 1, 600_000);
    ListFetcher fetcher = fetcher(metrics(), Duration.ofHours(1), ListFetcher.CHUNK_BYTES);

    List<Integer> weights = new ArrayList<>();
    boolean completed = false;
    while (!completed) {
      int weight = 0;
      for (ListChange change : fetch(fetcher)) {
        completed |= change.update() instanceof RefreshCompleted;
        weight += change.weight();
      }
      weights.add(weight);
    }
    assertThat(weights).allMatch(weight -> weight <= 5 << 20).hasSizeGreaterThanOrEqualTo(2);
  }

  @Test
  @SuppressWarnings("try") // Flink's close() may throw InterruptedException
  void runsInAJob() throws Exception {
    subscribe("r1", "a", "b");
    subscribe("r2", "c");
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.createLocalEnvironment(
            2, new Configuration().set(PipelineOptions.GENERIC_TYPES, false));
    try (CloseableIterator<ListUpdate> updates =
        env.fromSource(source(), WatermarkStrategy.noWatermarks(), "subscribers")
            .setParallelism(1)
            .executeAndCollect()) {
      List<ListUpdate> seen = new ArrayList<>();
      while (seen.stream().noneMatch(RefreshCompleted.class::isInstance)) {
        seen.add(updates.next());
      }
      assertThat(seen)
          .contains(
              new AudiencePart("r1", 0, true, Audience.of("a", "b")),
              new AudiencePart("r2", 0, true, Audience.of("c")))
          .hasSize(3);
    }
  }

  private static ListMetrics metrics() {
    return new ListMetrics(new UnregisteredMetricsGroup(), Clock.systemUTC());
  }

  private ListFetcher fetcher(ListMetrics metrics, Duration interval, long chunkBytes) {
    return fetcher(metrics, interval, chunkBytes, SubscriberListSplit.NOTHING_SENT);
  }

  private ListFetcher fetcher(
      ListMetrics metrics, Duration interval, long chunkBytes, SubscriberListSplit state) {
    ListFetcher fetcher =
        new ListFetcher(reader, TABLE, interval, () -> clientIds, chunkBytes, metrics);
    fetcher.handleSplitsChanges(new SplitsAddition<>(List.of(state)));
    return fetcher;
  }

  private static List<ListChange> fetch(ListFetcher fetcher) {
    try {
      RecordsWithSplitIds<ListChange> records = fetcher.fetch();
      List<ListChange> changes = new ArrayList<>();
      while (records.nextSplit() != null) {
        for (ListChange change = records.nextRecordFromSplit();
            change != null;
            change = records.nextRecordFromSplit()) {
          changes.add(change);
        }
      }
      return changes;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Replaces the table by a view that takes an hour to answer, until {@link #makeFast}. */
  private void makeSlow() {
    database.execute(
        """
        ALTER TABLE subscribers_restaurants RENAME TO kept;
        CREATE TABLE speed AS SELECT true AS slow;
        CREATE VIEW subscribers_restaurants AS SELECT * FROM kept
          WHERE (SELECT CASE WHEN slow THEN pg_sleep(3600) IS NOT NULL ELSE true END FROM speed);
        GRANT SELECT ON subscribers_restaurants TO list_reader""");
  }

  private void makeFast() {
    database.execute("UPDATE speed SET slow = false");
  }

  private void breakConnections() {
    database.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'list_reader'"
            + " AND datname = current_database()");
  }

  private boolean queryRuns() {
    return !database
        .query(
            "SELECT pid FROM pg_stat_activity WHERE usename = 'list_reader'"
                + " AND datname = current_database() AND wait_event = 'PgSleep'")
        .isEmpty();
  }

  private boolean queryWaits() {
    return !database
        .query(
            "SELECT pid FROM pg_stat_activity WHERE usename = 'list_reader'"
                + " AND datname = current_database() AND wait_event_type = 'Lock'")
        .isEmpty();
  }

  private long connections() {
    return database
        .query(
            "SELECT pid FROM pg_stat_activity WHERE usename = 'list_reader'"
                + " AND datname = current_database()")
        .size();
  }

  private static void await(BooleanSupplier holds) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!holds.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waiting").isLessThan(deadline);
      Thread.sleep(20);
    }
  }
}
