package io.promostream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.promostream.check.EnvironmentCheck;
import io.promostream.config.Database;
import io.promostream.config.Secret;
import io.promostream.feedback.FeedbackTarget;
import io.promostream.local.Delivery;
import io.promostream.local.EmbeddedDatabase;
import io.promostream.postgres.Connections;
import io.promostream.testing.Pooler;
import io.promostream.testing.Programs;
import io.promostream.testing.PromoJson;
import io.promostream.testing.TestDatabase;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The whole job with both databases behind PgBouncer in transaction mode, with pools no larger than
 * the parallelism.
 */
class PoolerIT {

  private static final int PARALLELISM = 2;
  private static final int CLIENTS = 100;

  @TempDir Path checkpoints;

  @Test
  void deliversOnceThroughPoolerInTransactionMode() throws Exception {
    assumeTrue(Programs.isInstalled("pgbouncer"), "pgbouncer is not installed");
    try (TestJob job = new TestJob(checkpoints);
        Pooler pooler = new Pooler(job.feedback, PARALLELISM)) {
      job.change(
          "--subscribers.db.url=" + pooler.url(job.subscribers),
          "--feedback.db.url=" + pooler.url(job.feedback));
      job.subscribers.execute(
          "INSERT INTO subscribers_restaurants (client_id, restaurant_id)"
              + " SELECT 'client-' || c, 'r' FROM generate_series(1, %d) AS c".formatted(CLIENTS));
      job.start(PARALLELISM);
      send(job, 1, 20);
      job.awaitDeliveries(20 * CLIENTS);

      FeedbackTarget second =
          new FeedbackTarget(job.config().feedback(), job.prefix, "a second job");
      assertThatThrownBy(() -> second.open(new UnregisteredMetricsGroup()))
          .hasMessageContaining("transaction-prefix is in use");

      send(job, 21, 40);
      pooler.restart();
      send(job, 41, 60);
      job.awaitDeliveries(60 * CLIENTS);
      assertThat(job.restarts()).as("neither the second job nor the pooler disturbs").isZero();

      send(job, 61, 80);
      job.start(PARALLELISM, job.stopWithSavepoint(), new Configuration());
      send(job, 81, 100);
      job.awaitCheckpoints();
      job.start(PARALLELISM, job.cancel(), new Configuration());
      send(job, 101, 120);
      job.awaitDeliveries(120 * CLIENTS);
      job.awaitCheckpoints();

      List<String> expected =
          IntStream.rangeClosed(1, 120)
              .boxed()
              .flatMap(
                  campaign ->
                      IntStream.rangeClosed(1, CLIENTS)
                          .mapToObj(client -> campaign + " client-" + client))
              .sorted()
              .toList();
      assertThat(keys(job.rows())).as("rows").isEqualTo(expected);
      assertThat(keys(job.notifications())).as("notifications").isEqualTo(expected);
      assertThat(
              EnvironmentCheck.run(job.config(), new PrintStream(OutputStream.nullOutputStream())))
          .as("--check")
          .isZero();
      job.cancel();
      assertThat(sessionsOf(pooler, job.subscribers)).containsOnly("read committed, off, 0");
      assertThat(sessionsOf(pooler, job.feedback)).containsOnly("read committed, off, 0");
    }
  }

  private static void send(TestJob job, int firstCampaign, int lastCampaign) {
    for (int campaign = firstCampaign; campaign <= lastCampaign; campaign++) {
      job.send(
          PromoJson.good()
              .with("restaurant_id", "\"r\"")
              .with("adv_campaign_id", "\"" + campaign + "\"")
              .bytes());
    }
  }

  /** The settings that later clients find in the sessions that the job used. */
  private static List<String> sessionsOf(Pooler pooler, TestDatabase name) throws Exception {
    Secret password = new Secret(EmbeddedDatabase.SUPERUSER, null);
    Database database = new Database(pooler.url(name), EmbeddedDatabase.SUPERUSER, password);
    try (Connection one = Connections.open(database, "test");
        Connection other = Connections.open(database, "test")) {
      return List.of(session(one), session(other));
    }
  }

  /** Holds the session, so that the next connection gets another one. */
  private static String session(Connection connection) throws SQLException {
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(
                "SELECT concat_ws(', ', current_setting('transaction_isolation'),"
                    + " current_setting('transaction_read_only'), current_setting('statement_timeout'))")) {
      row.next();
      return row.getString(1);
    }
  }

  private static List<String> keys(List<Delivery> deliveries) {
    return deliveries.stream()
        .map(delivery -> delivery.promo().campaignId() + " " + delivery.clientId())
        .sorted()
        .toList();
  }
}
