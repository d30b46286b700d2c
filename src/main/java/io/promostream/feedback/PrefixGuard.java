package io.promostream.feedback;

import io.promostream.config.Database;
import io.promostream.config.JobConfig;
import java.io.IOException;
import java.io.Serializable;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.apache.flink.api.common.JobID;

/**
 * Lets the Kafka sinks of a job begin when its feedback sink has the job's prefix for itself. A
 * Kafka sink that starts aborts what is open under its prefix, and Kafka has nothing to keep it
 * from doing so to another job that runs; Postgres has, by {@link SubtaskLock}.
 */
public final class PrefixGuard implements Serializable {

  /** Longer than the feedback sink tries to get its lock. */
  private static final int TRIES = 300;

  private static final int PAUSE_MILLIS = 100;

  private final Database database;
  private final String prefix;

  /** Guards a job's transaction-prefix, by the database of its feedback table. */
  public PrefixGuard(JobConfig.Feedback feedback, String prefix) {
    this.database = feedback.database();
    this.prefix = prefix;
  }

  /**
   * Waits until a feedback writer of this job holds the lock of the first subtask, which there is
   * at any parallelism.
   *
   * @throws IOException if another job holds it, or the database can't be asked
   */
  public void await(JobID job) throws IOException {
    try (Connection connection =
        database.connect("promo-stream prefix guard " + job.toHexString())) {
      List<String> holders = List.of();
      for (int tries = 0; tries < TRIES; tries++) {
        holders = SubtaskLock.holders(connection, prefix, 0);
        if (holders.stream().anyMatch(name -> name.startsWith(SubtaskLock.sessionsOf(job)))) {
          return;
        }
        Thread.sleep(PAUSE_MILLIS);
      }
      throw new IOException(
          ("transaction-prefix %s is in use, or the feedback sink did not start: its lock is held by %s. Each job that shares"
                  + " a broker or a database needs a transaction-prefix of its own")
              .formatted(prefix, holders.isEmpty() ? "nobody" : String.join(" and ", holders)));
    } catch (SQLException e) {
      throw new IOException(
          "transaction-prefix %s is not known to be free: %s (%s)"
              .formatted(prefix, e.getMessage(), database.url().replaceFirst("\\?.*", "")),
          e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }
}
