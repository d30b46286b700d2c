package io.promostream;

import io.promostream.replay.EarlierTransactions.Inspector;
import io.promostream.replay.Target;
import java.util.function.Consumer;
import org.apache.flink.streaming.api.datastream.DataStream;

/**
 * One of the three ways out of the job, under either guarantee.
 *
 * @param target for exactly once, and for what an exactly-once checkpoint still holds
 * @param earlier knows the transactions of release 0.1
 * @param atLeastOnce adds a connector's sink, with its uid
 */
record Outlet<T>(Target<T> target, Inspector<?> earlier, Consumer<DataStream<T>> atLeastOnce) {}
