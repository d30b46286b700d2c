package io.promostream.feedback;

import io.promostream.config.JobConfig;
import io.promostream.config.JobConfig.OnLostTransaction;
import io.promostream.delivery.DeliveryBatch;
import io.promostream.postgres.SqlState;
import io.promostream.postgres.TableLineage;
import io.promostream.replay.Replayer;
import io.promostream.replay.Target;
import io.promostream.serialization.ValueSerializer;
import java.io.IOException;
import java.sql.SQLException;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.streaming.api.lineage.LineageDataset;

/**
 * The target that consists of the feedback table, the commits table and the table of refused rows.
 *
 * @param prefix the job's {@code transaction-prefix}
 * @param owner the name of this start of the job in the lease
 */
public record FeedbackTarget(JobConfig.Feedback config, String prefix, String owner)
    implements Target<DeliveryBatch> {

  /** The size of a row without the texts of its promo. */
  private static final int ROW_BYTES = 200;

  /**
   * A server writes this many rows in about 0.1 s, and 17,000 in 0.4 s. With a checkpoint each
   * second, the benchmark {@code latency} found a p99 of 1.4 s for rows, and 1.7 s with 30,000
   * (medians of three minutes each, in turns).
   */
  private static final int TRANSACTION_ROWS = 5_000;

  @Override
  public ValueSerializer<DeliveryBatch> serializer() {
    return new DeliveryBatch.Serializer();
  }

  @Override
  public int records(DeliveryBatch batch) {
    return batch.clients().size();
  }

  @Override
  public int maxRecords() {
    return TRANSACTION_ROWS;
  }

  @Override
  public long expandedBytes(DeliveryBatch batch) {
    return (long) batch.clients().size() * (batch.promo().textLength() + ROW_BYTES);
  }

  @Override
  public OnLostTransaction onLostCommits() {
    return config.onLostTransaction();
  }

  @Override
  public LineageDataset dataset() {
    return TableLineage.dataset(config.database(), config.table());
  }

  @Override
  public Replayer<DeliveryBatch> open(MetricGroup metrics)
      throws IOException, InterruptedException {
    FeedbackReplayer replayer = new FeedbackReplayer(this, metrics);
    try {
      replayer.open();
      return replayer;
    } catch (InterruptedException e) {
      replayer.close();
      throw e;
    } catch (SQLException e) {
      replayer.close();
      throw failure("The feedback sink cannot start", e);
    } catch (Exception e) {
      replayer.close();
      throw new IOException(withTable("The feedback sink cannot start") + ": " + e.getMessage(), e);
    }
  }

  /** An exception that says what failed, on which table, why, and what to do. */
  IOException failure(String what, SQLException e) {
    return new IOException("%s: %s%s".formatted(withTable(what), e.getMessage(), advice(e)), e);
  }

  /** Adds the table, the database and the role to a message. */
  private String withTable(String what) {
    // Omit the URL's parameters, because they may contain a password.
    return "%s (table %s, %s, role %s)"
        .formatted(
            what,
            config.table(),
            config.database().url().replaceFirst("\\?.*", ""),
            config.database().user());
  }

  private String advice(SQLException e) {
    return switch (String.valueOf(e.getSQLState())) {
      case SqlState.INSUFFICIENT_PRIVILEGE ->
          ". The role needs INSERT on %s and %s, SELECT, INSERT and UPDATE on %s, and USAGE on their schemas and on the sequence of a serial id"
              .formatted(config.table(), config.refusedTable(), config.commitsTable());
      case SqlState.UNDEFINED_TABLE, SqlState.UNDEFINED_COLUMN ->
          ". The job creates no tables. Create them with feedback.sql, which is in the jar, or set feedback.table,"
              + " feedback.commits-table and feedback.refused-table";
      case SqlState.LOCK_NOT_AVAILABLE ->
          ". Another session locks the table. Find it with pg_locks and pg_blocking_pids()";
      default -> "";
    };
  }
}
