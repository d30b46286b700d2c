/**
 * The commands with which an operator pauses, resumes and stops campaigns.
 *
 * <p>One subtask reads the control topic and broadcasts the commands, so all subtasks of the
 * delivery operator receive them in the same order. Each keeps them as broadcast state. The order
 * alone decides: the newest command that covers a campaign holds ({@code CommandsInForceTest}).
 *
 * <p>A separate source reads the topic, and not that of the promos. When the sinks are full, promos
 * wait in Kafka, and a command must not wait behind them ({@code CampaignDeskTest} gives commands
 * while the sinks are full, and {@code CampaignDeskIT} across restarts).
 */
package io.promostream.control;
