package io.promostream.promo;

import io.promostream.kafka.Message;
import io.promostream.kafka.TopicLimits;
import io.promostream.metrics.JobMetric;
import java.io.IOException;
import java.io.Serializable;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.function.Function;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;
import org.apache.flink.util.function.SerializableFunction;
import org.jspecify.annotations.Nullable;

/** Parses messages into promos. Invalid messages go to {@link #REJECTED}, ready to be sent. */
public final class ParsePromo extends ProcessFunction<RawPromo, Promo> {

  public static final OutputTag<Message> REJECTED = new OutputTag<>("rejected", Message.TYPE);

  /** Reads the limits of the feedback table in the task that parses. */
  @FunctionalInterface
  public interface StorageRules extends Serializable {

    /**
     * Says why the table cannot store the rows of a promo; null if it can.
     *
     * @throws IOException if the catalog cannot be read
     */
    Function<Promo, @Nullable String> load() throws IOException;
  }

  private final TopicLimits.Lookup limits;
  private final StorageRules storageRules;
  private final String notificationsTopic;
  private final String rejectedTopic;
  private final SerializableFunction<Promo, Message> largestNotification;

  private transient PromoRules rules;
  private transient RejectedMessage.Limits rejectedLimits;
  private transient Counter read;
  private transient Map<RejectReason, Counter> rejected;

  /**
   * Parses promos for these topics.
   *
   * @param largestNotification makes the largest possible notification of a promo
   */
  public ParsePromo(
      TopicLimits.Lookup limits,
      StorageRules storageRules,
      String notificationsTopic,
      String rejectedTopic,
      SerializableFunction<Promo, Message> largestNotification) {
    this.limits = limits;
    this.storageRules = storageRules;
    this.notificationsTopic = notificationsTopic;
    this.rejectedTopic = rejectedTopic;
    this.largestNotification = largestNotification;
  }

  @Override
  public void open(OpenContext context) throws IOException {
    rules = new PromoRules(limits, notificationsTopic, storageRules.load(), largestNotification);
    rejectedLimits = RejectedMessage.Limits.of(rejectedTopic, limits);
    MetricGroup metrics = getRuntimeContext().getMetricGroup();
    read = JobMetric.PROMOS_READ.counter(metrics);
    rejected = new EnumMap<>(RejectReason.class);
    // Others count messages that are not promos.
    for (RejectReason reason :
        EnumSet.complementOf(
            EnumSet.of(
                RejectReason.NOTIFICATION_REFUSED,
                RejectReason.REPORT_REFUSED,
                RejectReason.BAD_COMMAND))) {
      rejected.put(reason, JobMetric.PROMOS_REJECTED.counter(metrics, reason.code()));
    }
  }

  @Override
  public void processElement(RawPromo raw, Context context, Collector<Promo> out) {
    read.inc();
    try {
      out.collect(rules.read(raw.message().value()));
    } catch (UnusablePromoException e) {
      rejected.get(e.reason()).inc();
      context.output(
          REJECTED, rejectedLimits.reject(raw.message(), e.reason(), e.getMessage(), raw.origin()));
    }
  }
}
