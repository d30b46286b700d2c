package io.promostream.replay;

import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeutils.base.array.BytePrimitiveArraySerializer;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * Takes the place of a connector's writer that only the other {@code delivery.guarantee} has, so
 * that its checkpoints restore: Flink refuses state whose operator is not there. It drops that
 * state and sees no elements.
 */
public final class Idle<T> extends AbstractStreamOperator<T>
    implements OneInputStreamOperator<T, T> {

  private static final long serialVersionUID = 1;

  /** As Flink's writers name theirs. */
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
