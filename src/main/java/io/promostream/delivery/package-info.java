/**
 * Decides who gets which promo, and when.
 *
 * <p>Promises:
 *
 * <ul>
 *   <li>A client gets a campaign at most once, whatever versions of its promo arrive and whether
 *       the client unsubscribes and subscribes again.
 *   <li>Each client who is subscribed while a campaign is live gets it: at its start, or at the
 *       refresh that finds the subscription. A late timer costs no client a promo.
 *   <li>The promo with the latest {@code created} defines the campaign. An older promo, or the same
 *       one again, changes nothing.
 *   <li>A large audience, or thousands of campaigns that start in one second, delay neither
 *       checkpoints nor the promos of other restaurants.
 *   <li>All of this holds across restarts and rescaling, on both state backends.
 *   <li>A campaign leaves no state once it is forgotten.
 * </ul>
 *
 * <p>{@link io.promostream.delivery.DeliverPromosOperator} takes promos, the subscriber list and
 * timers. {@code Restaurant} is the keyed state of one restaurant, {@code Turns} tells which of its
 * campaigns goes next and when, and {@link io.promostream.delivery.Campaign} holds the rules. The
 * pending clients of a campaign are cut into slices, which are kept in the state. A slice goes out
 * only when there is room on the way to the sinks. A campaign with many clients therefore fills
 * neither the network buffers nor the sinks. While the sinks are full, each live promo takes a
 * millisecond, so most of a backlog stays in Kafka. {@code ControlGroup} finds the clients who get
 * nothing, if the configuration asks for it.
 *
 * <p>{@code Gate} says whether commands, quiet hours and {@code Pace} let a campaign have its turn.
 * {@code Sweeps} lets many restaurants notice a command, a few at a time. {@code Reports} counts
 * for each campaign what was sent, and writes it when a checkpoint begins.
 *
 * <p>Rejected alternatives:
 *
 * <ul>
 *   <li>A {@code KeyedBroadcastProcessFunction}: every subtask would hold the whole list in its
 *       broadcast state, on the heap, and write it to each checkpoint.
 *   <li>A lookup of the list in the database for each promo: clients who subscribe while a campaign
 *       is live would be found only by asking again for each live campaign.
 *   <li>Sending all pending clients at once, and blocking when the sinks are full: a blocked
 *       operator can neither take other restaurants' promos nor pass checkpoint barriers.
 *   <li>One timer per campaign at its start: Flink fires all timers of one time without a
 *       checkpoint or a promo in between. Timers are spread over the milliseconds instead.
 *   <li>A {@code KeyedCoProcessFunction}: it sees neither the output buffers nor the timestamps of
 *       its output, and its broadcast input has no key.
 * </ul>
 *
 * <p>{@code CampaignTest}, {@code SliceTest}, {@code PaceTest} and {@code ControlGroupTest} prove
 * the rules, {@code DeliverPromosTest} and {@code CampaignDeskTest} prove them on both state
 * backends and across rescaling, {@code RandomCampaignsTest} compares random histories with a
 * simple model, and {@code DeliverPromosOperatorTest} proves that a slow sink does not hold back
 * other restaurants. {@code StateInventoryTest}, {@code DeliveryFormatsTest} and {@code UpgradeIT}
 * prove that the state of earlier releases is restored.
 */
package io.promostream.delivery;
