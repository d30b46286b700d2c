package io.promostream.feedback;

import java.io.IOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.JobID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets one writer at a time work under a prefix and subtask: an advisory lock that its session
 * holds until it ends, also over {@code PREPARE TRANSACTION}. Whoever holds it may roll back what
 * others left prepared, and nobody is left who could prepare more under that name.
 */
final class SubtaskLock {

  private static final Logger LOG = LoggerFactory.getLogger(SubtaskLock.class);

  /** How long a session that holds the lock is given to end, 10 s. */
  private static final int TRIES = 100;

  private static final int PAUSE_MILLIS = 100;

  private static final String TRY = "SELECT pg_try_advisory_lock(hashtextextended(?, 0))";

  /** The sessions that hold a lock, by its name. */
  private static final String OF_HOLDERS =
      """
      FROM pg_locks JOIN pg_stat_activity USING (pid)
      WHERE locktype = 'advisory' AND granted AND objsubid = 1
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND (classid::int8 << 32) | objid::int8 = hashtextextended(?, 0)
      """;

  private static final String HOLDERS =
      """
      SELECT pid, application_name, usename, client_addr, backend_start,
             CASE WHEN application_name LIKE ? THEN pg_terminate_backend(pid) ELSE false END AS ended
      """
          + OF_HOLDERS;

  private static final String NAMES_OF_HOLDERS =
      """
      SELECT application_name
      """
          + OF_HOLDERS;

  private SubtaskLock() {}

  /** How the {@code application_name} of a job's own sessions begins. */
  static String sessionsOf(JobID job) {
    return "promo-stream feedback " + job.toHexString() + " ";
  }

  private static String name(String prefix, int subtask) {
    return "promo-stream feedback " + prefix + "/" + subtask;
  }

  /** The {@code application_name} of each session that holds a lock; touches none. */
  static List<String> holders(Connection connection, String prefix, int subtask)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(NAMES_OF_HOLDERS)) {
      statement.setString(1, name(prefix, subtask));
      try (ResultSet result = statement.executeQuery()) {
        List<String> names = new ArrayList<>();
        while (result.next()) {
          names.add(result.getString(1));
        }
        return names;
      }
    }
  }

  /**
   * Takes the lock. A session of the same job that holds it is an earlier attempt, thought dead:
   * its backend is ended. Any other is given 10 s to go.
   *
   * @param job how the {@code application_name} of the job's own sessions begins
   * @throws IOException if somebody else holds the lock, saying who
   */
  static void take(Connection connection, String prefix, int subtask, String job)
      throws SQLException, IOException, InterruptedException {
    String name = name(prefix, subtask);
    List<String> holders = List.of();
    for (int tries = 0; tries < TRIES; tries++) {
      if (tryLock(connection, name)) {
        return;
      }
      holders = holders(connection, name, job);
      Thread.sleep(PAUSE_MILLIS);
    }
    throw new IOException(
        ("transaction-prefix %s is in use: subtask %d's lock is held by %s. Each job that shares a database needs a"
                + " transaction-prefix of its own. If the job of that session no longer runs, end it:"
                + " SELECT pg_terminate_backend(its pid)")
            .formatted(prefix, subtask, String.join(" and ", holders)));
  }

  private static boolean tryLock(Connection connection, String name) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(TRY)) {
      statement.setString(1, name);
      try (ResultSet result = statement.executeQuery()) {
        result.next();
        return result.getBoolean(1);
      }
    }
  }

  /** Who holds the lock; ends those who are of the same job. */
  private static List<String> holders(Connection connection, String name, String job)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(HOLDERS)) {
      statement.setString(1, job + "%");
      statement.setString(2, name);
      try (ResultSet result = statement.executeQuery()) {
        List<String> holders = new ArrayList<>();
        while (result.next()) {
          String holder =
              "pid %s (application %s, role %s, from %s, since %s)"
                  .formatted(
                      result.getString(1),
                      result.getString(2),
                      result.getString(3),
                      result.getString(4),
                      result.getString(5));
          if (result.getBoolean("ended")) {
            LOG.warn("ended {}, an earlier attempt of this job that held lock {}", holder, name);
          }
          holders.add(holder);
        }
        return holders;
      }
    }
  }
}
