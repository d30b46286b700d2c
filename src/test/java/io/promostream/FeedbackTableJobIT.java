package io.promostream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.local.Delivery;
import io.promostream.testing.PromoJson;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The job with feedback tables that refuse some rows. All other deliveries must be unaffected. */
class FeedbackTableJobIT {

  private static final String UUID = "1b4e28ba-2fa1-11d2-883f-0016d3cca427";

  @TempDir Path checkpoints;

  private static PromoJson promo(String restaurant, String campaign) {
    return PromoJson.good()
        .with("restaurant_id", "\"" + restaurant + "\"")
        .with("adv_campaign_id", "\"" + campaign + "\"");
  }

  private static List<String> texts(List<Delivery> deliveries) {
    return deliveries.stream()
        .map(d -> d.promo().restaurantId() + " " + d.promo().campaignId() + " " + d.clientId())
        .toList();
  }

  /** Each restaurant but one is named after the reason why the table refuses its rows. */
  @ParameterizedTest
  @ValueSource(strings = {"exactly-once", "at-least-once"})
  void refusedRowsDoNotBlockOtherRows(String guarantee) throws Exception {
    try (TestJob job = new TestJob(checkpoints, "--delivery.guarantee=" + guarantee)) {
      job.feedback.execute(
          """
          CREATE TABLE restaurants (id text PRIMARY KEY);
          INSERT INTO restaurants VALUES ('good'), ('unique'), ('check'), ('raise'), ('broken'), ('long');
          CREATE TABLE total (rows int); INSERT INTO total VALUES (0);
          CREATE FUNCTION judge() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW.restaurant_id = 'raise' THEN RAISE 'no' USING ERRCODE = '40001'; END IF;
            IF NEW.restaurant_id = 'broken' THEN INSERT INTO nothing VALUES (1); END IF;
            RETURN NEW; END $$;
          CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            UPDATE total SET rows = rows + 1; NOTIFY feedback; RETURN NULL; END $$;
          CREATE TABLE parted (LIKE subscribers_feedback INCLUDING IDENTITY)
            PARTITION BY LIST (restaurant_id);
          CREATE TABLE part PARTITION OF parted
            FOR VALUES IN ('good', 'unique', 'check', 'foreign', 'raise', 'broken', 'long');
          CREATE UNIQUE INDEX ON part (restaurant_id) WHERE restaurant_id = 'unique';
          ALTER TABLE parted ADD CHECK (restaurant_id <> 'check'),
            ADD FOREIGN KEY (restaurant_id) REFERENCES restaurants DEFERRABLE INITIALLY DEFERRED,
            ALTER COLUMN trigger_datetime_created TYPE int4;
          CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW.restaurant_id = 'long' THEN PERFORM repeat('x', 300)::name::text::int; END IF; RETURN NEW; END $$;
          CREATE TRIGGER cut BEFORE INSERT ON parted FOR EACH ROW EXECUTE FUNCTION cut();
          CREATE TRIGGER judge BEFORE INSERT ON parted FOR EACH ROW EXECUTE FUNCTION judge();
          CREATE TRIGGER tell AFTER INSERT ON parted FOR EACH ROW EXECUTE FUNCTION tell();
          DROP TABLE subscribers_feedback;
          ALTER TABLE parted RENAME TO subscribers_feedback""");
      List<String> refusing =
          List.of("unique", "check", "foreign", "partition", "raise", "broken", "long");
      List<String> notified = new ArrayList<>();
      List<String> refused = new ArrayList<>();
      for (String restaurant : refusing) {
        for (String client : List.of("a", "b")) {
          job.subscribe(client, restaurant);
          notified.add(restaurant + " c " + client);
          refused.add(restaurant + " c " + client);
        }
      }
      job.subscribe("a", "good");
      job.start(2);
      job.send(promo("good", "first").bytes());
      for (String restaurant : refusing) {
        job.send(promo(restaurant, "c").bytes());
        job.send(promo("good", "beside " + restaurant).bytes());
      }
      job.send(promo("good", "last").bytes());
      notified.add("good first a");
      notified.add("good last a");
      refusing.forEach(restaurant -> notified.add("good beside " + restaurant + " a"));
      TestJob.await(
          "all that is not refused",
          () ->
              job.notifications().size() >= notified.size()
                  && job.rows().size() >= notified.size() - refused.size() + 1
                  && job.feedback
                      .query("SELECT count(*) FROM subscribers_feedback_refused")
                      .equals(List.of("13")));
      job.awaitCheckpoints();
      assertThat(texts(job.notifications())).containsExactlyInAnyOrderElementsOf(notified);
      List<String> setAside =
          job.feedback.query(
              "SELECT concat_ws(' ', restaurant_id, adv_campaign_id, client_id) FROM subscribers_feedback_refused");
      List<String> written = texts(job.rows());
      // The unique index accepts one of the two rows.
      assertThat(written).filteredOn(row -> row.startsWith("unique ")).hasSize(1);
      List<String> all = new ArrayList<>(setAside);
      all.addAll(written);
      assertThat(all).containsExactlyInAnyOrderElementsOf(notified);
      assertThat(
              job.feedback.query(
                  "SELECT DISTINCT restaurant_id, left(reason, 5) FROM subscribers_feedback_refused ORDER BY 1"))
          .containsExactly(
              "broken,42P01",
              "check,23514",
              "foreign,23503",
              "long,22P02",
              "partition,23514",
              "raise,40001",
              "unique,23505");
      assertThat(job.feedback.query("SELECT rows FROM total")).containsExactly("" + written.size());
      assertThat(job.restarts()).isZero();
    }
  }

