package io.promostream.notification;

import io.promostream.delivery.DeliveryBatch;
import io.promostream.kafka.Message;
import io.promostream.metrics.JobMetric;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.metrics.Counter;
import org.apache.flink.util.Collector;

/** One notification for each client of a batch, for the connector's at-least-once sink. */
public final class ToNotifications extends RichFlatMapFunction<DeliveryBatch, Message> {

  private final NotificationExpansion expansion;
  private transient Counter written;

  public ToNotifications(String topic) {
    expansion = new NotificationExpansion(topic);
  }

  @Override
  public void open(OpenContext context) {
    written = JobMetric.NOTIFICATIONS_WRITTEN.counter(getRuntimeContext().getMetricGroup());
  }

  @Override
  public void flatMap(DeliveryBatch batch, Collector<Message> out) {
    expansion.expand(batch, out::collect);
    written.inc(expansion.messages(batch));
  }
}
