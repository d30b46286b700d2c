package io.promostream.kafka;

import io.promostream.config.JobConfig;
import java.util.List;
import java.util.Set;
import org.apache.flink.connector.kafka.source.enumerator.subscriber.KafkaSubscriber;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;

/**
 * The partitions of the promos topic. Listing them is the first request of the job to Kafka, so
 * this class reports connection problems. The connector's own message names neither the brokers nor
 * a remedy.
 */
final class PromosTopic implements KafkaSubscriber {

  private final String topic;
  private final String brokers;
  private final KafkaSubscriber delegate;

  PromosTopic(JobConfig config) {
    topic = config.promos().topic();
    brokers = config.kafka().bootstrapServers();
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
