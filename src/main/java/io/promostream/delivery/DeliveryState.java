package io.promostream.delivery;

import io.promostream.control.Command;
import io.promostream.report.Report;
import io.promostream.subscribers.Audience;
import java.util.List;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.api.java.tuple.Tuple3;

/**
 * All state of {@link DeliverPromosOperator}. Names and types are part of every savepoint: changing
 * one breaks the upgrade from the previous release.
 */
final class DeliveryState {

  /** The audience of the restaurant. */
  static final ValueStateDescriptor<Audience> AUDIENCE =
      new ValueStateDescriptor<>("audience", Audience.TYPE);

  /** The parts of its next audience, by number. */
  static final MapStateDescriptor<Integer, Audience> AUDIENCE_PARTS =
      new MapStateDescriptor<>("audience-parts", Types.INT, Audience.TYPE);

  /** Its campaigns, by id. */
  static final MapStateDescriptor<String, Campaign> CAMPAIGNS =
      new MapStateDescriptor<>("campaigns", Types.STRING, Campaign.TYPE);

  /** The recipients of a campaign, by campaign id. */
  static final MapStateDescriptor<String, Audience> RECIPIENTS =
      new MapStateDescriptor<>("recipients", Types.STRING, Audience.TYPE);

  /**
   * Those of them who are not to get it, by campaign id; only with a control group, a limit for
   * late subscribers, or reports.
   */
  static final MapStateDescriptor<String, Audience> WITHHELD =
      new MapStateDescriptor<>("withheld", Types.STRING, Audience.TYPE);

  /** The slices that have not gone out, by campaign id and number: each is read once. */
  static final MapStateDescriptor<Tuple2<String, Integer>, Slice> SLICES =
      new MapStateDescriptor<>("slices", Types.TUPLE(Types.STRING, Types.INT), Slice.TYPE);

  /** The campaigns that wait for a turn, and the moments of their decisions, epoch ms. */
  static final MapStateDescriptor<String, Long> READY =
      new MapStateDescriptor<>("ready", Types.STRING, Types.LONG);

  /** When the next of these gets its turn, epoch ms: a timer of the restaurant. */
  static final ValueStateDescriptor<Long> SLOT = new ValueStateDescriptor<>("slot", Types.LONG);

  /** When the next campaign starts, ends or is forgotten, epoch ms: its other timer. */
  static final ValueStateDescriptor<Long> WAKE = new ValueStateDescriptor<>("wake", Types.LONG);

  /** The reports on its campaigns, by campaign id; only with {@code reports.topic}. */
  static final MapStateDescriptor<String, Report> REPORTS =
      new MapStateDescriptor<>("reports", Types.STRING, Report.TYPE);

  /** Those of them that the topic does not have yet, by campaign id; the values have no meaning. */
  static final MapStateDescriptor<String, Boolean> UNWRITTEN_REPORTS =
      new MapStateDescriptor<>("unwritten-reports", Types.STRING, Types.BOOLEAN);

  /** Operator state, see {@link Population}. */
  static final ListStateDescriptor<long[]> POPULATION =
      new ListStateDescriptor<>(
          "population", PrimitiveArrayTypeInfo.LONG_PRIMITIVE_ARRAY_TYPE_INFO);

  /** Operator state, see {@link ListFreshness}. */
  static final ListStateDescriptor<long[]> LIST_FRESHNESS =
      new ListStateDescriptor<>(
          "list-freshness", PrimitiveArrayTypeInfo.LONG_PRIMITIVE_ARRAY_TYPE_INFO);

  /**
   * Operator state, only with {@code reports.topic}: the id of the last checkpoint with reports. A
   * later checkpoint may be of a time without reports, and then holds outdated ones.
   */
  static final ListStateDescriptor<Long> REPORTING =
      new ListStateDescriptor<>("reporting", Types.LONG);

  /**
   * Operator state, only with {@code control.topic}, see {@link Sweeps}: a command, the commands in
   * force before it, and the restaurants that have not noticed it.
   */
  static final ListStateDescriptor<Tuple3<Command, List<Command>, List<String>>> SWEEPS =
      new ListStateDescriptor<>(
          "sweeps", Types.TUPLE(Command.TYPE, Types.LIST(Command.TYPE), Types.LIST(Types.STRING)));

  /** The timers, as Flink names them for a {@code KeyedCoProcessFunction}, which this was. */
  static final String TIMERS = "user-timers";

  private DeliveryState() {}
}
