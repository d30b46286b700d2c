package io.promostream.subscribers;

import io.promostream.subscribers.ListUpdate.RefreshCompleted;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.util.Collector;

/** One key for each key group, for messages to every subtask that owns a key group. */
final class KeyGroups {

  /** The keys, indexed by key group. */
  private final String[] keys;

  KeyGroups(int maxParallelism) {
    keys = new String[maxParallelism];
    int missing = maxParallelism;
    for (int i = 0; missing > 0; i++) {
      // No restaurant has such an id, because Postgres cannot store U+0000.
      String key = "\0" + i;
      int group = KeyGroupRangeAssignment.assignToKeyGroup(key, maxParallelism);
      if (keys[group] == null) {
        keys[group] = key;
        missing--;
      }
    }
  }

  /** Sends the refresh to each key group. */
  void sendToEach(RefreshCompleted refresh, Collector<ListUpdate> out) {
    for (String key : keys) {
      out.collect(refresh.addressedTo(key));
    }
  }
}
