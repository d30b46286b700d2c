package io.promostream.feedback;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.promostream.config.Database;
import io.promostream.config.JobConfig.OnLostTransaction;
import io.promostream.config.Secret;
import io.promostream.local.EmbeddedDatabase;
import io.promostream.replay.EarlierState;
import io.promostream.replay.EarlierTransactions;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A job resumes from a checkpoint of release 0.1 if its prepared transactions are committed. */
class EarlierFeedbackTransactionsIT {

  private static EmbeddedDatabase server;

  @BeforeAll
  static void startServer() throws Exception {
    server = EmbeddedDatabase.start(Map.of("max_prepared_transactions", "8"));
  }

  @AfterAll
  static void stopServer() throws Exception {
    server.close();
  }

  private static void sql(String sql) throws Exception {
    try (Connection connection = server.connect("postgres");
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private static FeedbackCommittable prepare(String gid) throws Exception {
    try (Connection connection = server.connect("postgres");
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      try (ResultSet xid = statement.executeQuery("SELECT pg_current_xact_id()")) {
        xid.next();
        FeedbackCommittable prepared = new FeedbackCommittable(gid, xid.getLong(1), 7);
        statement.execute("PREPARE TRANSACTION '" + gid + "'");
        connection.setAutoCommit(true);
        return prepared;
      }
    }
  }

  private static void restore(OnLostTransaction onLost, FeedbackCommittable... transactions)
      throws Exception {
    EarlierFeedbackTransactions inspector =
        new EarlierFeedbackTransactions(
            new Database(
                server.url("postgres"),
                EmbeddedDatabase.SUPERUSER,
                new Secret(EmbeddedDatabase.SUPERUSER, null)));
    OperatorSubtaskState state = EarlierState.of(inspector, List.of(transactions));
    EarlierState.restore(new EarlierTransactions<>(inspector, onLost), state);
  }

  @Test
  void continuesWhenAllTransactionsAreCommitted() throws Exception {
    FeedbackCommittable one = prepare("promo-stream/0/1/0123456789abcdef/1");
    FeedbackCommittable other = prepare("promo-stream/1/1/0123456789abcdef/1");
    sql("COMMIT PREPARED '%s'".formatted(one.gid()));
    sql("COMMIT PREPARED '%s'".formatted(other.gid()));
    assertThatCode(() -> restore(OnLostTransaction.FAIL, one, other)).doesNotThrowAnyException();
  }

  @Test
  void refusesPreparedTransactions() throws Exception {
    FeedbackCommittable prepared = prepare("promo-stream/0/2/0123456789abcdef/1");
    for (OnLostTransaction onLost : OnLostTransaction.values()) {
      assertThatThrownBy(() -> restore(onLost, prepared))
          .hasMessageContaining(prepared.gid())
          .hasMessageContaining("is not committed")
          .hasMessageContaining("stop it with a savepoint");
    }
    sql("COMMIT PREPARED '%s'".formatted(prepared.gid()));
    assertThatCode(() -> restore(OnLostTransaction.FAIL, prepared)).doesNotThrowAnyException();
  }

  @Test
  void reportsLostTransactions() throws Exception {
    FeedbackCommittable rolledBack = prepare("promo-stream/0/3/0123456789abcdef/1");
    sql("ROLLBACK PREPARED '%s'".formatted(rolledBack.gid()));
    assertThatThrownBy(() -> restore(OnLostTransaction.FAIL, rolledBack))
        .hasMessageContaining("is lost: it was rolled back");
    assertThatCode(() -> restore(OnLostTransaction.CONTINUE, rolledBack))
        .doesNotThrowAnyException();
  }

  @Test
  void reportsTransactionsOfUnknownOutcome() {
    FeedbackCommittable ofAnotherServer =
        new FeedbackCommittable("promo-stream/0/4/0123456789abcdef/1", 1L << 40, 7);
    assertThatThrownBy(() -> restore(OnLostTransaction.FAIL, ofAnotherServer))
        .hasMessageContaining("too old for the server to know");
  }
}
