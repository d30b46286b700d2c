package io.promostream.notification;

import io.promostream.delivery.DeliveryBatch;
import io.promostream.kafka.Message;
import io.promostream.metrics.JobMetric;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.metrics.Counter;
import org.apache.flink.util.Collector;

/** One notification for each client of a batch. */
public final class ToNotifications extends RichFlatMapFunction<DeliveryBatch, Message> {

  private transient Counter written;

  @Override
  public void open(OpenContext context) {
    written = JobMetric.NOTIFICATIONS_WRITTEN.counter(getRuntimeContext().getMetricGroup());
  }

  @Override
  public void flatMap(DeliveryBatch batch, Collector<Message> out) {
    NotificationTemplate template = new NotificationTemplate(batch.promo(), batch.matchedAt());
    batch.clients().forEach((id, plain) -> out.collect(template.to(id, plain)));
    written.inc(batch.clients().size());
  }
}
