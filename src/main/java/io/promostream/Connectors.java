package io.promostream;

import io.promostream.config.JobConfig;
import io.promostream.delivery.DeliveryBatch;
import io.promostream.feedback.AtLeastOnceFeedbackSink;
import io.promostream.feedback.FeedbackSink;
import io.promostream.kafka.KafkaClients;
import io.promostream.kafka.Message;
import io.promostream.kafka.PromosSource;
import io.promostream.kafka.TopicLimits;
import io.promostream.promo.RawPromo;
import io.promostream.subscribers.ListUpdate;
import io.promostream.subscribers.SubscriberListSource;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.connector.base.DeliveryGuarantee;

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
        new PromosSource<>(config, new RawPromo.Deserializer()),
        new SubscriberListSource(
            config.subscribers().database(),
            config.subscribers().table(),
            config.subscribers().refreshInterval()),
        KafkaClients.sink(config, config.notificationsTopic(), "notifications"),
        KafkaClients.sink(config, config.rejectedTopic(), "rejected"),
        feedback(config),
        TopicLimits.ofBroker(config.kafka()));
  }

  private static Sink<DeliveryBatch> feedback(JobConfig config) {
    return config.guarantee() == DeliveryGuarantee.EXACTLY_ONCE
        ? new FeedbackSink(config.feedback(), config.transactionPrefix())
        : new AtLeastOnceFeedbackSink(config.feedback());
  }
}
