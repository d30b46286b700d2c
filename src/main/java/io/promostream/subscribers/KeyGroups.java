package io.promostream.subscribers;

import io.promostream.subscribers.ListUpdate.RefreshCompleted;
import java.util.stream.IntStream;
import org.apache.flink.runtime.state.KeyGroupRange;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.util.Collector;

/** A key for each key group, for messages to all who own one. */
final class KeyGroups {

  /** By key group. */
  private final String[] keys;

  KeyGroups(int maxParallelism) {
    keys = new String[maxParallelism];
    int missing = maxParallelism;
    for (int i = 0; missing > 0; i++) {
      // No restaurant has such an id: Postgres can't hold U+0000.
      String key = "\0" + i;
      int group = KeyGroupRangeAssignment.assignToKeyGroup(key, maxParallelism);
      if (keys[group] == null) {
        keys[group] = key;
        missing--;
      }
    }
  }

  /** Sends the refresh to each key group from a first to a last one, included. */
  void tell(RefreshCompleted refresh, KeyGroupRange groups, Collector<ListUpdate> out) {
    IntStream.rangeClosed(groups.getStartKeyGroup(), groups.getEndKeyGroup())
        .forEach(group -> out.collect(refresh.addressedTo(keys[group])));
  }
}
