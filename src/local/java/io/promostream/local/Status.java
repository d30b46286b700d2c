package io.promostream.local;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * One status of the job, which the terminal shows.
 *
 * @param running time since the job was started
 * @param late promos that had ended when they arrived or before the job could deliver them
 * @param slicesPending slices that are due but not sent
 * @param listAge null before the first refresh
 * @param notifications notifications committed to Kafka
 * @param rows rows committed to Postgres
 * @param checkpoint the last completed checkpoint; null before the first
 */
record Status(
    Duration running,
    long promosRead,
    long waiting,
    long live,
    long rejected,
    long late,
    long slicesPending,
    long restaurants,
    long subscriptions,
    @Nullable Duration listAge,
    long notifications,
    long rows,
    @Nullable Checkpoint checkpoint) {

  /** A completed checkpoint. */
  record Checkpoint(long id, Duration ago, Duration took) {}
}
