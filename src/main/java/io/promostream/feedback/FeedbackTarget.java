package io.promostream.feedback;

import io.promostream.config.JobConfig;
import io.promostream.config.JobConfig.OnLostTransaction;
import io.promostream.delivery.DeliveryBatch;
import io.promostream.postgres.SqlState;
import io.promostream.replay.Replayer;
import io.promostream.replay.Target;
import io.promostream.serialization.ValueSerializer;
import java.io.IOException;
import java.sql.SQLException;
import org.apache.flink.metrics.MetricGroup;

/**
 * The feedback table, the commits table and the table of refused rows.
 *
 * @param prefix the job's {@code transaction-prefix}
 * @param owner the name of this start of the job in the lease
 */
public record FeedbackTarget(JobConfig.Feedback config, String prefix, String owner)
    implements Target<DeliveryBatch> {

  /** What a row takes beside its promo's texts. */
  private static final int ROW_BYTES = 200;

  @Override
  public ValueSerializer<DeliveryBatch> serializer() {
    return new DeliveryBatch.Serializer();
  }

  @Override
  public int records(DeliveryBatch batch) {
    return batch.clients().size();
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
      throw failure("The feedback sink did not start", e);
    } catch (Exception e) {
      replayer.close();
      throw new IOException(at("The feedback sink did not start") + ": " + e.getMessage(), e);
    }
  }

  /** What failed, where, why, and what to do about it. */
  IOException failure(String what, SQLException e) {
    return new IOException("%s: %s%s".formatted(at(what), e.getMessage(), advice(e)), e);
  }

  /** What happened, and to which table. */
  private String at(String what) {
    // What follows the question mark may hold a password.
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
          ". The role needs INSERT on %s and %s, SELECT, INSERT and UPDATE on %s, USAGE on their schemas and on the sequence of a serial id"
              .formatted(config.table(), config.refusedTable(), config.commitsTable());
      case SqlState.UNDEFINED_TABLE, SqlState.UNDEFINED_COLUMN ->
          ". The job creates no tables: create them as feedback.sql in the jar says, or set feedback.table, feedback.commits-table"
              + " and feedback.refused-table";
      case SqlState.LOCK_NOT_AVAILABLE ->
          ". Another session locks the table: pg_locks and pg_blocking_pids() tell which";
      default -> "";
    };
  }
}
