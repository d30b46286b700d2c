package io.promostream.feedback;

import io.promostream.config.Database;
import io.promostream.config.JobConfig;
import io.promostream.config.JobConfig.OnLostTransaction;
import io.promostream.config.TableName;
import io.promostream.delivery.DeliveryBatch;
import io.promostream.postgres.Connections;
import io.promostream.promo.Promo;
import io.promostream.subscribers.Audience;
import io.promostream.testing.Metrics;
import io.promostream.testing.TestDatabase;
import java.sql.Connection;
import java.util.List;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.metrics.groups.UnregisteredMetricGroups;

/** A database with a feedback table, and sessions that write into it. */
final class FeedbackTableFixture {

  static final long CREATED = 1_700_000_000;

  final TestDatabase database;
  private final MetricGroup metrics =
      UnregisteredMetricGroups.createUnregisteredOperatorMetricGroup();
  private final FeedbackSession.Counters counters = FeedbackSession.Counters.of(metrics);

  FeedbackTableFixture(TestDatabase database) {
    this.database = database;
  }

  /** A database of its own, with the project's DDL and some statements more. */
  static FeedbackTableFixture with(String ddl) {
    TestDatabase database = TestDatabase.create().withFeedbackTable();
    database.execute(ddl);
    return new FeedbackTableFixture(database);
  }

  static Promo promo(String restaurant, String campaign) {
    return new Promo(
        restaurant, campaign, "content", "owner", "contact", CREATED, CREATED + 1, CREATED + 2);
  }

  static DeliveryBatch batch(Promo promo, String... clients) {
    return new DeliveryBatch(promo, CREATED + 3, Audience.of(clients));
  }

  JobConfig.Feedback config(String table, Database as) {
    return new JobConfig.Feedback(
        as,
        TableName.parse(table),
        TableName.parse("public.promo_stream_commits"),
        TableName.parse("public.subscribers_feedback_refused"),
        OnLostTransaction.FAIL);
  }

  FeedbackTable describe() throws Exception {
    return FeedbackTable.describe(config("public.subscribers_feedback", database.asSuperuser()));
  }

  /** Writes in one transaction, on a connection of its own, whose time zone must not matter. */
  void write(DeliveryBatch... batches) throws Exception {
    writeInto("public.subscribers_feedback", database.asSuperuser(), batches);
  }

  void writeInto(String table, Database as, DeliveryBatch... batches) throws Exception {
    try (Connection connection = Connections.open(as, "test")) {
      connection.createStatement().execute("SET timezone = 'Asia/Tokyo'");
      new FeedbackSession(config(table, as), connection, counters)
          .write(c -> null, List.of(batches));
    }
  }

  FeedbackSession session(Connection connection) throws Exception {
    JobConfig.Feedback config = config("public.subscribers_feedback", database.asSuperuser());
    return new FeedbackSession(config, connection, counters);
  }

  /** Rows that were written, refused, and there already. */
  List<Long> counts() {
    return List.of(
        Metrics.value(metrics, "rowsWritten"),
        Metrics.value(metrics, "rowsRefused"),
        Metrics.value(metrics, "rowsAlreadyThere"));
  }

  /** Restaurant, campaign and client of each row, with spaces between. */
  List<String> rows() {
    return deliveries("subscribers_feedback");
  }

  List<String> refused() {
    return deliveries("subscribers_feedback_refused");
  }

  private List<String> deliveries(String table) {
    return database.query(
        "SELECT concat_ws(' ', restaurant_id, adv_campaign_id, client_id) FROM %s ORDER BY 1"
            .formatted(table));
  }

  List<String> reasons() {
    return database.query("SELECT reason FROM subscribers_feedback_refused ORDER BY id");
  }
}
