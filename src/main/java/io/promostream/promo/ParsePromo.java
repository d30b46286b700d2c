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

  /**
   * The most bytes that a notification can add to its promo's message: the client's id as key and
   * as field, a time, and the JSON around them, about 2,800 bytes. The promo's texts do not grow,
   * because the message contains them in escaped form already.
   */
  static final int MAX_ADDED_BYTES = 4_096;

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

  private transient TopicLimits.Current notificationLimit;
  private transient RejectedMessage.Limits rejectedLimits;
  private transient Function<Promo, @Nullable String> storageProblem;
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
    notificationLimit = new TopicLimits.Current(limits, notificationsTopic);
    rejectedLimits = RejectedMessage.Limits.of(rejectedTopic, limits);
    storageProblem = storageRules.load();
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
      byte[] value = raw.message().value();
      Promo promo = PromoParser.parse(value);
      requireStorable(promo);
      if (value.length > notificationLimit.bytes() - MAX_ADDED_BYTES) {
        requireSendable(promo);
      }
      out.collect(promo);
    } catch (UnusablePromoException e) {
      rejected.get(e.reason()).inc();
      context.output(
          REJECTED, rejectedLimits.reject(raw.message(), e.reason(), e.getMessage(), raw.origin()));
    }
  }

  private void requireStorable(Promo promo) throws UnusablePromoException {
    String problem = storageProblem.apply(promo);
    if (problem != null) {
      throw new UnusablePromoException(
          RejectReason.UNSTORABLE_VALUE, problem + " for its column of the feedback table");
    }
  }

  private void requireSendable(Promo promo) throws UnusablePromoException {
    int bytes = TopicLimits.sizeOf(largestNotification.apply(promo));
    if (!notificationLimit.accepts(bytes)) {
      throw new UnusablePromoException(
          RejectReason.TOO_LARGE,
          "a notification of it may take %d bytes, but topic %s takes only %d"
              .formatted(bytes, notificationsTopic, notificationLimit.bytes()));
    }
  }
}
