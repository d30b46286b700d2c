package io.promostream.feedback;

import io.promostream.config.Database;
import io.promostream.postgres.Connections;
import io.promostream.postgres.TransactionSettings;
import io.promostream.replay.EarlierTransactions.Inspector;
import io.promostream.replay.EarlierTransactions.Outcome;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/** Asks Postgres for the outcome of the prepared transactions of release 0.1. */
public record EarlierFeedbackTransactions(Database database)
    implements Inspector<FeedbackCommittable> {

  private static final String STATUS =
      """
      SELECT EXISTS (SELECT FROM pg_prepared_xacts WHERE gid = ?) AS prepared,
             CASE WHEN ?::int8 < pg_snapshot_xmax(pg_current_snapshot())::text::int8
                  THEN pg_xact_status(?::text::xid8) END AS status
      """;

  @Override
  public SimpleVersionedSerializer<FeedbackCommittable> serializer() {
    return new FeedbackCommittable.Serializer();
  }

  @Override
  public List<Outcome> outcomes(List<FeedbackCommittable> transactions) throws SQLException {
    List<Outcome> outcomes = new ArrayList<>();
    try (Connection connection = Connections.open(database, "promo-stream upgrade");
        PreparedStatement statement = connection.prepareStatement(STATUS)) {
      TransactionSettings.beginCatalog(connection);
      for (FeedbackCommittable transaction : transactions) {
        statement.setString(1, transaction.gid());
        statement.setLong(2, transaction.xid());
        statement.setLong(3, transaction.xid());
        try (ResultSet row = statement.executeQuery()) {
          row.next();
          outcomes.add(
              row.getBoolean("prepared")
                  ? Outcome.OPEN
                  : outcome(String.valueOf(row.getString("status"))));
        }
      }
    }
    return outcomes;
  }

  private static Outcome outcome(String status) {
    return switch (status) {
      case "committed" -> Outcome.COMMITTED;
      case "in progress" -> Outcome.OPEN;
      case "aborted" -> Outcome.LOST;
      default -> Outcome.UNKNOWN;
    };
  }
}
