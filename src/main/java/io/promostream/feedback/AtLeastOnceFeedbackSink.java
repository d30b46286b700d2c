package io.promostream.feedback;

import io.promostream.config.JobConfig;
import io.promostream.delivery.DeliveryBatch;
import io.promostream.metrics.JobMetric;
import io.promostream.metrics.RecentMax;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.connector.jdbc.JdbcExecutionOptions;
import org.apache.flink.connector.jdbc.core.datastream.sink.JdbcSink;
import org.apache.flink.connector.jdbc.datasource.connections.JdbcConnectionProvider;
import org.apache.flink.metrics.Counter;
import org.apache.flink.util.IOUtils;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes a feedback row for each notification, at least once: by the connector's {@link JdbcSink},
 * which holds a batch for 100 ms at most and none over a checkpoint.
 *
 * <p>That sink's writer tries once more to write when it is closed after a failure, and throws when
 * that fails too. Flink takes this for fatal: each outage of the database would shut down every
 * TaskManager. Here that error is logged; what was not written comes again after the restart.
 */
public final class AtLeastOnceFeedbackSink implements Sink<DeliveryBatch> {

  private static final Logger LOG = LoggerFactory.getLogger(AtLeastOnceFeedbackSink.class);

  private final FeedbackTarget target;

  public AtLeastOnceFeedbackSink(JobConfig.Feedback feedback) {
    target = new FeedbackTarget(feedback.database(), feedback.table());
  }

  @Override
  public SinkWriter<DeliveryBatch> createWriter(WriterInitContext context) throws IOException {
    String applicationName =
        "promo-stream feedback %s %d"
            .formatted(
                context.getJobInfo().getJobId().toHexString(),
                context.getTaskInfo().getIndexOfThisSubtask());
    return new Writer(
        target,
        JdbcSink.<DeliveryBatch>builder()
            .withQueryStatement(
                FeedbackStatement.sql(target.table()),
                (statement, batch) -> FeedbackStatement.bind(statement, List.of(batch)))
            .withExecutionOptions(
                JdbcExecutionOptions.builder().withBatchSize(100).withBatchIntervalMs(100).build())
            .buildAtLeastOnce(new Connections(target, applicationName))
            .createWriter(context),
        JobMetric.ROWS_WRITTEN.counter(context.metricGroup()),
        JobMetric.DELIVERY_DELAY.recentMax(context.metricGroup()));
  }

  private record Writer(
      FeedbackTarget target,
      SinkWriter<DeliveryBatch> writer,
      Counter rowsWritten,
      RecentMax deliveryDelay)
      implements SinkWriter<DeliveryBatch> {

    @Override
    public void write(DeliveryBatch batch, Context context)
        throws IOException, InterruptedException {
      try {
        writer.write(batch, context);
      } catch (IOException | RuntimeException e) {
        throw notWritten(e);
      }
      rowsWritten.inc(batch.clients().size());
      Long due = context.timestamp();
      if (due != null) {
        deliveryDelay.note(System.currentTimeMillis() - due);
      }
    }

    @Override
    public void flush(boolean endOfInput) throws IOException, InterruptedException {
      try {
        writer.flush(endOfInput);
      } catch (IOException | RuntimeException e) {
        throw notWritten(e);
      }
    }

    /** The connector throws RuntimeExceptions for what failed in its own thread. */
    private IOException notWritten(Exception cause) {
      return new IOException(target.at("feedback rows were not written"), cause);
    }

    @Override
    public void close() {
      try {
        writer.close();
      } catch (Exception e) {
        LOG.warn(target.at("feedback rows were not written when the sink was closed"), e);
      }
    }
  }

  /** Connects as the rest of the job does, reading the password where the connection is made. */
  private static final class Connections implements JdbcConnectionProvider {

    private final FeedbackTarget target;
    private final String applicationName;
    private transient @Nullable Connection connection;

    Connections(FeedbackTarget target, String applicationName) {
      this.target = target;
      this.applicationName = applicationName;
    }

    @Override
    public @Nullable Connection getConnection() {
      return connection;
    }

    @Override
    public boolean isConnectionValid() throws SQLException {
      return connection != null && connection.isValid(10);
    }

    @Override
    public Connection getOrEstablishConnection() throws SQLException {
      if (connection == null) {
        connection = target.database().connect(applicationName);
      }
      return connection;
    }

    @Override
    public void closeConnection() {
      IOUtils.closeQuietly(connection);
      connection = null;
    }

    @Override
    public void close() {
      closeConnection();
    }

    @Override
    public Connection reestablishConnection() throws SQLException {
      closeConnection();
      return getOrEstablishConnection();
    }
  }
}
