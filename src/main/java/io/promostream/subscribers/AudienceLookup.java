package io.promostream.subscribers;

import io.promostream.config.JobConfig;
import io.promostream.postgres.Connections;
import io.promostream.subscribers.SubscribersByRestaurant.Subscribers;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** Reads the audiences of a few restaurants once, by the rules of the refreshes. */
public final class AudienceLookup {

  private AudienceLookup() {}

  /**
   * Reads all audiences from one snapshot of the subscriber list.
   *
   * @param applicationName the name shown in {@code pg_stat_activity}
   * @return the audience of each of the restaurants; empty if it has no subscribers
   */
  public static Map<String, Audience> read(
      JobConfig.Subscribers list,
      ClientIds clientIds,
      Set<String> restaurantIds,
      String applicationName)
      throws SQLException {
    Map<String, Audience> audiences = new HashMap<>();
    if (!restaurantIds.isEmpty()) {
      SubscribersTable table = new SubscribersTable(list.table(), clientIds);
      try (Connection connection = Connections.open(list.database(), applicationName)) {
        table.begin(connection);
        SubscribersByRestaurant read =
            table.subscribers(connection, restaurantIds, false, Long.MAX_VALUE);
        for (Subscribers next = read.poll(); next != null; next = read.poll()) {
          audiences.put(next.restaurantId(), next.audience());
        }
      }
    }
    return audiences;
  }
}
