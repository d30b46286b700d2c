package io.promostream.control;

import io.promostream.kafka.TopicLimits;
import io.promostream.metrics.JobMetric;
import io.promostream.promo.ParsePromo;
import io.promostream.promo.RawPromo;
import io.promostream.promo.RejectReason;
import io.promostream.promo.RejectedMessage;
import java.io.IOException;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.metrics.Counter;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Parses and logs commands. Invalid ones go to {@link ParsePromo#REJECTED}, ready to be sent. */
public final class ParseCommand extends ProcessFunction<RawPromo, Command> {

  private static final long serialVersionUID = 1;
  private static final Logger LOG = LoggerFactory.getLogger(ParseCommand.class);

  private final TopicLimits.Lookup limits;
  private final String rejectedTopic;

  private transient RejectedMessage.Limits rejectedLimits;
  private transient Counter accepted;
  private transient Counter rejected;

  public ParseCommand(TopicLimits.Lookup limits, String rejectedTopic) {
    this.limits = limits;
    this.rejectedTopic = rejectedTopic;
  }

  @Override
  public void open(OpenContext context) throws IOException {
    rejectedLimits = RejectedMessage.Limits.of(rejectedTopic, limits);
    accepted = JobMetric.COMMANDS.counter(getRuntimeContext().getMetricGroup());
    rejected = JobMetric.COMMANDS_REJECTED.counter(getRuntimeContext().getMetricGroup());
  }

  @Override
  public void processElement(RawPromo raw, Context context, Collector<Command> out) {
    try {
      Command command =
          CommandParser.parse(
              raw.message().value(), context.timerService().currentProcessingTime());
      LOG.info("Command at offset {} of partition {}: {}", raw.offset(), raw.partition(), command);
      accepted.inc();
      out.collect(command);
    } catch (IllegalArgumentException e) {
      LOG.warn(
          "Rejected the command at offset {} of partition {}: {}",
          raw.offset(),
          raw.partition(),
          e.getMessage());
      rejected.inc();
      context.output(
          ParsePromo.REJECTED,
          rejectedLimits.reject(
              raw.message(), RejectReason.BAD_COMMAND, e.getMessage(), raw.origin()));
    }
  }
}
