package io.promostream.kafka;

import io.promostream.config.JobConfig;
import java.util.List;
import java.util.Set;
import org.apache.flink.connector.kafka.source.enumerator.subscriber.KafkaSubscriber;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;

/**
 * The partitions of a topic that the job reads. Listing them is the first request of a source, so
 * this class reports connection problems. The connector's own message names neither the brokers nor
 * a remedy.
 */
final class SourceTopic implements KafkaSubscriber {

  private final String topic;
  private final String brokers;
  private final KafkaSubscriber delegate;

  SourceTopic(JobConfig.Kafka kafka, String topic) {
    this.topic = topic;
    brokers = kafka.bootstrapServers();
    delegate = KafkaSubscriber.getTopicListSubscriber(List.of(topic));
  }

  @Override
  public Set<TopicPartition> getSubscribedTopicPartitions(AdminClient admin) {
    try {
      return delegate.getSubscribedTopicPartitions(admin);
    } catch (RuntimeException e) {
      throw new KafkaException(
          "Cannot list the partitions of topic %s at %s: %s"
              .formatted(topic, brokers, KafkaAdvice.causeAndAdvice(e)),
          e);
    }
  }
}
