package io.promostream.kafka;

import java.util.List;
import java.util.Optional;
import org.apache.flink.connector.kafka.lineage.DefaultKafkaDatasetFacet;
import org.apache.flink.connector.kafka.lineage.DefaultKafkaDatasetIdentifier;
import org.apache.flink.connector.kafka.lineage.KafkaDatasetFacet;
import org.apache.flink.connector.kafka.lineage.KafkaDatasetFacetProvider;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.internals.RecordHeader;

/**
 * Sends messages to one topic, as they are, with the time of sending as their timestamp: a stale
 * one may be refused by the broker ({@code message.timestamp.before.max.ms}). It says which topic
 * that is, since the pooling of transactional ids lists the transactions on it.
 */
final class MessageToTopic
    implements KafkaRecordSerializationSchema<Message>, KafkaDatasetFacetProvider {

  private final String topic;

  MessageToTopic(String topic) {
    this.topic = topic;
  }

  @Override
  public ProducerRecord<byte[], byte[]> serialize(
      Message message, KafkaSinkContext context, Long timestamp) {
    return record(message);
  }

  ProducerRecord<byte[], byte[]> record(Message message) {
    ProducerRecord<byte[], byte[]> record =
        new ProducerRecord<>(topic, message.key(), message.value());
    for (Message.Header header : message.headers()) {
      record.headers().add(new RecordHeader(header.key(), header.value()));
    }
    return record;
  }

  @Override
  public Optional<KafkaDatasetFacet> getKafkaDatasetFacet() {
    return Optional.of(
        new DefaultKafkaDatasetFacet(DefaultKafkaDatasetIdentifier.ofTopics(List.of(topic))));
  }
}
