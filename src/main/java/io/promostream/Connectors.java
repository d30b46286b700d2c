package io.promostream;

import io.promostream.config.JobConfig;
import io.promostream.delivery.DeliveryBatch;
import io.promostream.feedback.AtLeastOnceFeedbackSink;
import io.promostream.feedback.EarlierFeedbackTransactions;
import io.promostream.feedback.FeedbackTable;
import io.promostream.feedback.FeedbackTarget;
import io.promostream.kafka.CommandsSource;
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
import io.promostream.report.ReportExpansion;
import io.promostream.subscribers.ListUpdate;
import io.promostream.subscribers.SubscriberListSource;
import java.io.IOException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.UUID;
import org.apache.flink.api.connector.source.Source;
import org.jspecify.annotations.Nullable;

/**
 * The job's sources and sinks, and its look-ups in Kafka and Postgres. Tests pass their own.
 *
 * @param control null if there are no commands
 * @param reports null if there are no reports
 * @param limits looks up the largest message that a topic accepts
 * @param storageRules looks up which promos the feedback table can store
 */
record Connectors(
    Source<RawPromo, ?, ?> promos,
    Source<ListUpdate, ?, ?> subscribers,
    @Nullable Source<RawPromo, ?, ?> control,
    Outlet<DeliveryBatch> notifications,
    Outlet<Message> rejected,
    Outlet<DeliveryBatch> feedback,
    @Nullable Outlet<Message> reports,
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
            () -> feedbackTable(config).clientIds()),
        config.controlTopic() == null
            ? null
            : CommandsSource.of(config, new RawPromo.Deserializer()),
        notifications(config, owner),
        rejected(config, owner),
        feedback(config, owner),
        config.reports().topic() == null ? null : reports(config, owner),
        limits(config),
        () -> feedbackTable(config)::whyNot);
  }

  private static TopicLimits.Lookup limits(JobConfig config) {
    return TopicLimits.ofBroker(
        config.kafka(), config.notificationsTopic(), config.rejectedTopic());
  }

  private static FeedbackTable feedbackTable(JobConfig config) throws IOException {
    return FeedbackTable.describe(config.feedback());
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
                .flatMap(new ToNotifications(topic, config.rejectedTopic(), limits(config)))
                .returns(Message.TYPE)
                .uid(Uids.EXPAND_NOTIFICATIONS)
                .name(Uids.EXPAND_NOTIFICATIONS)
                .sinkTo(KafkaClients.atLeastOnce(config, topic))
                .uid(Uids.NOTIFICATIONS)
                .name(Uids.NOTIFICATIONS));
  }

  private static Outlet<Message> rejected(JobConfig config, String owner) {
    return messages(
        new KafkaTarget<>(
            config,
            config.rejectedTopic(),
            KafkaTarget.REJECTED,
            new RejectedExpansion(),
            JobMetric.REJECTED_WRITTEN,
            owner),
        Uids.REJECTED);
  }

  private static Outlet<Message> reports(JobConfig config, String owner) {
    String topic = config.reports().topic();
    return messages(
        new KafkaTarget<>(
            config,
            topic,
            KafkaTarget.REPORTS,
            new ReportExpansion(topic),
            JobMetric.REPORTS_WRITTEN,
            owner),
        Uids.REPORTS);
  }

  private static Outlet<Message> messages(KafkaTarget<Message> target, String sinkUid) {
    return new Outlet<>(
        target,
        new EarlierKafkaTransactions(target.config()),
        messages ->
            messages
                .sinkTo(KafkaClients.atLeastOnce(target.config(), target.topic()))
                .uid(sinkUid)
                .name(sinkUid));
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
