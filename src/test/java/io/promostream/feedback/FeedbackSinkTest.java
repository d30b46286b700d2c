package io.promostream.feedback;

import static io.promostream.feedback.SinkSubtask.checkpoint;
import static io.promostream.feedback.SinkSubtask.commit;
import static io.promostream.feedback.SinkSubtask.send;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.promostream.config.Database;
import io.promostream.config.JobConfig;
import io.promostream.config.JobConfig.OnLostTransaction;
import io.promostream.config.Secret;
import io.promostream.config.TableName;
import io.promostream.delivery.DeliveryBatch;
import io.promostream.feedback.SinkSubtask.Request;
import io.promostream.local.EmbeddedDatabase;
import io.promostream.promo.Promo;
import io.promostream.subscribers.Audience;
import io.promostream.testing.TestDatabase;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.IntStream;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.runtime.throwable.ThrowableClassifier;
import org.apache.flink.runtime.throwable.ThrowableType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Writers and committers one by one, on a real Postgres. */
class FeedbackSinkTest {

  private static final TableName TABLE = TableName.parse("public.subscribers_feedback");
  private static final String CLIENTS = "SELECT client_id FROM subscribers_feedback ORDER BY 1";
  private static final String GIDS =
      "SELECT gid FROM pg_prepared_xacts WHERE database = current_database() ORDER BY 1";

