package io.promostream;

import io.promostream.config.JobConfig;
import io.promostream.delivery.DeliveryBatch;
import io.promostream.feedback.AtLeastOnceFeedbackSink;
import io.promostream.feedback.EarlierFeedbackTransactions;
import io.promostream.feedback.FeedbackTable;
import io.promostream.feedback.FeedbackTarget;
import io.promostream.kafka.EarlierKafkaTransactions;
import io.promostream.kafka.KafkaClients;
import io.promostream.kafka.KafkaTarget;
import io.promostream.kafka.Message;
import io.promostream.kafka.PromosSource;
import io.promostream.kafka.TopicLimits;
import io.promostream.metrics.JobMetric;
import io.promostream.notification.NotificationExpansion;
import io.promostream.notification.ToNotifications;
import io.promostream.promo.ParsePromo;
import io.promostream.promo.RawPromo;
import io.promostream.promo.RejectedExpansion;
import io.promostream.subscribers.ClientIds;
import io.promostream.subscribers.ListUpdate;
import io.promostream.subscribers.SubscriberListSource;
import java.io.IOException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.UUID;
import org.apache.flink.api.connector.source.Source;

/**
 * The job's sources and sinks, and its look-ups in Kafka and Postgres. Tests pass their own.
 *
 * @param limits looks up the largest message that a topic accepts
 * @param storageRules looks up which promos the feedback table can store
 */
record Connectors(
    Source<RawPromo, ?, ?> promos,
    Source<ListUpdate, ?, ?> subscribers,
    Outlet<DeliveryBatch> notifications,
    Outlet<Message> rejected,
    Outlet<DeliveryBatch> feedback,
    TopicLimits.Lookup limits,
    ParsePromo.StorageRules storageRules) {

  /** The connectors to Kafka and Postgres that the configuration describes. */
  static Connectors of(JobConfig config) {
    String owner =
        "%s, started %s"
            .formatted(UUID.randomUUID(), Instant.now().truncatedTo(ChronoUnit.SECONDS));
    return new Connectors(
        new PromosSource<>(config, new RawPromo.Deserializer()),
        new SubscriberListSource(
            config.subscribers().database(),
            config.subscribers().table(),
            config.subscribers().refreshInterval(),
            () -> clientIds(config)),
        notifications(config, owner),
        rejected(config, owner),
        feedback(config, owner),
        TopicLimits.ofBroker(config.kafka()),
        () -> feedbackTable(config)::whyNot);
  }

  private static FeedbackTable feedbackTable(JobConfig config) throws IOException {
    return FeedbackTable.describe(config.feedback());
  }

  private static ClientIds clientIds(JobConfig config) throws IOException {
    FeedbackTable.Column column = feedbackTable(config).clientId();
    return new ClientIds(column.maxChars(), column.isUuid());
  }

  private static Outlet<DeliveryBatch> notifications(JobConfig config, String owner) {
    String topic = config.notificationsTopic();
    return new Outlet<>(
        new KafkaTarget<>(
            config,
            topic,
            KafkaTarget.NOTIFICATIONS,
            new NotificationExpansion(topic),
            JobMetric.NOTIFICATIONS_WRITTEN,
            owner),
        new EarlierKafkaTransactions(config),
        batches ->
            batches
                .flatMap(
                    new ToNotifications(
                        topic, config.rejectedTopic(), TopicLimits.ofBroker(config.kafka())))
                .returns(Message.TYPE)
                .uid(Uids.EXPAND_NOTIFICATIONS)
                .name(Uids.EXPAND_NOTIFICATIONS)
                .sinkTo(KafkaClients.atLeastOnce(config, topic))
                .uid(Uids.NOTIFICATIONS)
                .name(Uids.NOTIFICATIONS));
  }

  private static Outlet<Message> rejected(JobConfig config, String owner) {
    String topic = config.rejectedTopic();
    return new Outlet<>(
        new KafkaTarget<>(
            config,
            topic,
            KafkaTarget.REJECTED,
            new RejectedExpansion(),
            JobMetric.REJECTED_WRITTEN,
            owner),
        new EarlierKafkaTransactions(config),
        messages ->
            messages
                .sinkTo(KafkaClients.atLeastOnce(config, topic))
                .uid(Uids.REJECTED)
                .name(Uids.REJECTED));
  }

  private static Outlet<DeliveryBatch> feedback(JobConfig config, String owner) {
    FeedbackTarget target =
        new FeedbackTarget(config.feedback(), config.transactionPrefix(), owner);
    return new Outlet<>(
        target,
        new EarlierFeedbackTransactions(config.feedback().database()),
        batches ->
            batches
                .sinkTo(new AtLeastOnceFeedbackSink(target))
                .uid(Uids.FEEDBACK_AT_LEAST_ONCE)
                .name(Uids.FEEDBACK_AT_LEAST_ONCE));
  }
}
