package io.promostream.replay;

import io.promostream.config.JobConfig.OnLostTransaction;
import io.promostream.serialization.ValueSerializer;
import java.io.IOException;
import java.io.Serializable;
import org.apache.flink.metrics.MetricGroup;

/**
 * A system that committables are replayed into. Travels in the job graph.
 *
 * @param <T> what a sink is given
 */
public interface Target<T> extends Serializable {

  /** Serializes elements into committables. */
  ValueSerializer<T> serializer();

  /** How many messages or rows an element leads to. */
  int records(T element);

  /** Roughly how many bytes they take in the target, which bounds a transaction. */
  long expandedBytes(T element);

  /** What follows when the target has lost commits. */
  OnLostTransaction onLostCommits();

  /**
   * Connects, checks that the target has what it needs, and takes the job's lease.
   *
   * @param metrics of the operator
   * @throws IOException if the target can't be used, saying why and what to do
   */
  Replayer<T> open(MetricGroup metrics) throws IOException, InterruptedException;
}
