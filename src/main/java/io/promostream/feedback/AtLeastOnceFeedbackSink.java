package io.promostream.feedback;

import io.promostream.delivery.DeliveryBatch;
import io.promostream.metrics.JobMetric;
import io.promostream.metrics.RecentMax;
import io.promostream.postgres.Connections;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.connector.jdbc.JdbcExecutionOptions;
import org.apache.flink.connector.jdbc.datasource.connections.JdbcConnectionProvider;
import org.apache.flink.connector.jdbc.internal.JdbcOutputFormat;
import org.apache.flink.connector.jdbc.internal.JdbcOutputSerializer;
import org.apache.flink.connector.jdbc.internal.executor.JdbcBatchStatementExecutor;
import org.apache.flink.util.IOUtils;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes a feedback row for each notification, at least once, with the JDBC connector's output
 * format. The format buffers a batch for at most 100 ms and flushes it before each checkpoint. The
 * job supplies the SQL statement, so refused rows are set aside as under exactly-once.
 *
 * <p>When the format is closed after a failure, it tries to write again and throws if that fails
 * too. Flink treats an error in {@code close()} as fatal, so each outage of the database would shut
 * down every TaskManager. This class logs the error instead. The restart writes the missing rows
 * again.
 */
public final class AtLeastOnceFeedbackSink implements Sink<DeliveryBatch> {

  private static final Logger LOG = LoggerFactory.getLogger(AtLeastOnceFeedbackSink.class);

  private final FeedbackTarget target;

  public AtLeastOnceFeedbackSink(FeedbackTarget target) {
    this.target = target;
  }

  @Override
  public SinkWriter<DeliveryBatch> createWriter(WriterInitContext context) throws IOException {
    FeedbackSession.Counters counters = FeedbackSession.Counters.of(context.metricGroup());
    JdbcOutputFormat<DeliveryBatch, DeliveryBatch, Statement> format =
        new JdbcOutputFormat<>(
            new ConnectionProvider(target),
            JdbcExecutionOptions.builder().withBatchSize(100).withBatchIntervalMs(100).build(),
            () -> new Statement(target, counters));
    try {
      format.open(
          JdbcOutputSerializer.of(context.createInputSerializer(), context.isObjectReuseEnabled()));
    } catch (IOException | RuntimeException e) {
      throw writeFailure(e);
    }
    return new Writer(format, JobMetric.DELIVERY_DELAY.recentMax(context.metricGroup()));
  }

  /** Finds the SQLException, which the connector wraps in a RuntimeException of its own thread. */
  private IOException writeFailure(Exception cause) {
    for (Throwable t = cause; t != null; t = t.getCause()) {
      if (t instanceof SQLException e) {
        return target.failure("Cannot write feedback rows", e);
      }
    }
    return new IOException("Cannot write feedback rows: " + cause.getMessage(), cause);
  }

  private final class Writer implements SinkWriter<DeliveryBatch> {

    private final JdbcOutputFormat<DeliveryBatch, DeliveryBatch, Statement> format;
    private final RecentMax deliveryDelay;

    Writer(
        JdbcOutputFormat<DeliveryBatch, DeliveryBatch, Statement> format, RecentMax deliveryDelay) {
      this.format = format;
      this.deliveryDelay = deliveryDelay;
    }

    @Override
    public void write(DeliveryBatch batch, Context context) throws IOException {
      try {
        format.writeRecord(batch);
      } catch (IOException | RuntimeException e) {
        throw writeFailure(e);
      }
      Long due = context.timestamp();
      if (due != null) {
        deliveryDelay.note(System.currentTimeMillis() - due);
      }
    }

    @Override
    public void flush(boolean endOfInput) throws IOException {
      try {
        format.flush();
      } catch (IOException | RuntimeException e) {
        throw writeFailure(e);
      }
    }

    @Override
    public void close() {
      try {
        format.close();
      } catch (RuntimeException e) {
        LOG.warn("{}. The sink is closed.", writeFailure(e).getMessage(), e);
      }
    }
  }

  /** Writes the batches that the format has buffered. */
  private static final class Statement implements JdbcBatchStatementExecutor<DeliveryBatch> {

    private final FeedbackTarget target;
    private final FeedbackSession.Counters counters;
    private final List<DeliveryBatch> batches = new ArrayList<>();
    private @Nullable FeedbackSession session;

    Statement(FeedbackTarget target, FeedbackSession.Counters counters) {
      this.target = target;
      this.counters = counters;
    }

    @Override
    public void prepareStatements(Connection connection) throws SQLException {
      try {
        session = new FeedbackSession(target.config(), connection, counters);
      } catch (IOException e) {
        throw new SQLException(e.getMessage(), e);
      }
    }

    @Override
    public void addToBatch(DeliveryBatch batch) {
      batches.add(batch);
    }

    @Override
    public void executeBatch() throws SQLException {
      if (batches.isEmpty()) {
        return;
      }
      try {
        session.write(c -> null, batches);
        batches.clear();
      } catch (IOException e) {
        throw new SQLException(e.getMessage(), e);
      }
    }

    @Override
    public void closeStatements() {
      session = null;
    }
  }

  /** Connects like the rest of the job, and reads the password on the TaskManager that connects. */
  private static final class ConnectionProvider implements JdbcConnectionProvider {

    private final FeedbackTarget target;
    private transient @Nullable Connection connection;

    ConnectionProvider(FeedbackTarget target) {
      this.target = target;
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
        connection =
            Connections.open(
                target.config().database(), "promo-stream feedback " + target.prefix());
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
