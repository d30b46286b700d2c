package io.promostream.subscribers;

import io.promostream.subscribers.ListUpdate.RefreshCompleted;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.util.Collector;

/**
 * Between the list and {@code keyBy(ListUpdate::key)}, at parallelism 1: passes parts on, and each
 * {@link RefreshCompleted} once per key group of the job, so that every subtask hears of it.
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
      keyGroups.tell(refresh, out);
    } else {
      out.collect(update);
    }
  }
}
