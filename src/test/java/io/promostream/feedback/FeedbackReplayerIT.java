package io.promostream.feedback;

import static io.promostream.feedback.FeedbackFixture.batch;
import static io.promostream.feedback.FeedbackFixture.committable;
import static io.promostream.feedback.FeedbackFixture.rows;
import static io.promostream.feedback.FeedbackFixture.target;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.promostream.config.Database;
import io.promostream.delivery.DeliveryBatch;
import io.promostream.replay.LeaseException;
import io.promostream.replay.Mark;
import io.promostream.replay.MarkMovedException;
import io.promostream.replay.Replayer;
import io.promostream.testing.TestDatabase;
import io.promostream.testing.Waiting;
import java.io.IOException;
import java.sql.Connection;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Marks, session settings and lease of the feedback sink on a real server. */
class FeedbackReplayerIT {

  private final TestDatabase database = TestDatabase.create().withFeedbackTable();

  private Replayer<DeliveryBatch> open(String owner) throws Exception {
    return open(database.asSuperuser(), owner);
  }

  private static Replayer<DeliveryBatch> open(Database as, String owner) throws Exception {
    return target(as, owner).open(new UnregisteredMetricsGroup());
  }

  private static Mark mark(long sequence) {
    return new Mark(sequence, 2 * sequence);
  }

  /** Commits a campaign for the clients a and b, with the committable's number. */
  private static void commit(Replayer<DeliveryBatch> replayer, long sequence) throws Exception {
    replayer.commit(
        "w", mark(sequence - 1), committable(sequence, 2), List.of(batch("" + sequence, "a", "b")));
  }

  // Marks.

  @Test
  void movesMarkOnlyFromPreviousNumber() throws Exception {
    try (Replayer<DeliveryBatch> replayer = open("a")) {
      assertThat(replayer.takeOver("w", Mark.NONE, null)).isEqualTo(Mark.NONE);
      for (long sequence : List.of(1, 2)) {
        commit(replayer, sequence);
        assertThat(replayer.readMark("w")).isEqualTo(mark(sequence));
      }
      assertThat(replayer.readMark("another")).isEqualTo(Mark.NONE);
      for (long sequence : List.of(1, 2, 4, 5)) {
        assertThatThrownBy(() -> commit(replayer, sequence)).isInstanceOf(MarkMovedException.class);
        replayer.reset();
        assertThat(replayer.readMark("w")).as("after %d", sequence).isEqualTo(mark(2));
      }
      commit(replayer, 3);
      replayer.confirm("w", mark(3));
      assertThat(replayer.readMark("w")).isEqualTo(mark(3));
    }
    assertThat(rows(database)).isEqualTo(FeedbackFixture.rowsOf(1, 3));
  }

