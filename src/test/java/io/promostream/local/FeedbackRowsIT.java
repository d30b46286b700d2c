package io.promostream.local;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.config.TableName;
import io.promostream.promo.Promo;
import io.promostream.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.Test;

class FeedbackRowsIT {

  private final TestDatabase database = TestDatabase.create().withFeedbackTable();

  @Test
  void countsRowsCommittedAfterRowsWithGreaterIds() throws Exception {
    try (FeedbackRows rows = rows();
        Connection early = database.connect();
        Connection late = database.connect()) {
      late.setAutoCommit(false);
      assertThat(rows.count()).isZero();
      insert(late, "a");
      insert(early, "b");
      assertThat(rows.count()).isEqualTo(1);
      assertThat(rows.count()).isEqualTo(1);
      insert(early, "c");
      assertThat(rows.count()).isEqualTo(2);
      assertThat(rows.count()).isEqualTo(2);
      late.commit();
      for (int again = 0; again < 3; again++) {
        assertThat(rows.count()).isEqualTo(3);
      }
      insert(early, "d");
      assertThat(rows.count()).isEqualTo(4);
    }
  }

  @Test
  void readsAllTenFields() throws Exception {
    try (FeedbackRows rows = rows();
        Connection connection = database.connect()) {
      insert(connection, "a");
      assertThat(rows.read())
          .containsExactly(new Delivery(new Promo("r", "c", "x", "o", "oc", 1, 2, 3), "a", 4));
    }
  }

  private FeedbackRows rows() throws SQLException {
    return new FeedbackRows(database.asSuperuser(), TableName.parse("public.subscribers_feedback"));
  }

  private static void insert(Connection connection, String client) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(
          "INSERT INTO subscribers_feedback (restaurant_id, adv_campaign_id, adv_campaign_content,"
              + " adv_campaign_owner, adv_campaign_owner_contact, adv_campaign_datetime_start,"
              + " adv_campaign_datetime_end, datetime_created, client_id, trigger_datetime_created)"
              + " VALUES ('r', 'c', 'x', 'o', 'oc', 1, 2, 3, '"
              + client
              + "', 4)");
    }
  }
}
