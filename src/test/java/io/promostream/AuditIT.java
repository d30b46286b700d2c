package io.promostream;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.Saboteur.Act;
import io.promostream.delivery.DeliveryBatch;
import io.promostream.drills.Expectation;
import io.promostream.drills.Journal;
import io.promostream.drills.SinkAudit;
import io.promostream.local.Delivery;
import io.promostream.local.EmbeddedDatabase;
import io.promostream.promo.Promo;
import io.promostream.testing.PromoJson;
import java.nio.file.Path;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.List;
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
  private static final int MANY = 10_000;

  @TempDir Path checkpoints;
  private final Journal journal = new Journal();
  private TestJob job;
  private int campaigns;

  @BeforeEach
  void setUp() throws Exception {
    job = new TestJob(checkpoints);
    for (int client = 0; client < CLIENTS; client++) {
      journal.note(new Journal.Subscribed(System.currentTimeMillis(), "r", "client-" + client));
      job.subscribe("client-" + client, "r");
    }
  }

  @AfterEach
  void tearDown() {
    Saboteur.callOff(Act.DECLINE_CHECKPOINT);
    job.close();
  }

  private void publish() {
    String campaign = "" + campaigns++;
    journal.note(
        new Journal.Published(
            System.currentTimeMillis(),
            new Promo(
                "r",
                campaign,
                "content",
                "owner",
                "contact",
                1_000_000_000,
                9_999_999_999L,
                1_000_000_000)));
    job.send(
        PromoJson.good()
            .with("restaurant_id", "\"r\"")
            .with("adv_campaign_id", "\"" + campaign + "\"")
            .bytes());
  }

  private SinkAudit audit(String sink, List<Delivery> delivered) {
    return SinkAudit.of(
        sink,
        new Expectation(journal.events(), delivered, System.currentTimeMillis() / 1000),
        delivered);
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
   * Declines all checkpoints from some moment on, and fails the job when a sink has done its part
   * of one for a campaign of after that moment: the job goes back behind what is prepared there.
   */
  private void sabotage() throws Exception {
    job.awaitCheckpoints();
    TestJob.await("nothing prepared", () -> job.preparedTransactions().isEmpty());
    Saboteur.order(Act.DECLINE_CHECKPOINT, MANY);
    TestJob.await("decline", () -> Saboteur.outstanding(Act.DECLINE_CHECKPOINT) < MANY);
    publish();
    TestJob.await(
        "the campaign to be prepared, or even committed",
        () -> !job.preparedTransactions().isEmpty() || job.rows().size() == campaigns * CLIENTS);
    Saboteur.order(Act.FAIL_AT_RANDOM, 1);
    TestJob.await("failure", () -> Saboteur.outstanding(Act.FAIL_AT_RANDOM) == 0);
    Saboteur.callOff(Act.DECLINE_CHECKPOINT);
    job.awaitDeliveries(campaigns * CLIENTS);
    job.awaitCheckpoints();
  }

  /**
   * Puts the connector's sink into the place of the job's own. The Kafka sinks, which wait for that
   * one's lock under exactly-once, do without.
   */
  private void useTheConnectorsSink() {
    String url = job.feedback.url();
    job.change("--delivery.guarantee=at-least-once");
    job.connect(
        own ->
            new Connectors(
                own.promos(),
                own.subscribers(),
                own.notifications(),
                own.rejected(),
                connectorsSink(url),
                own.limits()));
  }

  @Test
  void rowsThatTheConnectorsSinkWritesTwiceAreReported() throws Exception {
    useTheConnectorsSink();
    job.start(2);
    publish();
    sabotage();
    TestJob.await("the campaign again", () -> job.rows().size() > campaigns * CLIENTS);
    assertThat(audit("Postgres", job.rows()).doubled()).isEqualTo(CLIENTS);
  }

  @Test
  void theConnectorsSinkDoesNotStartAtALowerParallelism() throws Exception {
    useTheConnectorsSink();
    job.start(4);
    publish();
    job.awaitDeliveries(CLIENTS);
    job.awaitCheckpoints();
    job.start(2, job.cancel(), new Configuration());
    TestJob.await("failure", () -> job.failure().contains("more than one state to recover"));
  }

  @Test
  void theJobsOwnSinkPassesTheSame() throws Exception {
    job.start(4);
    publish();
    sabotage();
    sabotage();
    job.start(2, job.cancel(), new Configuration());
    publish();
    job.awaitDeliveries(campaigns * CLIENTS);
    job.awaitCheckpoints();
    assertThat(audit("Postgres", job.rows())).isEqualTo(SinkAudit.NOTHING);
    assertThat(audit("Kafka", job.notifications())).isEqualTo(SinkAudit.NOTHING);
  }
}
