package io.promostream.testing;

import java.lang.reflect.Field;
import java.util.Map;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.metrics.groups.AbstractMetricGroup;

/** Reads metrics out of an operator's group, where no reporter is. */
public final class Metrics {

  private Metrics() {}

  /** A counter's or gauge's value. */
  public static long value(MetricGroup group, String name) {
    try {
      Field metrics = AbstractMetricGroup.class.getDeclaredField("metrics");
      metrics.setAccessible(true);
      Object metric = ((Map<?, ?>) metrics.get(group)).get(name);
      return metric instanceof Counter counter
          ? counter.getCount()
          : ((Number) ((Gauge<?>) metric).getValue()).longValue();
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }
}
