package io.promostream.local.page;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The newest report about a campaign. Times are epoch seconds.
 *
 * @param audience clients of the restaurant; null before the campaign has been matched
 * @param heldOut clients of the control group
 */
record Report(
    CampaignId id,
    State state,
    long start,
    long end,
    long created,
    @Nullable Long audience,
    long delivered,
    long pending,
    long heldOut,
    @Nullable Long firstDeliveredAt,
    @Nullable Long lastDeliveredAt,
    long updatedAt) {

  /** In the order in which the page lists campaigns. */
  enum State {
    LIVE,
    PAUSED,
    WAITING,
    ENDED,
    CANCELLED,
    LATE,
    MISSED;

    static State parse(String text) {
      for (State state : values()) {
        if (state.toString().equals(text)) {
          return state;
        }
      }
      throw new IllegalArgumentException("unknown state " + text);
    }

    /** Whether a command can still change the campaign. */
    boolean isActive() {
      return compareTo(WAITING) <= 0;
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * Reads the value of a message.
   *
   * @throws IllegalArgumentException if it is not a report
   */
  static Report parse(byte[] value) {
    FlatJson json = FlatJson.parse(value);
    return new Report(
        CampaignId.of(json),
        State.parse(json.text("state")),
        json.number("adv_campaign_datetime_start"),
        json.number("adv_campaign_datetime_end"),
        json.number("datetime_created"),
        json.optionalNumber("audience"),
        json.number("delivered"),
        json.number("pending"),
        json.number("held_out"),
        json.optionalNumber("first_delivered_at"),
        json.optionalNumber("last_delivered_at"),
        json.number("updated_at"));
  }
}