  @Test
  void skipsPromosAndSubscriptionsThatTheTableCannotHold() throws Exception {
    try (TestJob job = new TestJob(checkpoints)) {
      job.feedback.execute(
          """
          ALTER TABLE subscribers_feedback ALTER COLUMN client_id TYPE uuid USING NULL,
            ALTER COLUMN adv_campaign_content TYPE varchar(20),
            ALTER COLUMN adv_campaign_datetime_end TYPE int4,
            ALTER COLUMN restaurant_id TYPE varchar(4)""");
      job.subscribe(UUID, "good");
      job.subscribe("anna", "good");
      job.subscribe(UUID, "longer");
      job.start(2);
      job.send(
          promo("good", "first")
              .with("adv_campaign_content", "\"😀\"")
              .with("adv_campaign_datetime_end", "2147483647")
              .bytes());
      List<byte[]> unstorable =
          List.of(
              promo("longer", "c").with("adv_campaign_content", "\"\"").bytes(),
              promo("good", "c").with("adv_campaign_content", "\"" + "x".repeat(21) + "\"").bytes(),
              promo("good", "c")
                  .with("adv_campaign_content", "\"\"")
                  .with("adv_campaign_datetime_end", "2147483648")
                  .bytes());
      unstorable.forEach(job::send);
      job.send(
          promo("good", "last")
              .with("adv_campaign_content", "\"" + "😀".repeat(20) + "\"")
              .with("adv_campaign_datetime_end", "2147483647")
              .bytes());
      job.awaitDeliveries(2);
      TestJob.await("the rejected promos", () -> job.rejected().size() >= unstorable.size());
      job.awaitCheckpoints();
      assertThat(texts(job.notifications()))
          .containsExactlyInAnyOrder("good first " + UUID, "good last " + UUID);
      assertThat(job.rows()).containsExactlyInAnyOrderElementsOf(job.notifications());
      assertThat(job.rejected())
          .allSatisfy(
              message ->
                  assertThat(message.headers().lastHeader("reject.reason").value())
                      .asString(UTF_8)
                      .isEqualTo("unstorable-value"))
          .extracting(
              message -> new String(message.headers().lastHeader("reject.detail").value(), UTF_8))
          .containsExactlyInAnyOrder(
              "restaurant_id is longer than 4 characters for its column of the feedback table",
              "adv_campaign_content is longer than 20 characters for its column of the feedback table",
              "adv_campaign_datetime_end is greater than 2147483647 for its column of the feedback table");
      assertThat(job.feedback.query("SELECT count(*) FROM subscribers_feedback_refused"))
          .containsExactly("0");
      assertThat(job.restarts()).isZero();
    }
  }

  /** A fresh start has no state, so only the unique index recognizes earlier deliveries. */
  @ParameterizedTest
  @ValueSource(strings = {"exactly-once", "at-least-once"})
  void freshStartSkipsRowsFoundInUniqueIndex(String guarantee) throws Exception {
    try (TestJob job =
        new TestJob(
            checkpoints, "--promos.start-from=earliest", "--delivery.guarantee=" + guarantee)) {
      job.feedback.execute(
          "CREATE UNIQUE INDEX ON subscribers_feedback (restaurant_id, adv_campaign_id, client_id)");
      job.subscribe("a", "r");
      job.start(2);
      job.send(promo("r", "c").bytes());
      job.awaitDeliveries(1);
      job.awaitCheckpoints();
      job.cancel();

      job.subscribe("b", "r");
      job.start(2);
      TestJob.await(
          "the new row and three notifications",
          () -> job.rows().size() >= 2 && job.notifications().size() >= 3);
      job.awaitCheckpoints();
      assertThat(texts(job.rows())).containsExactlyInAnyOrder("r c a", "r c b");
      assertThat(texts(job.notifications())).containsExactlyInAnyOrder("r c a", "r c a", "r c b");
      assertThat(job.feedback.query("SELECT count(*) FROM subscribers_feedback_refused"))
          .containsExactly("0");
    }
  }
}
