package io.promostream;

import io.promostream.config.JobConfig;
import io.promostream.delivery.DeliveryBatch;
import io.promostream.feedback.AtLeastOnceFeedbackSink;
import io.promostream.feedback.FeedbackSink;
import io.promostream.kafka.KafkaClients;
import io.promostream.kafka.Message;
import io.promostream.kafka.PromosTopic;
import io.promostream.kafka.StartingOffsets;
import io.promostream.kafka.TopicLimits;
import io.promostream.promo.RawPromo;
import io.promostream.subscribers.ListUpdate;
import io.promostream.subscribers.SubscriberListSource;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.kafka.clients.consumer.ConsumerConfig;

/**
 * What joins the job to the world outside; tests put others in their place.
 *
 * @param limits how large messages may be
 */
record Connectors(
    Source<RawPromo, ?, ?> promos,
    Source<ListUpdate, ?, ?> subscribers,
    Sink<Message> notifications,
    Sink<Message> rejected,
    Sink<DeliveryBatch> feedback,
    TopicLimits.Lookup limits) {

  /** Kafka and Postgres, as configured. */
  static Connectors of(JobConfig config) {
    return new Connectors(
        promos(config),
        new SubscriberListSource(
            config.subscribers().database(),
            config.subscribers().table(),
            config.subscribers().refreshInterval()),
        KafkaClients.sink(config, config.notificationsTopic(), "notifications"),
        KafkaClients.sink(config, config.rejectedTopic(), "rejected"),
        feedback(config),
        TopicLimits.ofBroker(config.kafka()));
  }

  private static Source<RawPromo, ?, ?> promos(JobConfig config) {
    return KafkaSource.<RawPromo>builder()
        // A promo of a transaction that was aborted was never published.
        .setProperty(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed")
        .setProperties(KafkaClients.properties(config.kafka()))
        .setKafkaSubscriber(new PromosTopic(config))
        .setGroupId(config.promos().groupId())
        .setStartingOffsets(new StartingOffsets(config.promos().startFrom()))
        .setDeserializer(new RawPromo.Deserializer())
        .build();
  }

  private static Sink<DeliveryBatch> feedback(JobConfig config) {
    return config.guarantee() == DeliveryGuarantee.EXACTLY_ONCE
        ? new FeedbackSink(config.feedback(), config.transactionPrefix())
        : new AtLeastOnceFeedbackSink(config.feedback());
  }
}
