package io.promostream.local;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What the terminal shows, at one moment.
 *
 * @param running since the job was started
 * @param late promos whose end had passed when they came, or passed before they could go out
 * @param slicesPending parts of campaigns that are due and have not gone out
 * @param listAge null until the list has been read for the first time
 * @param notifications committed in Kafka
 * @param rows committed in Postgres
 * @param checkpoint the last one that completed, null before the first
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
