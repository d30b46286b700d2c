package io.promostream.kafka;

import org.apache.flink.api.common.serialization.SerializationSchema.InitializationContext;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * Sends messages unchanged to a topic. Messages with headers are rejected and go to the rejected
 * topic: their headers contain the reason, and a notification has no headers.
 */
final class MessageToTopic implements KafkaRecordSerializationSchema<Message> {

  private final String topic;
  private final String rejectedTopic;

  MessageToTopic(String topic, String rejectedTopic) {
    this.topic = topic;
    this.rejectedTopic = rejectedTopic;
  }

  @Override
  public void open(InitializationContext context, KafkaSinkContext sink) {
    NativeLz4.load();
  }

  @Override
  public ProducerRecord<byte[], byte[]> serialize(
      Message message, KafkaSinkContext context, Long timestamp) {
    return message.toRecord(message.headers().isEmpty() ? topic : rejectedTopic);
  }
}
