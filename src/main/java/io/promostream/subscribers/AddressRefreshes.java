package io.promostream.subscribers;

import io.promostream.subscribers.ListUpdate.RefreshCompleted;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.util.Collector;

/**
 * Runs between the list source and {@code keyBy(ListUpdate::key)}, at parallelism 1. It forwards
 * parts, and emits each {@link RefreshCompleted} once per key group, so that every subtask gets it.
 */
public final class AddressRefreshes extends RichFlatMapFunction<ListUpdate, ListUpdate> {

  private final int maxParallelism;
  private transient KeyGroups keyGroups;

  /**
   * @param maxParallelism of the keyed operator
   */
  public AddressRefreshes(int maxParallelism) {
    this.maxParallelism = maxParallelism;
  }

  @Override
  public void open(OpenContext context) {
    keyGroups = new KeyGroups(maxParallelism);
  }

  @Override
  public void flatMap(ListUpdate update, Collector<ListUpdate> out) {
    if (update instanceof RefreshCompleted refresh) {
      keyGroups.sendToEach(refresh, out);
    } else {
      out.collect(update);
    }
  }
}