  private final TestDatabase database = TestDatabase.create().withFeedbackTable();
  private final FeedbackSink sink = sink(OnLostTransaction.FAIL);
  private final JobID job = new JobID();
  private final List<AutoCloseable> opened = new ArrayList<>();
  private int gone;

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable closeable : opened) {
      closeable.close();
    }
    rollBackPrepared();
  }

  private void rollBackPrepared() {
    for (String gid : database.query(GIDS)) {
      database.execute("ROLLBACK PREPARED '" + gid.replace("'", "''") + "'");
    }
  }

  // --- what is written

  @Test
  void rowsAreThereOnceCommitted() throws Exception {
    FeedbackWriter writer = writer(subtask(0, 1));
    send(writer, batch("b", "a"));
    send(writer, batch("c"));
    var committables = checkpoint(writer, 1);
    assertThat(database.query(CLIENTS)).isEmpty();

    SinkSubtask subtask = subtask(0, 1);
    commit(committer(subtask, sink), committables);

    assertThat(
            database.query(
                "SELECT restaurant_id, adv_campaign_id, adv_campaign_content, adv_campaign_owner,"
                    + " adv_campaign_owner_contact, adv_campaign_datetime_start,"
                    + " adv_campaign_datetime_end, datetime_created, client_id,"
                    + " trigger_datetime_created, feedback FROM subscribers_feedback ORDER BY client_id"))
        .containsExactly(
            "r,k,10 % off 'today' \\ {\"x\"},o,o@x,10,20,5,a,15,null",
            "r,k,10 % off 'today' \\ {\"x\"},o,o@x,10,20,5,b,15,null",
            "r,k,10 % off 'today' \\ {\"x\"},o,o@x,10,20,5,c,15,null");
    assertThat(subtask.counter("rowsCommitted")).isEqualTo(3);
  }

  @Test
  void batchesThatAreWrittenTogetherKeepTheirPromos() throws Exception {
    FeedbackWriter writer = writer(subtask(0, 1));
    for (String campaign : List.of("k1", "k2", "k3")) {
      Promo promo = new Promo("r", campaign, "of " + campaign, "o", "o@x", 10, 20, 5);
      writer.write(
          new DeliveryBatch(promo, 15, Audience.of("a " + campaign, "b")), SinkSubtask.NO_TIME);
    }
    commit(committer(subtask(0, 1), sink), checkpoint(writer, 1));
    assertThat(
            database.query(
                "SELECT adv_campaign_id, adv_campaign_content, client_id FROM subscribers_feedback ORDER BY id"))
        .containsExactly(
            "k1,of k1,a k1",
            "k1,of k1,b",
            "k2,of k2,a k2",
            "k2,of k2,b",
            "k3,of k3,a k3",
            "k3,of k3,b");
  }

  @Test
  void manyRowsAndLongPromosDoNotWaitForTheCheckpoint() throws Exception {
    SinkSubtask subtask = subtask(0, 1);
    FeedbackWriter writer = writer(subtask);
    String[] clients = IntStream.range(0, 1_000).mapToObj(i -> "c" + i).toArray(String[]::new);
    writer.write(batch(clients), SinkSubtask.NO_TIME);
    assertThat(subtask.counter("rowsWritten")).isEqualTo(1_000);
    String text = "x".repeat(1 << 20);
    for (Promo longest :
        List.of(
            new Promo("r", "k", text, "o", "o@x", 10, 20, 5),
            new Promo("r", "k", "c", text, "o@x", 10, 20, 5),
            new Promo("r", "k", "c", "o", text, 10, 20, 5))) {
      long written = subtask.counter("rowsWritten");
      writer.write(new DeliveryBatch(longest, 15, Audience.of("a")), SinkSubtask.NO_TIME);
      assertThat(subtask.counter("rowsWritten")).isEqualTo(written + 1);
    }
    writer.write(batch("a"), SinkSubtask.NO_TIME);
    assertThat(subtask.counter("rowsWritten")).isEqualTo(1_003);
    commit(committer(subtask(0, 1), sink), checkpoint(writer, 1));
    assertThat(database.query("SELECT count(*) FROM subscribers_feedback")).containsExactly("1004");
  }

  @Test
  void anyClientIdIsWrittenAsItIs() throws Exception {
    String[] clients = {
      " ",
      "NULL",
      "null",
      "{}",
      "a,b",
      "\"",
      "\\",
      "\\\"",
      "{\"a\"}",
      "'",
      "\n\t",
      "Ж 🍕",
      "$1",
      "?",
      "123e4567-e89b-12d3-a456-426614174000",
      "123E4567-E89B-12D3-A456-426614174000"
    };
    FeedbackWriter writer = writer(subtask(0, 1));
    writer.write(batch(clients), SinkSubtask.NO_TIME);
    commit(committer(subtask(0, 1), sink), checkpoint(writer, 1));
    assertThat(database.query("SELECT client_id FROM subscribers_feedback"))
        .containsExactlyInAnyOrder(clients);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        TestDatabase.EXISTING_FEEDBACK_COLUMNS,
        // Another order, more columns, other text types.
        """
        trigger_datetime_created int8 NOT NULL, feedback varchar NULL, client_id varchar NOT NULL,
        datetime_created int8 NOT NULL, more text NULL, adv_campaign_datetime_end int8 NOT NULL,
        adv_campaign_datetime_start int8 NOT NULL, adv_campaign_owner_contact varchar NOT NULL,
        adv_campaign_owner varchar NOT NULL, adv_campaign_content text NOT NULL, and_more int4[],
        adv_campaign_id varchar(255) NOT NULL, restaurant_id varchar(255) NOT NULL, id bigserial"""
      })
  void anyTableOfTheContractWillDo(String columns) throws Exception {
    database.execute(
        "DROP TABLE subscribers_feedback; CREATE TABLE subscribers_feedback (" + columns + ")");
    FeedbackWriter writer = writer(subtask(0, 1));
    // Often enough that the driver prepares the statement on the server.
    for (int i = 0; i < 10; i++) {
      send(writer, batch("a" + i, "b" + i));
    }
    commit(committer(subtask(0, 1), sink), checkpoint(writer, 1));
    assertThat(
            database.query(
                "SELECT DISTINCT restaurant_id, adv_campaign_datetime_start,"
                    + " trigger_datetime_created, count(*) OVER () FROM subscribers_feedback"))
        .containsExactly("r,10,15,20");
  }

  @Test
  void withoutRowsThereIsNoTransaction() throws Exception {
    FeedbackWriter writer = writer(subtask(0, 1));
    assertThat(checkpoint(writer, 1)).isEmpty();
    send(writer, batch());
    assertThat(checkpoint(writer, 2)).isEmpty();
    assertThat(database.query(GIDS)).isEmpty();
    send(writer, batch("a"));
    assertThat(checkpoint(writer, 3)).hasSize(1);
    assertThat(checkpoint(writer, 4)).isEmpty();
  }

  @Test
  void theNameTellsSubtaskAndCheckpointAndIsNeverUsedTwice() throws Exception {
    FeedbackWriter writer = writer(subtask(1, 2, 7));
    send(writer, batch("a"));
    FeedbackTransaction first = onlyOne(writer.prepareCommit());
    // As when the checkpoint fails before this subtask's snapshot.
    send(writer, batch("b"));
    FeedbackTransaction second = onlyOne(checkpoint(writer, 9));
    send(writer, batch("c"));
    FeedbackTransaction third = onlyOne(checkpoint(writer, 10));

    assertThat(List.of(first, second, third))
        .allMatch(transaction -> transaction.prefix().equals("test") && transaction.subtask() == 1)
        .extracting(FeedbackTransaction::openedAfter)
        .containsExactly(7L, 7L, 9L);
    assertThat(database.query(GIDS)).hasSize(3);
  }

  @Test
  void serverSettingsEndNeitherAnIdleTransactionNorAnIdleSession() throws Exception {
    database.execute(
        """
        ALTER DATABASE %1$s SET idle_in_transaction_session_timeout = '1s';
        ALTER DATABASE %1$s SET idle_session_timeout = '1s';
        ALTER DATABASE %1$s SET transaction_timeout = '1s';
        ALTER DATABASE %1$s SET default_transaction_isolation = 'serializable'"""
            .formatted(database.name()));
    FeedbackWriter writer = writer(subtask(0, 1));
    Thread.sleep(1_500);
    send(writer, batch("a"));
    Thread.sleep(1_500);
    send(writer, batch("b"));
    Committer<FeedbackCommittable> committer = committer(subtask(0, 1), sink);
    commit(committer, checkpoint(writer, 1));
    send(writer, batch("c"));
    Thread.sleep(1_500);
    assertThat(commit(committer, checkpoint(writer, 2)))
        .extracting(request -> request.outcome)
        .containsExactly("committed");
    assertThat(database.query(CLIENTS)).containsExactly("a", "b", "c");
  }

  @Test
  void aFailedTransactionIsNotTakenForPrepared() throws Exception {
    FeedbackWriter writer = writer(subtask(0, 1));
    send(writer, batch("a"));
    assertThatThrownBy(() -> send(writer, batch("nul \0")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("subscribers_feedback");
    assertThatThrownBy(writer::prepareCommit)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("was not prepared");
    assertThat(database.query(GIDS)).isEmpty();
  }

  // --- committing

  @Test
  void aCommitRepeatedIsSuccess() throws Exception {
    var committables = prepared("a");
    commit(committer(subtask(0, 1), sink), committables);
    SinkSubtask subtask = subtask(0, 1);

    List<Request> again = commit(committer(subtask, sink), committables);

    assertThat(again).extracting(request -> request.outcome).containsExactly("already committed");
    assertThat(database.query(CLIENTS)).containsExactly("a");
    assertThat(subtask.counter("transactionsLost")).isZero();
    assertThat(subtask.counter("rowsCommitted")).isZero();
  }

  @ParameterizedTest
  @CsvSource({"rolled back,aborted", "too old,too long ago", "elsewhere,not the one"})
  void aLostTransactionEndsTheJobForGood(String how, String text) throws Exception {
    FeedbackCommittable lost = lost(how);
    SinkSubtask subtask = subtask(0, 1);
    assertThatThrownBy(() -> commit(committer(subtask, sink), List.of(lost)))
        .isInstanceOf(LostTransactionException.class)
        .hasMessageContaining(lost.gid())
        .hasMessageContaining("with 2 rows is lost")
        .hasMessageContaining(text)
        .hasMessageContaining("feedback.on-lost-transaction: continue")
        .matches(e -> ThrowableClassifier.getThrowableType(e) == ThrowableType.NonRecoverableError);
    assertThat(subtask.counter("transactionsLost")).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"rolled back", "too old", "elsewhere"})
  void aLostTransactionIsCountedWhereTheJobIsToGoOn(String how) throws Exception {
    FeedbackCommittable lost = lost(how);
    FeedbackCommittable kept = prepared("c").get(0);
    SinkSubtask subtask = subtask(0, 1);

    List<Request> requests =
        commit(committer(subtask, sink(OnLostTransaction.CONTINUE)), List.of(lost, kept));

    assertThat(requests)
        .extracting(request -> request.outcome)
        .containsExactly("failed", "committed");
    assertThat(database.query(CLIENTS)).containsExactly("c");
    assertThat(subtask.counter("transactionsLost")).isEqualTo(1);
    assertThat(subtask.counter("rowsLost")).isEqualTo(2);
    assertThat(subtask.counter("rowsCommitted")).isEqualTo(1);
  }

  private FeedbackCommittable lost(String how) throws Exception {
    FeedbackCommittable committable = prepared("a", "b").get(0);
    database.execute("ROLLBACK PREPARED '" + committable.gid() + "'");
    return switch (how) {
      case "rolled back" -> committable;
      // Postgres answers NULL, as for one whose status it has thrown away.
      case "too old" -> new FeedbackCommittable(committable.gid(), 0, 2);
      case "elsewhere" -> new FeedbackCommittable(committable.gid(), (1L << 40) + 1000, 2);
      default -> throw new IllegalArgumentException(how);
    };
  }

  @Test
  void troubleWithTheConnectionIsRetriedOnANewOne() throws Exception {
    SinkSubtask subtask = subtask(0, 1);
    Committer<FeedbackCommittable> committer = committer(subtask, sink);
    commit(committer, prepared("a"));
    database.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'promo-stream commits %'");
    List<FeedbackCommittable> two = new ArrayList<>(prepared("b"));
    two.addAll(prepared("c"));

    List<Request> requests = commit(committer, two);
    assertThat(requests).extracting(request -> request.outcome).containsExactly("retry", "retry");

    commit(committer, two);
    assertThat(database.query(CLIENTS)).containsExactly("a", "b", "c");
  }

  @Test
  void troubleThatLastsIsToldAndLeftToTheRestartStrategy() throws Exception {
    var committables = prepared("a");
    FeedbackSink unreachable =
        new FeedbackSink(
            new JobConfig.Feedback(
                new Database(
                    "jdbc:postgresql://127.0.0.1:1/x?password=hidden",
                    "me",
                    new Secret("s3cret", null)),
                TABLE,
                OnLostTransaction.FAIL),
            "test");
    Request request = new Request(committables.get(0));
    Committer<FeedbackCommittable> committer = committer(subtask(0, 1), unreachable);
    for (int i = 0; i < 10; i++) {
      committer.commit(List.of(request));
      assertThat(request.outcome).isEqualTo("retry");
    }
    assertThatThrownBy(() -> committer.commit(List.of(request)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(committables.get(0).gid())
        .hasMessageContaining("public.subscribers_feedback")
        .hasMessageContaining("jdbc:postgresql://127.0.0.1:1/x")
        .hasMessageNotContaining("s3cret");
  }

  // --- restoring

  @ParameterizedTest
  @CsvSource({"2,2", "2,4", "4,2", "1,3", "3,1"})
  void aRestoreCommitsWhatBelongsToItAndRollsBackTheRest(int before, int after) throws Exception {
    List<FeedbackCommittable> restored = new ArrayList<>();
    List<FeedbackWriter> old = new ArrayList<>();
    for (int i = 0; i < before; i++) {
      old.add(writer(subtask(i, before)));
    }
    for (int i = 0; i < before; i++) {
      send(old.get(i), batch("kept" + i));
      restored.addAll(checkpoint(old.get(i), 5));
    }
    for (int i = 0; i < before; i++) {
      // Checkpoint 6 is declined, 7 never completed.
      send(old.get(i), batch("gone" + i));
      checkpoint(old.get(i), 6);
      send(old.get(i), batch("gone too" + i));
      checkpoint(old.get(i), 7);
      send(old.get(i), batch("never prepared" + i));
      old.get(i).close();
    }
    assertThat(database.query(GIDS)).hasSize(3 * before);

    long rolledBack = 0;
    for (int i = 0; i < after; i++) {
      SinkSubtask subtask = new SinkSubtask(new JobID(), i, after, OptionalLong.of(5));
      writer(subtask);
      rolledBack += subtask.counter("transactionsRolledBack");
    }
    assertThat(rolledBack).isEqualTo(2L * before);
    assertThat(database.query(GIDS))
        .containsExactlyInAnyOrderElementsOf(
            restored.stream().map(FeedbackCommittable::gid).toList());

    commit(committer(subtask(0, after), sink), restored);
    assertThat(database.query(CLIENTS))
        .containsExactlyElementsOf(IntStream.range(0, before).mapToObj(i -> "kept" + i).toList());
    assertThat(database.query(GIDS)).isEmpty();
  }

  @Test
  void aStartWithoutCheckpointRollsBackAllOfItsPrefixAndNobodyElses() throws Exception {
    FeedbackWriter old = writer(subtask(3, 4));
    send(old, batch("a"));
    checkpoint(old, 5);
    String nonce = "0".repeat(16);
    List<String> others =
        List.of(
            "another application's",
            "test",
            "test-2/0/0/%s/1".formatted(nonce),
            "tes/0/0/%s/1".formatted(nonce),
            "xtest/0/0/%s/1".formatted(nonce),
            "test/0/0/%s/1/".formatted(nonce));
    for (String gid : others) {
      prepare(gid);
    }
    TestDatabase elsewhere = TestDatabase.create().withFeedbackTable();
    elsewhere.execute(
        "BEGIN; SELECT pg_current_xact_id(); PREPARE TRANSACTION 'test/0/0/%s/9'".formatted(nonce));

    writer(subtask(0, 2));
    assertThat(database.query(GIDS)).hasSize(others.size() + 1);
    writer(subtask(1, 2));
    assertThat(database.query(GIDS)).containsExactlyInAnyOrderElementsOf(others);
    assertThat(elsewhere.query(GIDS)).hasSize(1);
    elsewhere.execute("ROLLBACK PREPARED 'test/0/0/%s/9'".formatted(nonce));
  }

  @Test
  void whatAZombiePreparesLaterIsRolledBackLater() throws Exception {
    SinkSubtask subtask = subtask(0, 2, 5);
    FeedbackWriter writer = writer(subtask);
    send(writer, batch("mine"));
    var mine = checkpoint(writer, 6);
    String nonce = "0".repeat(16);
    String otherSubtasks = "test/1/5/%s/1".formatted(nonce);
    prepare("test/0/3/%s/1".formatted(nonce));
    prepare("test/2/5/%s/1".formatted(nonce));
    prepare(otherSubtasks);

    subtask.clock.advance(59_999);
    checkpoint(writer, 7);
    assertThat(database.query(GIDS)).hasSize(4);
    subtask.clock.advance(1);
    checkpoint(writer, 8);

    assertThat(database.query(GIDS)).containsExactlyInAnyOrder(otherSubtasks, onlyOne(mine).gid());
    assertThat(subtask.counter("transactionsRolledBack")).isEqualTo(2);
    assertThat(subtask.gauge("transactionsPrepared")).isEqualTo(1);
    assertThat(subtask.gauge("oldestPreparedSeconds")).isBetween(0L, 600L);
    commit(committer(subtask(0, 2), sink), mine);
    assertThat(database.query(CLIENTS)).containsExactly("mine");
  }

  @Test
  void thePreparedAreShownThoughNoCheckpointComes() throws Exception {
    SinkSubtask subtask = subtask(0, 1);
    FeedbackWriter writer = writer(subtask);
    assertThat(subtask.gauge("transactionsPrepared")).isZero();
    assertThat(subtask.gauge("oldestPreparedSeconds")).isZero();
    send(writer, batch("a"));
    var prepared = checkpoint(writer, 1);
    prepare("another application's");
    // A transaction is open at the next look, and is none the worse for it.
    send(writer, batch("b"));

    subtask.clock.advance(15_000);
    assertThat(subtask.gauge("transactionsPrepared")).isEqualTo(1);
    assertThat(subtask.gauge("preparedSlotsUsed")).isGreaterThanOrEqualTo(2);
    assertThat(subtask.gauge("preparedSlots")).isEqualTo(64);
    long age = subtask.gauge("oldestPreparedSeconds");
    subtask.clock.setCurrentTime(subtask.clock.getCurrentProcessingTime() + 7_000);
    assertThat(subtask.gauge("oldestPreparedSeconds")).as("without a look").isEqualTo(age + 7);

    commit(committer(subtask(0, 1), sink), prepared);
    subtask.clock.advance(15_000);
    assertThat(subtask.gauge("transactionsPrepared")).isZero();
    assertThat(subtask.gauge("oldestPreparedSeconds")).isZero();
    commit(committer(subtask(0, 1), sink), checkpoint(writer, 2));
    assertThat(database.query(CLIENTS)).containsExactly("a", "b");
  }

  @Test
  void theDelayIsThatOfTheEarliestOfWhatIsSentTogether() throws Exception {
    SinkSubtask subtask = subtask(0, 1);
    FeedbackWriter writer = writer(subtask);
    subtask.clock.setCurrentTime(100_000);
    writer.write(batch("a"), SinkSubtask.time(60_000L));
    writer.write(batch("b"), SinkSubtask.time(40_000L));
    assertThat(subtask.gauge("deliveryDelayMillis")).as("not sent yet").isZero();
    writer.flush(false);
    assertThat(subtask.gauge("deliveryDelayMillis")).isEqualTo(60_000);
  }

  // --- the lock

  @Test
  void aSecondJobWithThePrefixIsRefused() throws Exception {
    FeedbackWriter first = writer(subtask(0, 1));
    send(first, batch("a"));
    checkpoint(first, 1);
    assertThatThrownBy(() -> writer(new SinkSubtask(new JobID(), 0, 1, OptionalLong.empty())))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("transaction-prefix test is in use")
        .hasMessageContaining("promo-stream feedback " + job.toHexString() + " 0")
        .hasMessageContaining("pg_terminate_backend")
        .hasMessageContaining(database.url());
    // The first goes on, over PREPARE TRANSACTION, and nothing of it was rolled back.
    send(first, batch("b"));
    checkpoint(first, 2);
    assertThat(database.query(GIDS)).hasSize(2);
  }

  @Test
  void anotherPrefixOrSubtaskIsNoneOfItsBusiness() throws Exception {
    writer(subtask(0, 2));
    writer(new SinkSubtask(new JobID(), 1, 2, OptionalLong.empty()));
    opened.add(
        new SinkSubtask(new JobID(), 0, 2, OptionalLong.empty())
            .writer(sink(database.asSuperuser(), OnLostTransaction.FAIL, "test2")));
  }

  @Test
  void aSessionThatIsEndingIsWaitedFor() throws Exception {
    FeedbackWriter first = writer(subtask(0, 1));
    Thread closing =
        new Thread(
            () -> {
              try {
                Thread.sleep(500);
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
              first.close();
            });
    closing.start();
    writer(new SinkSubtask(new JobID(), 0, 1, OptionalLong.empty()));
    closing.join();
  }

  @Test
  void aZombieOfTheSameJobIsEnded() throws Exception {
    FeedbackWriter zombie = writer(subtask(0, 1));
    send(zombie, batch("a"));
    FeedbackWriter next = writer(subtask(0, 1));
    assertThatThrownBy(zombie::prepareCommit).isInstanceOf(IOException.class);
    zombie.close();
    send(next, batch("b"));
    commit(committer(subtask(0, 1), sink), checkpoint(next, 1));
    assertThat(database.query(CLIENTS)).containsExactly("b");
    assertThat(database.query(GIDS)).isEmpty();
  }

  // --- errors that say what to do

  @Test
  void aRoleWithoutRightsIsTold() throws Exception {
    String role = role("writer_");
    FeedbackWriter writer =
        register(
            subtask(0, 1)
                .writer(sink(database.as(role, "s3cret"), OnLostTransaction.FAIL, "test")));
    assertThatThrownBy(() -> send(writer, batch("a")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("public.subscribers_feedback")
        .hasMessageContaining(database.url())
        .hasMessageContaining("INSERT")
        .hasMessageContaining(role)
        .hasMessageNotContaining("s3cret");
  }

  @Test
  void aRoleWithInsertAloneWillDo() throws Exception {
    String role = role("inserter_");
    database.execute("GRANT INSERT ON subscribers_feedback TO " + role);
    FeedbackSink asRole = sink(database.as(role, "s3cret"), OnLostTransaction.FAIL, "test");
    FeedbackWriter writer = register(subtask(0, 1).writer(asRole));
    send(writer, batch("a"));
    commit(committer(subtask(0, 1), asRole), checkpoint(writer, 1));
    assertThat(database.query(CLIENTS)).containsExactly("a");
    // An earlier attempt's session is ended, and its leftovers rolled back, without further rights.
    send(writer, batch("b"));
    checkpoint(writer, 2);
    register(subtask(0, 1).writer(asRole));
    assertThat(database.query(GIDS)).isEmpty();
  }

  @Test
  void anotherRolesTransactionIsReportedAndKept() throws Exception {
    var committables = prepared("a");
    String role = role("other_");
    FeedbackSink asOther = sink(database.as(role, "s3cret"), OnLostTransaction.FAIL, "test");
    assertThatThrownBy(() -> commit(committer(subtask(0, 1), asOther), committables))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(committables.get(0).gid())
        .hasMessageContaining("by the role that prepared it")
        .hasMessageContaining("COMMIT PREPARED");
    SinkSubtask subtask = subtask(0, 1);
    register(subtask.writer(asOther));
    assertThat(subtask.gauge("transactionsPrepared")).isEqualTo(1);
    assertThat(database.query(GIDS)).hasSize(1);
  }

  @Test
  void aMissingTableIsTold() {
    database.execute("DROP TABLE subscribers_feedback");
    assertThatThrownBy(() -> send(writer(subtask(0, 1)), batch("a")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("public.subscribers_feedback")
        .hasMessageContaining("feedback.table");
  }

  @Test
  void tooFewPreparedTransactionsAreTold() throws Exception {
    FeedbackWriter writer = writer(subtask(0, 3));
    send(writer, batch("a"));
    List<String> free =
        database.query(
            "SELECT generate_series(1, current_setting('max_prepared_transactions')::int - count(*)) FROM pg_prepared_xacts");
    for (String i : free) {
      prepare("other " + i);
    }
    assertThatThrownBy(writer::prepareCommit)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("max_prepared_transactions to 12 or more");
  }

  @Test
  void noPreparedTransactionsAreTold() throws Exception {
    try (EmbeddedDatabase server =
            EmbeddedDatabase.start(Map.of("max_prepared_transactions", "0"));
        Connection connection = server.connect("postgres");
        Statement statement = connection.createStatement()) {
      try (InputStream ddl = getClass().getResourceAsStream("/feedback.sql")) {
        statement.execute(new String(ddl.readAllBytes(), StandardCharsets.UTF_8));
      }
      Database there =
          new Database(server.url("postgres"), EmbeddedDatabase.SUPERUSER, Secret.EMPTY);
      try (FeedbackWriter writer =
          subtask(0, 1).writer(sink(there, OnLostTransaction.FAIL, "test"))) {
        send(writer, batch("a"));
        assertThatThrownBy(writer::prepareCommit)
            .isInstanceOf(IOException.class)
            .hasMessageContaining("max_prepared_transactions to 4 or more");
      }
    }
  }

  // --- at least once

  @Test
  void atLeastOnceWritesByTheCheckpointAtTheLatest() throws Exception {
    SinkSubtask subtask = subtask(0, 1);
    SinkWriter<DeliveryBatch> writer =
        subtask.writer(new AtLeastOnceFeedbackSink(feedback(database.asSuperuser())));
    opened.add(writer);
    writer.write(batch("a", "b"), SinkSubtask.NO_TIME);
    writer.write(batch(), SinkSubtask.NO_TIME);
    writer.flush(false);
    assertThat(database.query(CLIENTS)).containsExactly("a", "b");
    assertThat(subtask.counter("rowsWritten")).isEqualTo(2);
  }

  @Test
  void atLeastOnceDoesNotFailWhenClosedAfterAFailure() throws Exception {
    SinkWriter<DeliveryBatch> writer =
        subtask(0, 1).writer(new AtLeastOnceFeedbackSink(feedback(database.asSuperuser())));
    writer.write(batch("a"), SinkSubtask.NO_TIME);
    database.execute("DROP TABLE subscribers_feedback");
    assertThatThrownBy(() -> writer.flush(false))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("feedback rows were not written");
    writer.close();
  }

  // --- helpers

  private FeedbackSink sink(OnLostTransaction onLostTransaction) {
    return sink(database.asSuperuser(), onLostTransaction, "test");
  }

  private static FeedbackSink sink(
      Database database, OnLostTransaction onLostTransaction, String prefix) {
    return new FeedbackSink(new JobConfig.Feedback(database, TABLE, onLostTransaction), prefix);
  }

  private static JobConfig.Feedback feedback(Database database) {
    return new JobConfig.Feedback(database, TABLE, OnLostTransaction.FAIL);
  }

  private SinkSubtask subtask(int index, int parallelism) {
    return new SinkSubtask(job, index, parallelism, OptionalLong.empty());
  }

  private SinkSubtask subtask(int index, int parallelism, long restored) {
    return new SinkSubtask(job, index, parallelism, OptionalLong.of(restored));
  }

  private FeedbackWriter writer(SinkSubtask subtask) throws IOException {
    return register(subtask.writer(sink));
  }

  private <T extends AutoCloseable> T register(T closeable) {
    opened.add(closeable);
    return closeable;
  }

  private Committer<FeedbackCommittable> committer(SinkSubtask subtask, FeedbackSink of) {
    return register(subtask.committer(of));
  }

  /** A prepared transaction with a row for each client, by a writer that is gone, one of 100. */
  private List<FeedbackCommittable> prepared(String... clients) throws Exception {
    try (FeedbackWriter writer = subtask(gone++, 100).writer(sink)) {
      send(writer, batch(clients));
      return List.copyOf(writer.prepareCommit());
    }
  }

  private void prepare(String gid) {
    database.execute(
        "BEGIN; SELECT pg_current_xact_id(); PREPARE TRANSACTION '%s'"
            .formatted(gid.replace("'", "''")));
  }

  private String role(String prefix) {
    String role = prefix + database.name();
    database.execute("CREATE ROLE " + role + " LOGIN PASSWORD 's3cret'");
    return role;
  }

  private static FeedbackTransaction onlyOne(Collection<FeedbackCommittable> committables) {
    assertThat(committables).hasSize(1);
    return FeedbackTransaction.parse(committables.iterator().next().gid()).orElseThrow();
  }

  private static DeliveryBatch batch(String... clients) {
    return new DeliveryBatch(
        new Promo("r", "k", "10 % off 'today' \\ {\"x\"}", "o", "o@x", 10, 20, 5),
        15,
        Audience.of(clients));
  }
}
