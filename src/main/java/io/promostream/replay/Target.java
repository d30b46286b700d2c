package io.promostream.replay;

import io.promostream.config.JobConfig.OnLostTransaction;
import io.promostream.serialization.ValueSerializer;
import java.io.IOException;
import java.io.Serializable;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.streaming.api.lineage.LineageDataset;

/**
 * A target system of the replay. The job graph contains it, so it must be serializable.
 *
 * @param <T> the element type of the sink
 */
public interface Target<T> extends Serializable {

  /** Serializes elements into committables. */
  ValueSerializer<T> serializer();

  /** How many messages or rows an element expands to. */
  int records(T element);

  /**
   * A transaction ends with the element that reaches this many messages or rows. It must end far
   * below any timeout. The oldest records of a checkpoint become readable with the first
   * transaction.
   */
  int maxRecords();

  /**
   * Roughly how many bytes the messages or rows of an element take in the target. The size of a
   * transaction is limited by it.
   */
  long expandedBytes(T element);

  /** What the job does when the target has lost commits. */
  OnLostTransaction onLostCommits();

  /** The topic or table, for the job's lineage. It contains no credentials. */
  LineageDataset dataset();

  /**
   * Connects, checks that the target has what it needs, and takes the job's lease.
   *
   * @param metrics of the operator
   * @throws IOException if the target is not usable; the message says why and what to do
   */
  Replayer<T> open(MetricGroup metrics) throws IOException, InterruptedException;
}
