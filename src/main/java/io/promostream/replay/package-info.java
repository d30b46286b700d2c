/**
 * Writes to Kafka and Postgres exactly once, without transactions that wait for a checkpoint: the
 * checkpoint is the log, and a sink replays it.
 *
 * <p>{@link io.promostream.replay.ReplayOperator} packs the elements for a sink into {@linkplain
 * io.promostream.replay.Committable committables} of bounded size and keeps them in its state. When
 * a checkpoint completes, a thread of the subtask replays its committables. Each start of a subtask
 * creates a <em>writer</em> with a random id, which numbers its committables. Each committable is
 * written in one short transaction of the target system. The same transaction moves the writer's
 * {@linkplain io.promostream.replay.Mark mark} from the previous number to the number of the
 * committable. The mark shows which committables were replayed already, so a replay is safe to
 * repeat: after a failure, a restart, a rescale, or a commit whose answer was lost.
 *
 * <p>Promises:
 *
 * <ul>
 *   <li>A committable of a completed checkpoint is written once, however long an outage lasts.
 *   <li>A checkpoint does not wait for a slow or unreachable target: pending committables stay in
 *       the state.
 *   <li>Pending committables take a bounded part of the heap: {@link io.promostream.replay.Backlog}
 *       stops the senders.
 *   <li>If a target has lost commits that it had confirmed, the marks show it and the job reports
 *       it.
 *   <li>A second job with the same {@code transaction-prefix} is refused by the {@linkplain
 *       io.promostream.replay.Lease lease} and does not disturb the first job.
 * </ul>
 *
 * <p>Rejected alternatives:
 *
 * <ul>
 *   <li>Two-phase commit, where a transaction stays open or prepared until the checkpoint
 *       completes: it holds locks and connections, delays readers, and loses its data when it times
 *       out.
 *   <li>Flink's {@code CommitterOperator}: it would replay on the task's thread, so a slow target
 *       would delay checkpoints.
 *   <li>A unique index on the feedback table alone: it would not help Kafka.
 * </ul>
 *
 * <p>{@code ReplayOperatorTest} proves the promises on an operator harness, {@code
 * FeedbackReplayerIT} and {@code KafkaReplayerIT} prove them on real servers, {@code FaultsIT} and
 * the drills prove them end to end.
 */
package io.promostream.replay;
