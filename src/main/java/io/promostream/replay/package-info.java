/**
 * Exactly once without a transaction that waits: the checkpoint is the log, and a sink replays it.
 *
 * <p>{@link io.promostream.replay.ReplayOperator} packs what a sink is to write into {@linkplain
 * io.promostream.replay.Committable committables} of bounded size and keeps them in its state. When
 * a checkpoint is complete, its committables are replayed by a thread of the subtask's own: each in
 * one short transaction of the target system, which also moves the writer's {@linkplain
 * io.promostream.replay.Mark mark} from the number before to the committable's own. A committable
 * that was replayed before is recognized by that mark, so replaying is safe to repeat: after a
 * failure, a restart, a rescale, or a commit whose answer was lost.
 *
 * <p>Promises:
 *
 * <ul>
 *   <li>A committable of a completed checkpoint is written once, however long the outage between.
 *   <li>A slow or unreachable target delays no checkpoint: what is not replayed stays in the state.
 *   <li>A target that has lost commits which it had confirmed is reported, by the marks.
 *   <li>A second job with the same {@code transaction-prefix} is refused, by the {@linkplain
 *       io.promostream.replay.Lease lease}, and does not disturb the first.
 * </ul>
 *
 * <p>Rejected alternatives: transactions that stay open or prepared until the checkpoint completes
 * (two-phase commit) hold locks and connections, hold back readers, and are lost with their
 * time-out; Flink's {@code CommitterOperator} replays on the task's thread, so a slow target would
 * delay checkpoints; a unique index on the feedback table alone would not help Kafka.
 *
 * <p>{@code ReplayOperatorTest} holds the rules on an operator harness, {@code FeedbackReplayerIT}
 * and {@code KafkaReplayerIT} hold them on real servers, {@code FaultsIT} and the drills end to
 * end.
 */
package io.promostream.replay;
