package io.promostream.notification;

import io.promostream.delivery.DeliveryBatch;
import io.promostream.kafka.Message;
import io.promostream.kafka.TopicLimits;
import io.promostream.metrics.JobMetric;
import java.io.IOException;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.metrics.Counter;
import org.apache.flink.util.Collector;

/**
 * Expands a batch into one notification for each client, for the connector's at-least-once sink.
 *
 * <p>That sink fails on a message that its topic refuses, and would fail again after each restart.
 * So a notification that is too large is set aside here. If the limit of the topic is lowered while
 * the job runs, the job restarts once, because each start reads the limit.
 */
public final class ToNotifications extends RichFlatMapFunction<DeliveryBatch, Message> {

  private final NotificationExpansion expansion;
  private final String rejectedTopic;
  private final TopicLimits.Lookup limits;
  private transient TopicLimits.Current limit;
  private transient int maxRejectedBytes;
  private transient Counter written;
  private transient Counter refused;

  public ToNotifications(String topic, String rejectedTopic, TopicLimits.Lookup limits) {
    expansion = new NotificationExpansion(topic);
    this.rejectedTopic = rejectedTopic;
    this.limits = limits;
  }

  @Override
  public void open(OpenContext context) throws IOException {
    limit = new TopicLimits.Current(limits, expansion.topic());
    maxRejectedBytes = limits.maxMessageBytes(rejectedTopic);
    written = JobMetric.NOTIFICATIONS_WRITTEN.counter(getRuntimeContext().getMetricGroup());
    refused = JobMetric.MESSAGES_REFUSED.counter(getRuntimeContext().getMetricGroup());
  }

  @Override
  public void flatMap(DeliveryBatch batch, Collector<Message> out) {
    expansion.expand(
        batch,
        message -> {
          int bytes = TopicLimits.sizeOf(message);
          if (limit.accepts(bytes)) {
            written.inc();
            out.collect(message);
          } else {
            refused.inc();
            String why = TopicLimits.tooLarge(bytes, expansion.topic(), limit.bytes());
            out.collect(expansion.setAside(message, why, maxRejectedBytes));
          }
        });
  }
}
