/**
 * Writes one feedback row to Postgres for each notification.
 *
 * <p>Promises:
 *
 * <ul>
 *   <li>Under exactly-once, each delivery of a completed checkpoint is written once: one
 *       transaction moves the writer's mark and inserts the rows.
 *   <li>A row that the table refuses goes to the table of refused rows, with its reason, in the
 *       same transaction. Other restaurants are not delayed.
 *   <li>Nothing depends on the session, so a pooler in transaction mode works. No transaction stays
 *       prepared.
 * </ul>
 *
 * <p>Why not the JDBC connector's own exactly-once sink (4.0.0-2.0):
 *
 * <ul>
 *   <li>A checkpoint that failed after the sink's snapshot left duplicates in 2 of 2 runs (2,719
 *       and 2,695 rows). A failure right after the snapshot left duplicates in 4 of 6 runs.
 *   <li>After a rescale from 4 to 2 the job failed: {@code more than one state to recover}.
 *   <li>The commit of a restored committable did nothing, and the transaction stayed prepared. A
 *       restore with the same job id then failed: {@code transaction identifier ... is already in
 *       use}.
 *   <li>Two-phase commit needs {@code max_prepared_transactions}, whose change restarts the server,
 *       and a cancelled job leaves prepared transactions that keep their locks: {@code ALTER TABLE}
 *       on the feedback table waits until somebody rolls them back.
 * </ul>
 *
 * <p>The connector's at-least-once output format is used. Its error in {@code close()} is caught,
 * because Flink treats that error as fatal and shuts the TaskManager down. A unique index alone
 * would not be enough, because the feedback table of the contract has none.
 *
 * <p>{@code FeedbackReplayerIT}, {@code FeedbackFaultsIT}, {@code FeedbackTableIT} and {@code
 * RefusedRowsIT} prove it.
 */
package io.promostream.feedback;
