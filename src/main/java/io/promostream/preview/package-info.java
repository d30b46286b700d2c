/**
 * Shows what the job would do with promos before anybody sends them: {@code --preview}.
 *
 * <p>Promises:
 *
 * <ul>
 *   <li>The verdict, the audience and the control group are those of the job, because the same
 *       classes decide: {@code PromoRules}, {@code SubscribersTable} and {@code ControlGroup}.
 *   <li>It changes nothing: it writes no message and no row, and joins no consumer group.
 *   <li>It ends with an error instead of a guess if a server does not answer.
 * </ul>
 *
 * <p>It does not know the state of the job. The clients that a campaign has reached already are in
 * its audience here. Rejected: a query of the running job, because a preview must work while the
 * job is down and on another cluster.
 *
 * <p>{@code PreviewIT} compares a preview with a running job and proves that it changes nothing.
 * {@code PreviewExampleIT} compares the example of {@code configuration.md}.
 */
package io.promostream.preview;