  @Test
  void forcesMarkFromAnyNumber() throws Exception {
    try (Replayer<DeliveryBatch> replayer = open("a")) {
      replayer.forceMark("w", mark(7));
      commit(replayer, 8);
      database.execute("UPDATE promo_stream_commits SET sequence = 3 WHERE writer = 'w'");
      replayer.forceMark("w", mark(8));
      commit(replayer, 9);
      assertThat(replayer.readMark("w")).isEqualTo(mark(9));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "DROP TABLE promo_stream_commits",
        "ALTER TABLE promo_stream_commits SET UNLOGGED",
        "ALTER TABLE promo_stream_commits DROP CONSTRAINT promo_stream_commits_pkey",
        "ALTER TABLE promo_stream_commits DROP CONSTRAINT promo_stream_commits_pkey;"
            + " ALTER TABLE promo_stream_commits ADD PRIMARY KEY (prefix, writer, sequence)",
        "ALTER TABLE promo_stream_commits DROP CONSTRAINT promo_stream_commits_pkey;"
            + " ALTER TABLE promo_stream_commits ADD PRIMARY KEY (prefix, writer) DEFERRABLE",
      })
  void refusesUnsuitableCommitsTable(String change) {
    database.execute(change);
    assertThatThrownBy(() -> open("a"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("Table public.promo_stream_commits")
        .hasMessageMatching("(?s).*(Create it|Run ALTER TABLE|Add PRIMARY KEY).*");
  }

  // Settings of the role or the database.

  /** A role with the given settings in this database. */
  private Database roleWith(Map<String, String> settings) {
    String role = "role_of_" + database.name();
    database.execute(
        """
        CREATE ROLE %1$s LOGIN PASSWORD 'secret';
        GRANT ALL ON ALL TABLES IN SCHEMA public TO %1$s;
        GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO %1$s"""
            .formatted(role));
    database.alterRole(role, settings);
    return database.as(role, "secret");
  }

  /** Adds a slow trigger that records the settings in force when a row is written. */
  private void watchSettings(String... names) {
    database.execute(
        """
        CREATE TABLE seen (name text, value text);
        GRANT ALL ON seen TO public;
        CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          PERFORM pg_catalog.pg_sleep(0.3);
          INSERT INTO public.seen SELECT name, pg_catalog.current_setting(name)
            FROM pg_catalog.unnest('{%s}'::text[]) AS name;
          RETURN NULL;
        END $$;
        CREATE TRIGGER see AFTER INSERT ON subscribers_feedback EXECUTE FUNCTION see()"""
            .formatted(String.join(",", names)));
  }

  @Test
  void ignoresTimeoutsAndDefaultsOfRole() throws Exception {
    Database hostile =
        roleWith(
            Map.ofEntries(
                Map.entry("statement_timeout", "20"),
                Map.entry("lock_timeout", "20"),
                Map.entry("transaction_timeout", "100"),
                Map.entry("idle_in_transaction_session_timeout", "20"),
                Map.entry("default_transaction_read_only", "on"),
                Map.entry("default_transaction_isolation", "serializable"),
                Map.entry("default_transaction_deferrable", "on"),
                Map.entry("synchronous_commit", "off"),
                Map.entry("client_min_messages", "error"),
                Map.entry("client_encoding", "latin1"),
                Map.entry("standard_conforming_strings", "off"),
                Map.entry("row_security", "off"),
                Map.entry("DateStyle", "'SQL, DMY'"),
                Map.entry("search_path", "''")));
    database.execute(
        """
        ALTER TABLE subscribers_feedback ENABLE ROW LEVEL SECURITY;
        CREATE POLICY all_rows ON subscribers_feedback USING (true)""");
    watchSettings(
        "transaction_isolation",
        "synchronous_commit",
        "client_min_messages",
        "idle_in_transaction_session_timeout");
    try (Replayer<DeliveryBatch> replayer = open(hostile, "a");
        Connection other = database.connect();
        Statement statement = other.createStatement()) {
      commit(replayer, 1);
      other.setAutoCommit(false);
      statement.execute("LOCK TABLE subscribers_feedback");
      CompletableFuture<Void> waiting = inBackground(() -> commit(replayer, 2));
      Waiting.until("the lock", () -> FeedbackFixture.waitingForLock(database) == 1);
      Thread.sleep(200);
      other.commit();
      waiting.join();
      replayer.confirm("w", mark(2));
      replayer.commit("w", mark(2), committable(3, 1), List.of(batch("3", "\u20ac'\\")));
    }
    assertThat(rows(database))
        .hasSize(5)
        .startsWith("1,a", "1,b", "2,a", "2,b")
        .endsWith("3,\u20ac'\\");
    assertThat(database.query("SELECT DISTINCT name, value FROM seen ORDER BY 1"))
        .containsExactly(
            "client_min_messages,warning",
            "idle_in_transaction_session_timeout,20s",
            "synchronous_commit,on",
            "transaction_isolation,read committed");
  }

  @Test
  void keepsStricterSynchronousCommit() throws Exception {
    watchSettings("synchronous_commit");
    try (Replayer<DeliveryBatch> replayer =
        open(roleWith(Map.of("synchronous_commit", "remote_apply")), "a")) {
      commit(replayer, 1);
    }
    assertThat(database.query("SELECT value FROM seen")).containsExactly("remote_apply");
  }

  /** The other schema contains tables and functions with the same names. */
  @Test
  void ignoresSearchPathOfRole() throws Exception {
    database.execute(
        """
        CREATE SCHEMA other;
        GRANT USAGE ON SCHEMA other TO public;
        CREATE TABLE other.subscribers_feedback ();
        CREATE TABLE other.promo_stream_commits ();
        CREATE TABLE other.pg_class ();
        CREATE FUNCTION other.unnest(text[]) RETURNS SETOF text LANGUAGE sql AS 'SELECT NULL';
        CREATE FUNCTION other.current_setting(text) RETURNS text LANGUAGE sql AS 'SELECT NULL'""");
    try (Replayer<DeliveryBatch> replayer =
        open(roleWith(Map.of("search_path", "other, pg_catalog")), "a")) {
      commit(replayer, 1);
      commit(replayer, 2);
    }
    assertThat(rows(database)).isEqualTo(FeedbackFixture.rowsOf(1, 2));
  }

  @Test
  void writesAnyTextToDatabaseWithoutEncoding() throws Exception {
    TestDatabase ascii = TestDatabase.inEncoding("SQL_ASCII").withFeedbackTable();
    try (Replayer<DeliveryBatch> replayer = open(ascii.asSuperuser(), "a")) {
      replayer.commit("w", Mark.NONE, committable(1, 2), List.of(batch("1", "\u20ac", "z")));
    }
    assertThat(rows(ascii)).containsExactlyInAnyOrder("1,\u20ac", "1,z");
  }

  // The lease.

  @Test
  void refusesSecondJobWithoutDisturbingFirst() throws Exception {
    try (Replayer<DeliveryBatch> first = open("first")) {
      AtomicBoolean ended = new AtomicBoolean();
      CompletableFuture<Void> works =
          inBackground(
              () -> {
                for (long sequence = 1; !ended.get(); sequence++) {
                  assertThat(first.holdLease()).isTrue();
                  commit(first, sequence);
                  Thread.sleep(50);
                }
              });
      assertThatThrownBy(() -> open("second"))
          .hasMessageContaining("transaction-prefix is in use")
          .hasMessageContaining("first")
          .hasRootCauseInstanceOf(LeaseException.class);
      ended.set(true);
      works.join();
      int commits = rows(database).size() / 2;
      assertThat(rows(database)).isEqualTo(FeedbackFixture.rowsOf(1, commits));
    }
  }

  /** The first job cannot renew the lease while its commit waits for a lock, but it is alive. */
  @Test
  void refusesSecondJobWhileCommitOfFirstWaits() throws Exception {
    try (Replayer<DeliveryBatch> first = open("first");
        Connection other = database.connect();
        Statement statement = other.createStatement()) {
      other.setAutoCommit(false);
      statement.execute("LOCK TABLE subscribers_feedback");
      CompletableFuture<Void> waiting = inBackground(() -> commit(first, 1));
      Waiting.until("the lock", () -> FeedbackFixture.waitingForLock(database) == 1);
      // The second job only reads the table's columns, which needs no lock.
      assertThatThrownBy(() -> open("second")).hasMessageContaining("transaction-prefix is in use");
      other.commit();
      waiting.join();
      commit(first, 2);
    }
    assertThat(rows(database)).isEqualTo(FeedbackFixture.rowsOf(1, 2));
  }

  @Test
  void takesOverFromDeadJobAndRefusesItsLateCommits() throws Exception {
    try (Replayer<DeliveryBatch> first = open("first")) {
      commit(first, 1);
      try (Replayer<DeliveryBatch> second = open("second")) {
        assertThat(second.holdLease()).isTrue();
        for (long sequence : List.of(2, 3)) {
          assertThatThrownBy(() -> commit(first, sequence)).isInstanceOf(MarkMovedException.class);
          first.reset();
          assertThatThrownBy(first::holdLease).isInstanceOf(LeaseException.class);
        }
        assertThatThrownBy(
                () -> first.commit("x", Mark.NONE, committable(1, 1), List.of(batch("x", "x"))))
            .as("the first committable of a writer")
            .isInstanceOf(MarkMovedException.class);
        commit(second, 2);
      }
    }
    assertThat(rows(database)).isEqualTo(FeedbackFixture.rowsOf(1, 2));
  }

  /** A commit that has begun precedes the takeover. A commit that begins later is refused. */
  @Test
  void refusesCommitThatBeginsAfterTakeover() throws Exception {
    try (Replayer<DeliveryBatch> first = open("first");
        Connection takeover = database.connect();
        Statement statement = takeover.createStatement()) {
      takeover.setAutoCommit(false);
      statement.execute(
          "UPDATE promo_stream_commits SET owner = 'second' WHERE owner = 'first'"
              + " AND EXISTS (SELECT FROM promo_stream_commits WHERE writer = 'lease' FOR UPDATE)");
      CompletableFuture<Void> waiting = inBackground(() -> commit(first, 1));
      Waiting.until("the lease", () -> FeedbackFixture.waitingForLock(database) == 1);
      takeover.commit();
      assertThatThrownBy(waiting::join).hasRootCauseInstanceOf(MarkMovedException.class);
    }
    assertThat(rows(database)).isEmpty();
  }

  @Test
  void nextJobDoesNotWaitForReleasedLease() throws Exception {
    Replayer<DeliveryBatch> first = open("first");
    // The other one of two subtasks continues and takes the lease again.
    try (Replayer<DeliveryBatch> slower = open("first")) {
      first.releaseLease();
      first.close();
      assertThatThrownBy(() -> commit(slower, 1)).isInstanceOf(MarkMovedException.class);
      slower.reset();
      assertThat(slower.holdLease()).isTrue();
      commit(slower, 1);
      slower.releaseLease();
    }
    long start = System.nanoTime();
    open("second").close();
    assertThat((System.nanoTime() - start) / 1_000_000).isLessThan(5_000);
  }

  @Test
  void renewalsAndCommitsDoNotWaitForEachOther() throws Exception {
    try (Replayer<DeliveryBatch> commits = open("a");
        Replayer<DeliveryBatch> renews = open("a");
        Connection other = database.connect();
        Statement statement = other.createStatement()) {
      other.setAutoCommit(false);
      statement.execute("LOCK TABLE subscribers_feedback IN EXCLUSIVE MODE");
      CompletableFuture<Void> waiting = inBackground(() -> commit(commits, 1));
      Waiting.until("the lock", () -> FeedbackFixture.waitingForLock(database) == 1);
      String before = renewals();
      // Twice, because on a new connection it first finds its own renewal.
      renews.reset();
      assertThat(renews.holdLease()).isTrue();
      assertThat(renewals()).isNotEqualTo(before);
      assertThat(waiting).isNotDone();
      other.commit();
      waiting.join();

      statement.execute(
          "UPDATE promo_stream_commits SET sequence = sequence + 1 WHERE writer = 'lease'");
      commit(commits, 2);
      other.commit();
    }
  }

  private String renewals() {
    return database
        .query("SELECT sequence FROM promo_stream_commits WHERE writer = 'lease'")
        .get(0);
  }

  static Stream<String> freeLeases() {
    return Stream.of(
        "SELECT 1", "INSERT INTO promo_stream_commits VALUES ('test', 'lease', 7, 0, '')");
  }

  @ParameterizedTest
  @MethodSource("freeLeases")
  void onlyOneOfSimultaneousJobsGetsLease(String lease) throws Exception {
    database.execute(lease);
    AtomicBoolean ended = new AtomicBoolean();
    List<CompletableFuture<Void>> newcomers =
        Stream.of("a", "b", "c")
            .map(
                owner ->
                    inBackground(
                        () -> {
                          try (Replayer<DeliveryBatch> replayer = open(owner)) {
                            while (!ended.get()) {
                              replayer.holdLease();
                              Thread.sleep(100);
                            }
                            commit(replayer, 1);
                          }
                        }))
            .toList();
    Waiting.until(
        "two to be refused",
        () -> newcomers.stream().filter(CompletableFuture::isCompletedExceptionally).count() == 2);
    ended.set(true);
    for (CompletableFuture<Void> newcomer : newcomers) {
      if (newcomer.isCompletedExceptionally()) {
        assertThatThrownBy(newcomer::join).hasRootCauseInstanceOf(LeaseException.class);
      } else {
        newcomer.join();
      }
    }
    assertThat(rows(database)).isEqualTo(FeedbackFixture.rowsOf(1, 1));
  }

  /** Work that may throw. */
  private interface Work {
    void run() throws Exception;
  }

  private static CompletableFuture<Void> inBackground(Work work) {
    return CompletableFuture.runAsync(
        () -> {
          try {
            work.run();
          } catch (Exception e) {
            throw new CompletionException(e);
          }
        },
        task -> new Thread(task).start());
  }
}
