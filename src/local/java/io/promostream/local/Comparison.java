package io.promostream.local;

import io.promostream.config.Database;
import io.promostream.config.TableName;
import io.promostream.postgres.Connections;
import io.promostream.postgres.Identifiers;
import io.promostream.promo.Promo;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/**
 * Compares the committed notifications with the feedback rows, row by row on all ten fields. Each
 * must occur equally often on both sides. The database does the work in a temporary table, so that
 * millions of rows need no memory here.
 *
 * @param notifications number of notifications in Kafka
 * @param malformed number of notifications that break the format; only the others are compared
 * @param rows number of rows in Postgres
 * @param notificationsWithoutRow a delivery with a field that differs counts here and in {@code
 *     rowsWithoutNotification}
 * @param notificationsTwice notifications after the first for the same restaurant, campaign and
 *     client
 * @param rowsTwice rows after the first for the same restaurant, campaign and client
 * @param examples a few differences of each kind
 * @param campaigns the largest ones
 */
public record Comparison(
    long notifications,
    long malformed,
    long rows,
    long notificationsWithoutRow,
    long rowsWithoutNotification,
    long notificationsTwice,
    long rowsTwice,
    List<String> examples,
    List<Campaign> campaigns) {

  private static final int EXAMPLES_OF_A_KIND = 3;
  private static final int LARGEST_CAMPAIGNS = 5;

  private static final String FIELDS =
      "restaurant_id, adv_campaign_id, adv_campaign_content, adv_campaign_owner,"
          + " adv_campaign_owner_contact, adv_campaign_datetime_start, adv_campaign_datetime_end,"
          + " client_id, datetime_created, trigger_datetime_created";

  /** The deliveries of a campaign on each side. */
  public record Campaign(String content, long notifications, long rows) {}

  /**
   * Compares everything that is committed at this moment.
   *
   * @param topic has not been read yet
   * @param database connects as a role that may read the table and create temporary tables
   */
  public static Comparison of(Notifications topic, Database database, TableName table)
      throws SQLException, IOException {
    try (Connection connection = Connections.open(database, "promo-stream comparison")) {
      return new Query(connection, Identifiers.quote(table)).compare(topic);
    }
  }

  /** True if no delivery is missing, unexpected, repeated or malformed. */
  public boolean clean() {
    return malformed == 0
        && notificationsWithoutRow == 0
        && rowsWithoutNotification == 0
        && notificationsTwice == 0
        && rowsTwice == 0;
  }

  /** A report for people, without a line break at its end. */
  public String report() {
    List<String> lines = new ArrayList<>();
    lines.add("Kafka and Postgres compared, row by row on all ten fields:");
    lines.add(line("notifications", notifications));
    lines.add(line("feedback rows", rows));
    lines.add(line("notifications without a row", notificationsWithoutRow));
    lines.add(line("rows without a notification", rowsWithoutNotification));
    lines.add(line("repeated notifications", notificationsTwice));
    lines.add(line("repeated rows", rowsTwice));
    lines.add(line("malformed notifications", malformed));
    examples.forEach(example -> lines.add("  " + example));
    if (!campaigns.isEmpty()) {
      lines.add("The largest campaigns (notifications, rows):");
    }
    for (Campaign campaign : campaigns) {
      lines.add(
          "  %,10d %,10d  %s".formatted(campaign.notifications, campaign.rows, campaign.content));
    }
    lines.add(clean() ? "They are equal." : "THEY DIFFER.");
    return String.join(System.lineSeparator(), lines);
  }

  private static String line(String what, long count) {
    return "  %-30s %,12d".formatted(what, count);
  }

  /** The comparison's work, on one connection. */
  private static final class Query {

    private final Statement statement;
    private final Connection connection;
    private final String rows;
    private final List<String> examples = new ArrayList<>();

    Query(Connection connection, String rows) throws SQLException {
      this.connection = connection;
      this.statement = connection.createStatement();
      this.rows = rows;
    }

    Comparison compare(Notifications topic) throws SQLException, IOException {
      statement.execute("SET work_mem = '128MB'");
      statement.execute(
          "CREATE TEMPORARY TABLE notifications AS SELECT "
              + FIELDS
              + " FROM "
              + rows
              + " LIMIT 0");
      long malformed = load(topic);
      statement.execute(
          "CREATE TEMPORARY VIEW both_sides AS SELECT "
              + FIELDS
              + ", 1 AS side FROM notifications UNION ALL SELECT "
              + FIELDS
              + ", -1 FROM "
              + rows);
      statement.execute(
          "CREATE TEMPORARY TABLE differing AS SELECT "
              + FIELDS
              + ", sum(side) AS surplus FROM both_sides GROUP BY "
              + FIELDS
              + " HAVING sum(side) <> 0");
      return new Comparison(
          number("SELECT count(*) FROM notifications") + malformed,
          malformed,
          number("SELECT count(*) FROM " + rows),
          surplus("notification without a row", "WHERE surplus > 0"),
          surplus("row without a notification", "WHERE surplus < 0"),
          again("notification", "notifications"),
          again("row", rows),
          List.copyOf(examples),
          campaigns());
    }

    private long load(Notifications topic) throws SQLException, IOException {
      long[] malformed = {0};
      try (CopyIn copy = new CopyIn(connection, "notifications")) {
        topic.read(
            message -> {
              try {
                write(Notifications.parse(message), copy);
              } catch (IllegalArgumentException e) {
                if (malformed[0]++ < EXAMPLES_OF_A_KIND) {
                  examples.add("malformed notification: " + e.getMessage());
                }
              }
            });
      }
      return malformed[0];
    }

    private static void write(Delivery delivery, CopyIn copy) {
      Promo promo = delivery.promo();
      try {
        copy.row(
            promo.restaurantId(),
            promo.campaignId(),
            promo.content(),
            promo.owner(),
            promo.ownerContact(),
            promo.start(),
            promo.end(),
            delivery.clientId(),
            promo.created(),
            delivery.matchedAt());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private long surplus(String what, String side) throws SQLException {
      example(what, "SELECT differing::text FROM differing " + side);
      return number("SELECT coalesce(sum(abs(surplus)), 0) FROM differing " + side);
    }

    private long again(String what, String table) throws SQLException {
      String doubles =
          " FROM (SELECT restaurant_id, adv_campaign_id, client_id, count(*) AS times FROM "
              + table
              + " GROUP BY restaurant_id, adv_campaign_id, client_id HAVING count(*) > 1) AS twice";
      example("repeated " + what, "SELECT twice::text" + doubles);
      return number("SELECT coalesce(sum(times - 1), 0)" + doubles);
    }

    private List<Campaign> campaigns() throws SQLException {
      List<Campaign> campaigns = new ArrayList<>();
      try (ResultSet result =
          statement.executeQuery(
              "SELECT max(adv_campaign_content), count(*) FILTER (WHERE side = 1),"
                  + " count(*) FILTER (WHERE side = -1) FROM both_sides"
                  + " GROUP BY restaurant_id, adv_campaign_id"
                  + " ORDER BY count(*) DESC, restaurant_id, adv_campaign_id LIMIT "
                  + LARGEST_CAMPAIGNS)) {
        while (result.next()) {
          campaigns.add(new Campaign(result.getString(1), result.getLong(2), result.getLong(3)));
        }
      }
      return campaigns;
    }

    private void example(String what, String query) throws SQLException {
      try (ResultSet result = statement.executeQuery(query + " LIMIT " + EXAMPLES_OF_A_KIND)) {
        while (result.next()) {
          examples.add(what + ": " + result.getString(1));
        }
      }
    }

    private long number(String query) throws SQLException {
      try (ResultSet result = statement.executeQuery(query)) {
        result.next();
        return result.getLong(1);
      }
    }
  }
}
