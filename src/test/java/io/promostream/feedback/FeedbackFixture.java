package io.promostream.feedback;

import io.promostream.config.Database;
import io.promostream.config.JobConfig;
import io.promostream.config.JobConfig.OnLostTransaction;
import io.promostream.config.TableName;
import io.promostream.delivery.DeliveryBatch;
import io.promostream.promo.Promo;
import io.promostream.replay.Committable;
import io.promostream.subscribers.Audience;
import io.promostream.testing.TestDatabase;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** What the tests of the feedback sink have in common. */
final class FeedbackFixture {

  static final String PREFIX = "test";

  private FeedbackFixture() {}

  static FeedbackTarget target(Database database, String owner, OnLostTransaction onLost) {
    JobConfig.Feedback config =
        new JobConfig.Feedback(
            database,
            TableName.parse("public.subscribers_feedback"),
            TableName.parse("public.promo_stream_commits"),
            TableName.parse("public.subscribers_feedback_refused"),
            onLost);
    return new FeedbackTarget(config, PREFIX, owner);
  }

  /** A target that fails when commits are lost. */
  static FeedbackTarget target(Database database, String owner) {
    return target(database, owner, OnLostTransaction.FAIL);
  }

  /** A campaign of restaurant r, to some clients. */
  static DeliveryBatch batch(String campaign, String... clients) {
    return new DeliveryBatch(
        new Promo("r", campaign, "content", "owner", "contact", 1, 2_000_000_000, 1),
        1_700_000_000,
        Audience.of(clients));
  }

  /** A committable that stands for so many records. */
  static Committable committable(long sequence, int records) {
    return new Committable(sequence, 1, new byte[0], records, records, Long.MAX_VALUE, 0);
  }

  /** All rows, {@code campaign,client}. */
  static List<String> rows(TestDatabase database) {
    return database.query(
        "SELECT adv_campaign_id, client_id FROM subscribers_feedback ORDER BY 1, 2");
  }

  /** The rows that campaigns of these numbers lead to, if each goes to the clients a and b. */
  static List<String> rowsOf(int firstCampaign, int lastCampaign) {
    return IntStream.rangeClosed(firstCampaign, lastCampaign)
        .boxed()
        .flatMap(campaign -> Stream.of(campaign + ",a", campaign + ",b"))
        .sorted()
        .toList();
  }

  /** How many transactions on a database wait for a lock. */
  static int waitingForLock(TestDatabase database) {
    return database
        .query(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
        .size();
  }
}
