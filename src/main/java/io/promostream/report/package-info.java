/**
 * Reports on campaigns, for the reports topic: what a report says, in state and as a message.
 *
 * <p>The delivery operator writes reports when a checkpoint begins, so they are committed with the
 * deliveries that they count ({@code CampaignDeskIT}, and the audit of the drills).
 */
package io.promostream.report;
