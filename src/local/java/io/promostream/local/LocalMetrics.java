package io.promostream.local;

import io.promostream.metrics.JobMetric;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.LongStream;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.Metric;
import org.apache.flink.metrics.MetricConfig;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.metrics.reporter.MetricReporter;
import org.apache.flink.metrics.reporter.MetricReporterFactory;

/**
 * Reads the job's metrics in this JVM, where the cluster runs. The members are static, because
 * Flink creates its reporters itself.
 */
public final class LocalMetrics implements MetricReporter, MetricReporterFactory {

  private static final Map<Metric, String> NAMES = new ConcurrentHashMap<>();
  // A subtask's counters begin at 0 after a restart. These are the counts from before.
  private static final Map<String, Long> COUNTED_BEFORE = new ConcurrentHashMap<>();

  /** The sum of a counter or gauge over all subtasks. */
  public static long sum(JobMetric metric) {
    return COUNTED_BEFORE.getOrDefault(metric.metricName(), 0L) + values(metric).sum();
  }

  /** The greatest value in any subtask; empty if no subtask reports the metric yet. */
  static OptionalLong max(JobMetric metric) {
    return values(metric).max();
  }

  private static LongStream values(JobMetric wanted) {
    return NAMES.entrySet().stream()
        .filter(metric -> metric.getValue().equals(wanted.metricName()))
        .mapToLong(metric -> value(metric.getKey()));
  }

  private static long value(Metric metric) {
    if (metric instanceof Counter counter) {
      return counter.getCount();
    }
    return metric instanceof Gauge<?> gauge && gauge.getValue() instanceof Number number
        ? number.longValue()
        : 0;
  }

  @Override
  public MetricReporter createMetricReporter(Properties properties) {
    return this;
  }

  @Override
  public void open(MetricConfig config) {
    NAMES.clear();
    COUNTED_BEFORE.clear();
  }

  @Override
  public void notifyOfAddedMetric(Metric metric, String metricName, MetricGroup group) {
    NAMES.put(metric, metricName);
  }

  @Override
  public void notifyOfRemovedMetric(Metric metric, String metricName, MetricGroup group) {
    if (metric instanceof Counter counter) {
      COUNTED_BEFORE.merge(metricName, counter.getCount(), Long::sum);
    }
    NAMES.remove(metric);
  }

  @Override
  public void close() {}
}
