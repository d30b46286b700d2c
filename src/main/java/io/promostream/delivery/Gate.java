package io.promostream.delivery;

import io.promostream.config.JobConfig.Delivery;
import io.promostream.config.QuietHours;
import io.promostream.control.Command;
import io.promostream.control.CommandsInForce;
import io.promostream.delivery.Campaign.Running;
import io.promostream.promo.Promo;
import org.jspecify.annotations.Nullable;

/** Whether commands, quiet hours and the pace let a campaign go out. Times are epoch ms. */
final class Gate {

  private final CommandsInForce commands;
  private final Pace pace;
  private final @Nullable QuietHours quietHours;

  /**
   * Makes a gate.
   *
   * @param subtasks that share the pace of the job
   * @param now the start of this subtask
   */
  Gate(Delivery rules, CommandsInForce commands, int subtasks, long now) {
    this.commands = commands;
    quietHours = rules.quietHours();
    pace = new Pace(rules.maxPerSecond(), rules.maxPerSecondPerRestaurant(), subtasks, now);
  }

  /** When the gate opens for all restaurants; at most now if it is open. */
  long opensAt(long now) {
    return isQuiet(now) ? quietHours.endAfter(now) : pace.opensAt(now);
  }

  /** When the gate opens for a restaurant, if it is open for all; at most now if it is open. */
  long opensAt(String restaurantId, long now) {
    return pace.opensAt(restaurantId, now);
  }

  /** Whether there are quiet hours, or commands. */
  boolean mayHold(CommandsInForce commandsThen) {
    return quietHours != null || commandsThen.size() > 0;
  }

  boolean isQuiet(long now) {
    return quietHours != null && quietHours.contains(now);
  }

  boolean isPaused(String restaurantId, String campaignId) {
    return commands.pause(restaurantId, campaignId) != null;
  }

  boolean isPaused(Running campaign) {
    return isPaused(campaign.promo().restaurantId(), campaign.id());
  }

  /** Whether new promos of a campaign are refused. */
  boolean isStopped(Promo promo) {
    return commands.isStopped(promo.restaurantId(), promo.campaignId());
  }

  /** Whether a campaign was paused at its end, or quiet hours have come since then. */
  boolean hasHeldUntilItsEnd(Running campaign, long now) {
    return hasHeldUntilItsEnd(campaign, commands, now);
  }

  /** The same, as of a moment at which other commands were in force. */
  boolean hasHeldUntilItsEnd(Running campaign, CommandsInForce commandsThen, long now) {
    long end = campaign.promo().endsAt();
    if (end > now) {
      return false;
    }
    Command pause = commandsThen.pause(campaign.promo().restaurantId(), campaign.id());
    return (pause != null && pause.at() < end)
        || (quietHours != null && quietHours.touch(end - 1, now));
  }

  /** How many clients of a restaurant the pace lets through now. */
  int room(String restaurantId, long now) {
    return pace.room(restaurantId, now);
  }

  /** Notes deliveries. */
  void passed(String restaurantId, int clients, long now) {
    pace.delivered(restaurantId, clients, now);
  }
}
