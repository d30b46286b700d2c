package io.promostream.feedback;

import static io.promostream.feedback.FeedbackFixture.rows;
import static io.promostream.feedback.FeedbackFixture.rowsOf;
import static io.promostream.feedback.FeedbackFixture.target;
import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.config.Database;
import io.promostream.config.JobConfig.OnLostTransaction;
import io.promostream.config.Secret;
import io.promostream.local.EmbeddedDatabase;
import io.promostream.replay.LostCommitsException;
import io.promostream.testing.CapturedLogs;
import io.promostream.testing.CommitProxy;
import io.promostream.testing.CommitProxy.Fault;
import io.promostream.testing.TestDatabase;
import io.promostream.testing.Waiting;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.logging.Level;
import java.util.stream.Stream;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Faults of the feedback sink's connection, of its process and of the server. Afterwards each row
 * exists once, or the sink has reported lost rows.
 */
class FeedbackFaultsIT {

  private final TestDatabase database = TestDatabase.create().withFeedbackTable();
  private final CapturedLogs logs =
      new CapturedLogs(org.apache.logging.log4j.Level.INFO, Level.WARNING);

  @AfterEach
  void stopCapturing() {
    logs.close();
  }

  private static FeedbackTarget through(CommitProxy proxy) {
    return target(
        new Database(
            proxy.url(), EmbeddedDatabase.SUPERUSER, new Secret(EmbeddedDatabase.SUPERUSER, null)),
        "job");
  }

  private static void awaitDone(FeedbackTask task) throws Exception {
    Waiting.until("all to be committed", task::isDone);
  }

  private void awaitLockOfMark() throws Exception {
    Waiting.until(
        "the retry to wait for the first try", () -> FeedbackFixture.waitingForLock(database) == 1);
  }

  // A connection that breaks around COMMIT.

  /** The first committable inserts the mark, the others update it. */
  @ParameterizedTest
  @EnumSource(
      value = Fault.class,
      names = {"LOSE_ANSWER", "LOSE_COMMIT"})
  void writesOnceWhenConnectionBreaksAroundCommit(Fault fault) throws Exception {
    for (int faulty = 1; faulty <= 2; faulty++) {
      database.execute("TRUNCATE subscribers_feedback, promo_stream_commits");
      try (CommitProxy proxy = new CommitProxy(database.url());
          FeedbackTask task = FeedbackTask.start(through(proxy))) {
        for (int campaign = 1; campaign <= 3; campaign++) {
          task.collect(campaign);
          if (campaign == faulty) {
            failNextWrite(proxy, fault);
          }
          task.complete();
          awaitDone(task);
        }
        assertThat(task.metric("replayFailures")).isEqualTo(1);
        assertThat(task.metric("transactionsLost")).isZero();
      }
      assertThat(rows(database)).as("faulty is %d", faulty).isEqualTo(rowsOf(1, 3));
    }
  }

  /** Looks and renewals commit, too, so the fault waits for a transaction that writes rows. */
  private static void failNextWrite(CommitProxy proxy, Fault fault) {
    proxy.fail("INSERT INTO \"public\".\"subscribers_feedback\"", fault);
  }

