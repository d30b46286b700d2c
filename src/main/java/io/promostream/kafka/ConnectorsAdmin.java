package io.promostream.kafka;

import java.io.IOException;
import java.lang.reflect.Field;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import org.apache.flink.api.connector.sink2.StatefulSinkWriter;
import org.apache.flink.connector.kafka.sink.KafkaWriterState;
import org.apache.kafka.clients.admin.Admin;
import org.jspecify.annotations.Nullable;

/**
 * The client with which the connector's writer looks, as it starts, for transactions of an earlier
 * run. It never uses it again and never closes it (5.0.0, {@code ExactlyOnceKafkaWriter.close}): a
 * thread, its connections and the job's classes would stay behind with each restart.
 */
final class ConnectorsAdmin {

  private static final String FIELD = "adminClient";

  private ConnectorsAdmin() {}

  /**
   * Asks for any answer of the brokers: without one the writer would not start, and nobody could
   * reach its client any more.
   */
  static void requireBroker(Properties properties) throws IOException {
    try (Admin admin = Admin.create(properties)) {
      var unused = admin.describeCluster().clusterId().get();
    } catch (ExecutionException e) {
      throw new IOException("no broker answers", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while asking for a broker", e);
    }
  }

  /** The same writer, its client closed. */
  static StatefulSinkWriter<Message, KafkaWriterState> closedOf(
      StatefulSinkWriter<Message, KafkaWriterState> writer) throws IOException {
    try {
      Field field = writer.getClass().getDeclaredField(FIELD);
      field.setAccessible(true);
      close((Admin) field.get(writer));
      return writer;
    } catch (ReflectiveOperationException e) {
      throw new IOException("the Kafka connector is not the one that this job was built with", e);
    }
  }

  private static void close(@Nullable Admin admin) {
    if (admin != null) {
      admin.close();
    }
  }
}
