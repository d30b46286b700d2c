package io.promostream.delivery;

import java.util.Map;
import org.apache.flink.api.common.functions.RuntimeContext;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.streaming.api.TimerService;
import org.jspecify.annotations.Nullable;

/**
 * Which campaign of the current restaurant goes next, and when.
 *
 * <p>A restaurant has at most two timers. Its <em>wake</em> is the time at which its next campaign
 * starts, ends or is forgotten. Campaigns start at whole seconds, thousands of them at once, so a
 * wake delivers nothing. It only takes a <em>slot</em>: a millisecond that the restaurant shares
 * with few others of this subtask (see {@link Timetable}). The timer of the slot gives one campaign
 * one turn.
 */
final class Turns {

  /** A slot that is nearer than this is kept by {@link #resume}. */
  private static final int RESUME_MILLIS = 1_000;

  private final MapState<String, Long> ready;
  private final ValueState<Long> slot;
  private final ValueState<Long> wake;
  private final TimerService timers;
  private final Timetable timetable = new Timetable();

  Turns(RuntimeContext states, TimerService timers) {
    ready = states.getMapState(DeliveryState.READY);
    slot = states.getState(DeliveryState.SLOT);
    wake = states.getState(DeliveryState.WAKE);
    this.timers = timers;
  }

  /**
   * The turn of one campaign.
   *
   * @param decideAt the moment at which its pending clients are determined, epoch milliseconds, or
   *     {@link Campaign#NOTHING_TO_DECIDE}
   */
  record Turn(String campaignId, long decideAt) {}

  /** The current time, epoch milliseconds. */
  long now() {
    return timers.currentProcessingTime();
  }

  /** All campaigns that wait for a turn, with the moments of their decisions, which may be set. */
  Iterable<Map.Entry<String, Long>> waiting() throws Exception {
    return ready.entries();
  }

  /** Gives a campaign a turn. If it waits for one already, the earlier decision is kept. */
  void add(String campaignId, long decideAt) throws Exception {
    hold(campaignId, decideAt);
    takeSlot();
  }

  /** Lets a campaign wait without a slot until {@link #resume}. An earlier decision is kept. */
  void hold(String campaignId, long decideAt) throws Exception {
    Long earlier = ready.get(campaignId);
    if (earlier == null || earlier == Campaign.NOTHING_TO_DECIDE) {
      ready.put(campaignId, decideAt);
    }
  }

  /** Gives a campaign a turn. If it waits for one already, the earlier decision is replaced. */
  void addOrReplace(String campaignId, long decideAt) throws Exception {
    ready.put(campaignId, decideAt);
    takeSlot();
  }

  /** Takes back the turn of a campaign: it is over, or a newer promo has replaced it. */
  void takeBack(String campaignId) throws Exception {
    ready.remove(campaignId);
  }

  /**
   * Takes a slot now if a campaign waits for a turn, whatever it waited for: a resume, or a time
   * that the configuration no longer asks for.
   */
  void resume() throws Exception {
    Long planned = slot.value();
    if (planned != null && planned > now() + RESUME_MILLIS) {
      if (!isAt(planned, wake)) {
        timers.deleteProcessingTimeTimer(planned);
      }
      slot.clear();
    }
    if (!ready.isEmpty()) {
      takeSlot();
    }
  }

  /** A condition on a campaign that waits for a turn. */
  interface Condition {
    boolean holdsFor(String campaignId) throws Exception;
  }

  /**
   * Removes and returns the next turn, if any, and takes a slot for the one after it.
   *
   * @param free whether a campaign may have a turn now
   */
  @Nullable Turn next(Condition free) throws Exception {
    Turn next = null;
    for (Map.Entry<String, Long> turn : ready.entries()) {
      if (free.holdsFor(turn.getKey())) {
        if (next != null) {
          takeSlot();
          break;
        }
        next = new Turn(turn.getKey(), turn.getValue());
      }
    }
    if (next != null) {
      ready.remove(next.campaignId());
    }
    return next;
  }

  /** Gives no turn for a moment, because the way to the sinks is full. */
  void rest() throws Exception {
    timetable.rest(now());
    takeSlot();
  }

  /** Gives no turn until a checkpoint may have relieved the sinks, because they are full. */
  void restLong() throws Exception {
    timetable.restLong(now());
    takeSlot();
  }

  /** Gives no turn before a time, epoch milliseconds. */
  void restUntil(long time) throws Exception {
    timetable.restUntil(time);
    takeSlot();
  }

  /** Gives this restaurant no turn before a time, epoch milliseconds. */
  void waitUntil(long time) throws Exception {
    if (slot.value() == null) {
      takeSlotAt(time);
    }
  }

  private void takeSlot() throws Exception {
    if (slot.value() == null) {
      takeSlotAt(timetable.takeTurn(now()));
    }
  }

  private void takeSlotAt(long time) throws Exception {
    slot.update(time);
    timers.registerProcessingTimeTimer(time);
  }

  /** Plans a wake at a time, or up to a second later. An earlier plan remains. */
  void wakeAt(long time) throws Exception {
    Long planned = wake.value();
    long free = timetable.wakeAt(time);
    if (planned != null && planned <= free) {
      return;
    }
    // The slot may lie at the same millisecond, and then shares the timer.
    if (planned != null && !isAt(planned, slot)) {
      timers.deleteProcessingTimeTimer(planned);
    }
    timetable.takeWake(time);
    wake.update(free);
    timers.registerProcessingTimeTimer(free);
  }

  /** Whether a timer is that of the wake, which is then over. */
  boolean endsWake(long timer) throws Exception {
    return ends(timer, wake);
  }

  /** Whether a timer is that of the slot, which is then over. */
  boolean endsSlot(long timer) throws Exception {
    return ends(timer, slot);
  }

  private static boolean ends(long timer, ValueState<Long> expected) throws Exception {
    boolean ends = isAt(timer, expected);
    if (ends) {
      expected.clear();
    }
    return ends;
  }

  private static boolean isAt(long timer, ValueState<Long> expected) throws Exception {
    Long time = expected.value();
    return time != null && time == timer;
  }
}
