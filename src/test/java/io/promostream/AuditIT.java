package io.promostream;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.Saboteur.Act;
import io.promostream.delivery.DeliveryBatch;
import io.promostream.drills.Expectation;
import io.promostream.drills.Expectation.Due;
import io.promostream.drills.Journal;
import io.promostream.drills.SinkAudit;
import io.promostream.local.EmbeddedDatabase;
import io.promostream.promo.Promo;
import io.promostream.testing.PromoJson;
import java.nio.file.Path;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.jdbc.JdbcExactlyOnceOptions;
import org.apache.flink.connector.jdbc.JdbcExecutionOptions;
import org.apache.flink.connector.jdbc.core.datastream.sink.JdbcSink;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.xa.PGXADataSource;

/**
 * The drills' audit finds what it is there to find: with the JDBC connector's own exactly-once sink
 * in the place of the job's, it reports rows that came twice.
 */
class AuditIT {

  private static final int CLIENTS = 20;
  private static final int ROUNDS = 5;

  @TempDir Path checkpoints;
  private final Journal journal = new Journal();
  private TestJob job;
  private int campaigns;

  @BeforeEach
  void setUp() throws Exception {
    job = new TestJob(checkpoints);
    for (int client = 0; client < CLIENTS; client++) {
      job.subscribe("client-" + client, "r");
      journal.note(new Journal.Subscribed("r", "client-" + client));
    }
  }

  @AfterEach
  void tearDown() {
    job.close();
  }

  private void publish() {
    String campaign = "" + campaigns++;
    job.send(
        PromoJson.good()
            .with("restaurant_id", "\"r\"")
            .with("adv_campaign_id", "\"" + campaign + "\"")
            .bytes());
    journal.note(
        new Journal.Published(
            new Promo(
                "r",
                campaign,
                "content",
                "owner",
                "contact",
                1_000_000_000,
                9_999_999_999L,
                1_000_000_000)));
  }

  private Map<Due, Promo> expected() {
    return Expectation.of(journal.events(), System.currentTimeMillis() / 1000);
  }

  private SinkAudit rows() throws Exception {
    return SinkAudit.of("Postgres", expected(), job.rows());
  }

  /** The connector's sink, as its documentation says for Postgres. */
  private static Sink<DeliveryBatch> connectorsSink(String url) {
    return JdbcSink.<DeliveryBatch>builder()
        .withQueryStatement(
            """
            INSERT INTO subscribers_feedback (restaurant_id, adv_campaign_id, adv_campaign_content, \
            adv_campaign_owner, adv_campaign_owner_contact, adv_campaign_datetime_start, \
            adv_campaign_datetime_end, datetime_created, client_id, trigger_datetime_created) \
            SELECT ?, ?, ?, ?, ?, ?, ?, ?, unnest(?::text[]), ?""",
            AuditIT::bind)
        .withExecutionOptions(JdbcExecutionOptions.builder().withMaxRetries(0).build())
        .buildExactlyOnce(
            JdbcExactlyOnceOptions.builder().withTransactionPerConnection(true).build(),
            () -> {
              PGXADataSource source = new PGXADataSource();
              source.setUrl(url);
              source.setUser(EmbeddedDatabase.SUPERUSER);
              source.setPassword(EmbeddedDatabase.SUPERUSER);
              return source;
            });
  }

  private static void bind(PreparedStatement statement, DeliveryBatch batch) throws SQLException {
    Promo promo = batch.promo();
    statement.setString(1, promo.restaurantId());
    statement.setString(2, promo.campaignId());
    statement.setString(3, promo.content());
    statement.setString(4, promo.owner());
    statement.setString(5, promo.ownerContact());
    statement.setLong(6, promo.start());
    statement.setLong(7, promo.end());
    statement.setLong(8, promo.created());
    statement.setString(9, "{" + String.join(",", batch.clients().clientIds()) + "}");
    statement.setLong(10, batch.matchedAt());
  }

  /**
   * Declines checkpoints, and fails while they are declined, so that the job goes back behind what
   * its sinks have prepared; waits until each promo has come.
   */
  private void sabotage() throws Exception {
    Saboteur.order(Act.DECLINE_CHECKPOINT, 8);
    publishUntil(() -> Saboteur.outstanding(Act.DECLINE_CHECKPOINT) <= 3);
    Saboteur.order(Act.FAIL_AT_RANDOM, 1);
    publishUntil(() -> Saboteur.outstanding(Act.FAIL_AT_RANDOM) == 0);
    publishUntil(() -> Saboteur.outstanding(Act.DECLINE_CHECKPOINT) == 0);
    TestJob.await("rows of all", () -> job.rows().size() >= campaigns * CLIENTS);
    TestJob.await("notifications of all", () -> job.notifications().size() >= campaigns * CLIENTS);
  }

  private void publishUntil(Callable<Boolean> condition) throws Exception {
    TestJob.await(
        "sabotage",
        () -> {
          publish();
          return condition.call();
        });
  }

  @Test
  void rowsThatTheConnectorsSinkWritesTwiceAreReported() throws Exception {
    String url = job.feedback.url();
    job.connect(
        own ->
            new Connectors(
                own.promos(),
                own.subscribers(),
                own.notifications(),
                own.rejected(),
                connectorsSink(url),
                own.limits()));
    job.start(2, null, new Configuration());
    for (int round = 0; round < ROUNDS && rows().doubled() == 0; round++) {
      sabotage();
    }
    assertThat(rows().doubled()).isPositive();
    assertThat(SinkAudit.of("Kafka", expected(), job.notifications())).isEqualTo(SinkAudit.NOTHING);
  }

  @Test
  void theJobsOwnSinkPassesTheSame() throws Exception {
    job.start(2, null, new Configuration());
    for (int round = 0; round < ROUNDS; round++) {
      sabotage();
    }
    job.awaitCheckpoints();
    assertThat(rows()).isEqualTo(SinkAudit.NOTHING);
    assertThat(SinkAudit.of("Kafka", expected(), job.notifications())).isEqualTo(SinkAudit.NOTHING);
  }
}
