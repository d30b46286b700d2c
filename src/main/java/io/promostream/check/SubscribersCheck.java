package io.promostream.check;

import io.promostream.config.JobConfig;
import java.sql.SQLException;
import java.util.Map;
import java.util.Set;

/** Checks the server and the table of the subscriber list. */
final class SubscribersCheck extends DatabaseCheck {

  private static final Set<String> READ = Set.of("client_id", "restaurant_id");

  SubscribersCheck(JobConfig config, Findings findings) {
    super(
        "subscribers",
        config.subscribers().database(),
        config.subscribers().table(),
        "SELECT",
        findings);
  }

  @Override
  void checkServer() throws SQLException {
    // A standby is sufficient, because the job only reads.
    requireVersion(14, "it would compare each subscription with each restaurant that changed");
  }

  @Override
  void checkTable(long oid, Map<String, Column> columns) throws SQLException {
    checkPresent(READ, columns);
    for (Column column : columns.values()) {
      if (READ.contains(column.name()) && !column.isReadableId()) {
        findings.warning(
            subject(),
            column.name() + " is " + column.type(),
            "its values as Postgres prints them are the ids; if they differ, name a view with the ids");
      }
    }
    checkGranted(READ, columns);
    checkRowSecurity(oid, "the job sees only some subscriptions");
  }
}
