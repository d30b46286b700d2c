package org.apache.flink.connector.kafka.sink;

import java.io.IOException;
import java.io.Serializable;
import java.lang.reflect.Field;
import java.time.Duration;
import java.util.Collection;
import org.apache.flink.api.connector.sink2.StatefulSinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.kafka.clients.admin.Admin;

/**
 * Starts the connector's exactly-once writer as {@link KafkaSink#restoreWriter} does, and closes
 * the client with which it looks for transactions of an earlier run. The writer opens that as it
 * starts, never uses it again and never closes it (5.0.0, {@code ExactlyOnceKafkaWriter.close}): a
 * thread and its connections would stay behind with each start, also with one that fails.
 *
 * <p>It stands in the connector's package because {@link KafkaSink} lets nobody reach a writer
 * whose start failed.
 *
 * @param sink whose writer it is
 * @param transactionalIdPrefix as the sink was built with
 * @param serializer as the sink was built with
 * @param naming as the sink was built with
 */
public record ExactlyOnceWriterStart<T>(
    KafkaSink<T> sink,
    String transactionalIdPrefix,
    KafkaRecordSerializationSchema<T> serializer,
    TransactionNamingStrategy naming)
    implements Serializable {

  private static final String CLIENT = "adminClient";

  /** A writer that has begun its first transaction. */
  public StatefulSinkWriter<T, KafkaWriterState> run(
      WriterInitContext context, Collection<KafkaWriterState> restored) throws IOException {
    KafkaWriter<T> writer =
        new ExactlyOnceKafkaWriter<>(
            DeliveryGuarantee.EXACTLY_ONCE,
            sink.getKafkaProducerConfig(),
            transactionalIdPrefix,
            context,
            serializer,
            context.asSerializationSchemaInitializationContext(),
            naming.getAbortImpl(),
            naming.getImpl(),
            restored);
    try {
      writer.initialize();
      return writer;
    } finally {
      closeClientOf(writer);
    }
  }

  private static void closeClientOf(KafkaWriter<?> writer) throws IOException {
    try {
      Field client = ExactlyOnceKafkaWriter.class.getDeclaredField(CLIENT);
      client.setAccessible(true);
      Admin opened = (Admin) client.get(writer);
      if (opened != null) {
        opened.close(Duration.ZERO);
      }
    } catch (ReflectiveOperationException e) {
      throw new IOException("the Kafka connector is not the one that this job was built with", e);
    }
  }
}