  /** A retry must wait for a first attempt that may still commit. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void writesOnceWhenRetryOvertakesFirstAttempt(boolean firstCommits) throws Exception {
    for (int faulty = 1; faulty <= 2; faulty++) {
      database.execute("TRUNCATE subscribers_feedback, promo_stream_commits");
      try (CommitProxy proxy = new CommitProxy(database.url());
          FeedbackTask task = FeedbackTask.start(through(proxy))) {
        for (int campaign = 1; campaign <= 3; campaign++) {
          task.collect(campaign);
          if (campaign == faulty) {
            failNextWrite(proxy, Fault.LEAVE_OPEN);
          }
          task.complete();
          if (campaign == faulty) {
            proxy.awaitFault();
            awaitLockOfMark();
            proxy.resume(firstCommits);
          }
          awaitDone(task);
        }
      }
      assertThat(rows(database)).as("faulty is %d", faulty).isEqualTo(rowsOf(1, 3));
    }
  }

  // A process that is stopped in the middle.

  @Test
  void suspendedTaskWritesNothingAfterItsSuccessorStarts() throws Exception {
    try (CommitProxy proxy = new CommitProxy(database.url());
        FeedbackTask zombie = FeedbackTask.start(through(proxy))) {
      zombie.collect(1);
      zombie.complete();
      awaitDone(zombie);
      OperatorSubtaskState checkpoint = zombie.collect(2);
      failNextWrite(proxy, Fault.FREEZE);
      zombie.complete();
      proxy.awaitFault();

      try (FeedbackTask successor =
          FeedbackTask.restore(target(database.asSuperuser(), "job"), checkpoint)) {
        successor.collect(3);
        successor.complete();
        awaitLockOfMark();
        assertThat(rows(database)).isEqualTo(rowsOf(1, 1));
        awaitDone(successor);
        assertThat(rows(database)).isEqualTo(rowsOf(1, 3));
      }

      proxy.resume(true);
      awaitDone(zombie);
      assertThat(zombie.metric("transactionsLost")).isZero();
      assertThat(zombie.failure()).isNotDone();
    }
    assertThat(rows(database)).isEqualTo(rowsOf(1, 3));
  }

  // A COMMIT that is not durable.

  @Test
  void repeatsCommitUntilStandbyConfirms() throws Exception {
    try (EmbeddedDatabase server = EmbeddedDatabase.start(Map.of())) {
      run(server, TestDatabase.feedbackTable());
      Database own =
          new Database(
              server.url("postgres"),
              EmbeddedDatabase.SUPERUSER,
              new Secret(EmbeddedDatabase.SUPERUSER, null));
      try (FeedbackTask task = FeedbackTask.start(target(own, "job"))) {
        run(server, "ALTER SYSTEM SET synchronous_standby_names = 'absent'");
        run(server, "SELECT pg_reload_conf()");
        awaitCommitsThatWaitForStandby(server);
        long failures = task.metric("replayFailures");
        task.collect(1);
        task.complete();
        Waiting.until(
            "written rows, and three cancelled waits",
            () -> {
              cancelWaitsForStandby(server);
              return count(server) == 2 && task.metric("replayFailures") >= failures + 3;
            });
        assertThat(task.isDone()).isFalse();
        assertThat(logs.lines())
            .anyMatch(line -> line.contains("canceling wait for synchronous replication"));
        run(server, "ALTER SYSTEM RESET synchronous_standby_names");
        run(server, "SELECT pg_reload_conf()");
        awaitDone(task);
        task.collect(2);
        task.complete();
        awaitDone(task);
      }
      assertThat(count(server)).isEqualTo(4);
    }
  }

  /**
   * Commits until a commit waits for a standby. The server applies the setting some time after the
   * reload, and a commit before that needs no standby.
   */
  private static void awaitCommitsThatWaitForStandby(EmbeddedDatabase server) throws Exception {
    AtomicReference<CompletableFuture<Void>> probe =
        new AtomicReference<>(CompletableFuture.completedFuture(null));
    Waiting.until(
        "a commit that waits for a standby",
        () -> {
          if (probe.get().isDone()) {
            probe.get().join();
            probe.set(CompletableFuture.runAsync(() -> probe(server)));
          }
          return cancelWaitsForStandby(server) > 0;
        });
    Waiting.until(
        "the end of the last commit",
        () -> {
          cancelWaitsForStandby(server);
          return probe.get().isDone();
        });
  }

