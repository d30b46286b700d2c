package io.promostream.replay;

import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeutils.base.array.BytePrimitiveArraySerializer;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * Takes the place of a connector's writer that only the other {@code delivery.guarantee} uses.
 * Flink refuses to restore state whose operator is missing from the job. This operator drops that
 * state and receives no elements.
 */
public final class Idle<T> extends AbstractStreamOperator<T>
    implements OneInputStreamOperator<T, T> {

  private static final long serialVersionUID = 1;

  /** The state name of Flink's sink writers. */
  private static final ListStateDescriptor<byte[]> WRITER_STATE =
      new ListStateDescriptor<>("writer_raw_states", BytePrimitiveArraySerializer.INSTANCE);

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    context.getOperatorStateStore().getListState(WRITER_STATE).clear();
  }

  @Override
  public void processElement(StreamRecord<T> element) {
    output.collect(element);
  }
}
