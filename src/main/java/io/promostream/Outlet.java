package io.promostream;

import io.promostream.replay.EarlierTransactions.Inspector;
import io.promostream.replay.Target;
import java.util.function.Function;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.DataStreamSink;

/**
 * One of the job's three outputs, for both delivery guarantees.
 *
 * @param target receives batches under exactly-once, and under at-least-once the batches of a
 *     restored exactly-once checkpoint
 * @param earlier inspects the transactions that release 0.1 left open
 * @param atLeastOnce adds the connector's sink, with its uid
 */
record Outlet<T>(
    Target<T> target,
    Inspector<?> earlier,
    Function<DataStream<T>, DataStreamSink<?>> atLeastOnce) {}