  private static void probe(EmbeddedDatabase server) {
    try {
      run(server, "COMMENT ON TABLE subscribers_feedback IS 'probe'");
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  private static int cancelWaitsForStandby(EmbeddedDatabase server) throws SQLException {
    return query(
        server,
        "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
  }

  private static void run(EmbeddedDatabase server, String sql) throws SQLException {
    try (Connection connection = server.connect("postgres");
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private static int count(EmbeddedDatabase server) throws SQLException {
    return query(server, "SELECT count(*) FROM subscribers_feedback");
  }

  private static int query(EmbeddedDatabase server, String sql) throws SQLException {
    try (Connection connection = server.connect("postgres");
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      result.next();
      return result.getInt(1);
    }
  }

  // A database that lost what it had confirmed.

  private FeedbackTask start(OnLostTransaction onLost) throws Exception {
    return FeedbackTask.start(target(database.asSuperuser(), "job", onLost));
  }

  private FeedbackTask restore(OperatorSubtaskState checkpoint, OnLostTransaction onLost)
      throws Exception {
    return FeedbackTask.restore(target(database.asSuperuser(), "job", onLost), checkpoint);
  }

  /** Writes campaigns 1 and 2, and copies the database in between. */
  private void writeWithCopyBetween(FeedbackTask task) throws Exception {
    write(task, 1);
    database.copy();
    write(task, 2);
    assertThat(rows(database)).isEqualTo(rowsOf(1, 2));
  }

  private static void write(FeedbackTask task, int campaign) throws Exception {
    task.collect(campaign);
    task.complete();
    awaitDone(task);
  }

  private void awaitLoss(FeedbackTask task, String inWords) throws Exception {
    Waiting.until("the loss", () -> task.metric("recordsLost") > 0);
    assertThat(task.metric("recordsLost")).isEqualTo(2);
    // The copy may lack a renewal of the lease, too.
    assertThat(task.metric("transactionsLost")).isBetween(1L, 2L);
    assertThat(logs.lines()).anyMatch(line -> line.startsWith("ERROR") && line.contains(inWords));
  }

  private static final String ONE_LOST =
      "had committed 2 (4 records), and the target has 1 (2 records)";

  /** Covers an idle sink and a busy one. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void failsWhenDatabaseIsReplacedByOlderCopy(boolean busy) throws Exception {
    OperatorSubtaskState checkpoint;
    try (FeedbackTask task = start(OnLostTransaction.FAIL)) {
      writeWithCopyBetween(task);
      checkpoint = busy ? task.collect(3) : task.snapshot();
      database.replaceByCopy();
      task.complete();
      awaitLoss(task, ONE_LOST);
      assertThat(rows(database)).isEqualTo(rowsOf(1, 1));
      if (busy) {
        // Before it fails, the sink shows the metrics to a scraper for a while.
        assertThat(task.failure().get(60, TimeUnit.SECONDS))
            .isInstanceOf(LostCommitsException.class)
            .hasMessageContaining("feedback.on-lost-transaction: continue");
      }
    }
    for (int restart = 1; restart <= 2; restart++) {
      try (FeedbackTask task = restore(checkpoint, OnLostTransaction.FAIL)) {
        awaitLoss(task, ONE_LOST);
      }
    }
    try (FeedbackTask task = restore(checkpoint, OnLostTransaction.CONTINUE)) {
      awaitLoss(task, "continues without them");
      awaitDone(task);
      write(task, 4);
    }
    try (FeedbackTask task = restore(checkpoint, OnLostTransaction.FAIL)) {
      awaitDone(task);
      assertThat(task.metric("transactionsLost")).isZero();
    }
    assertThat(rows(database))
        .containsExactlyElementsOf(
            Stream.of(rowsOf(1, 1), busy ? rowsOf(3, 3) : List.<String>of(), rowsOf(4, 4))
                .flatMap(List::stream)
                .toList());
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void continuesWithOlderCopyIfConfigured(boolean busy) throws Exception {
    try (FeedbackTask task = start(OnLostTransaction.CONTINUE)) {
      writeWithCopyBetween(task);
      task.collect(3);
      database.replaceByCopy();
      if (busy) {
        task.complete();
      }
      awaitLoss(task, ONE_LOST);
      task.complete();
      awaitDone(task);
      write(task, 4);
      assertThat(task.metric("recordsLost")).isEqualTo(2);
      assertThat(task.failure()).isNotDone();
    }
    assertThat(rows(database))
        .containsExactlyElementsOf(
            Stream.of(rowsOf(1, 1), rowsOf(3, 4)).flatMap(List::stream).toList());
  }

  /** This subtask has committed nothing, but an earlier subtask may have. */
  @Test
  void reportsThatLeaseWentBack() throws Exception {
    try (FeedbackTask task = start(OnLostTransaction.FAIL)) {
      database.copy();
      String before = renewals();
      Waiting.until("a renewal", () -> !renewals().equals(before));
      database.replaceByCopy();
      Waiting.until("the loss", () -> task.metric("transactionsLost") == 1);
      assertThat(task.metric("recordsLost")).isZero();
      assertThat(logs.lines())
          .anyMatch(line -> line.startsWith("ERROR") && line.contains("its lease went back"));
      write(task, 1);
    }
    assertThat(rows(database)).isEqualTo(rowsOf(1, 1));
  }

  private String renewals() {
    return database
        .query("SELECT sequence FROM promo_stream_commits WHERE writer = 'lease'")
        .toString();
  }

  @Test
  void countsAllCommitsOfWriterAsLostWhenItsMarkIsGone() throws Exception {
    try (FeedbackTask task = start(OnLostTransaction.CONTINUE)) {
      write(task, 1);
      write(task, 2);
      database.execute("DELETE FROM promo_stream_commits WHERE writer <> 'lease'");
      Waiting.until("the loss", () -> task.metric("transactionsLost") > 0);
      assertThat(task.metric("transactionsLost")).isEqualTo(2);
      assertThat(task.metric("recordsLost")).isEqualTo(4);
      write(task, 3);
    }
    assertThat(rows(database)).isEqualTo(rowsOf(1, 3));
  }
}
