package io.promostream.delivery;

import io.promostream.subscribers.Audience;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;

/**
 * All state of {@link DeliverPromosOperator}. Names and types are part of every savepoint: a change
 * of one breaks the upgrade from the release before.
 */
final class DeliveryState {

  /** The restaurant's subscribers. */
  static final ValueStateDescriptor<Audience> AUDIENCE =
      new ValueStateDescriptor<>("audience", Audience.TYPE);

  /** What has come of its next audience, by the part's number. */
  static final MapStateDescriptor<Integer, Audience> AUDIENCE_PARTS =
      new MapStateDescriptor<>("audience-parts", Types.INT, Audience.TYPE);

  /** Its campaigns, by their ids. */
  static final MapStateDescriptor<String, Campaign> CAMPAIGNS =
      new MapStateDescriptor<>("campaigns", Types.STRING, Campaign.TYPE);

  /** Who got a campaign, or has a place in one of its slices, by the campaign's id. */
  static final MapStateDescriptor<String, Audience> RECIPIENTS =
      new MapStateDescriptor<>("recipients", Types.STRING, Audience.TYPE);

  /** What is still to go out, by the campaign's id and the slice's number: each read once. */
  static final MapStateDescriptor<Tuple2<String, Integer>, Slice> SLICES =
      new MapStateDescriptor<>("slices", Types.TUPLE(Types.STRING, Types.INT), Slice.TYPE);

  /** Campaigns with something to do, and as of when who is due is to be decided, epoch ms. */
  static final MapStateDescriptor<String, Long> READY =
      new MapStateDescriptor<>("ready", Types.STRING, Types.LONG);

  /** When the next of these gets its turn, epoch ms: the restaurant's one timer for that. */
  static final ValueStateDescriptor<Long> SLOT = new ValueStateDescriptor<>("slot", Types.LONG);

  /** When the next campaign starts, ends or is forgotten, epoch ms: its one timer for that. */
  static final ValueStateDescriptor<Long> WAKE = new ValueStateDescriptor<>("wake", Types.LONG);

  /** Operator state, see {@link Population}. */
  static final ListStateDescriptor<long[]> POPULATION =
      new ListStateDescriptor<>(
          "population", PrimitiveArrayTypeInfo.LONG_PRIMITIVE_ARRAY_TYPE_INFO);

  /** Operator state, see {@link ListFreshness}. */
  static final ListStateDescriptor<long[]> LIST_FRESHNESS =
      new ListStateDescriptor<>(
          "list-freshness", PrimitiveArrayTypeInfo.LONG_PRIMITIVE_ARRAY_TYPE_INFO);

  private DeliveryState() {}
}
