package io.promostream.local.page;

import io.promostream.config.Database;
import io.promostream.postgres.Connections;
import io.promostream.postgres.Identifiers;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** The subscribers table, as the service that owns it changes it. */
final class Subscriptions {

  private static final int POPULAR = 20;

  private final Database database;
  private final String table;

  Subscriptions(Site site) {
    database = site.subscribers();
    table = Identifiers.quote(site.subscribersTable());
  }

  /** A restaurant and the number of its subscribers. */
  record Restaurant(String id, long subscribers) {}

  /** Adds a subscription, unless the table has it. */
  void subscribe(String clientId, String restaurantId) throws SQLException {
    change(
        "INSERT INTO %1$s (client_id, restaurant_id) SELECT c, r FROM (VALUES (?, ?)) AS new (c, r)"
            + " WHERE NOT EXISTS (SELECT FROM %1$s WHERE client_id = c AND restaurant_id = r)",
        clientId, restaurantId);
  }

  /** Deletes all rows of a subscription. */
  void unsubscribe(String clientId, String restaurantId) throws SQLException {
    change("DELETE FROM %s WHERE client_id = ? AND restaurant_id = ?", clientId, restaurantId);
  }

  private void change(String sql, String clientId, String restaurantId) throws SQLException {
    try (Connection connection = connect();
        PreparedStatement statement = connection.prepareStatement(sql.formatted(table, table))) {
      statement.setString(1, clientId);
      statement.setString(2, restaurantId);
      statement.execute();
    }
  }

  /** The restaurants with the most subscribers. */
  List<Restaurant> popular() throws SQLException {
    List<Restaurant> restaurants = new ArrayList<>();
    try (Connection connection = connect();
        PreparedStatement statement =
            connection.prepareStatement(
                "SELECT restaurant_id, count(DISTINCT client_id) AS clients FROM "
                    + table
                    + " GROUP BY restaurant_id ORDER BY clients DESC, restaurant_id LIMIT "
                    + POPULAR);
        ResultSet row = statement.executeQuery()) {
      while (row.next()) {
        restaurants.add(new Restaurant(row.getString(1), row.getLong(2)));
      }
    }
    return restaurants;
  }

  private Connection connect() throws SQLException {
    return Connections.open(database, "promo-stream page");
  }
}
