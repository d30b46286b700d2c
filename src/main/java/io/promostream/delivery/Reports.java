package io.promostream.delivery;

import io.promostream.config.JobConfig;
import io.promostream.kafka.Message;
import io.promostream.promo.Promo;
import io.promostream.report.Report;
import io.promostream.report.Report.State;
import io.promostream.report.ReportMessage;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.apache.flink.api.common.functions.RuntimeContext;
import org.apache.flink.api.common.state.MapState;
import org.jspecify.annotations.Nullable;

/**
 * The reports on the campaigns of this subtask. Changed reports stay on the heap until a checkpoint
 * begins. Then they are written to the state and to the topic, so that a report counts exactly the
 * deliveries that the checkpoint commits.
 *
 * <p>A report is written if the state of its campaign has changed, or if the interval has passed
 * since it was last written. The others are noted as unwritten and wait for a later checkpoint.
 *
 * <p>Without a topic nothing happens, and no state is used.
 */
final class Reports {

  /**
   * The most reports on the heap: about ten megabytes. If more campaigns change between two
   * checkpoints, the oldest are written at once, and those that change again also at the
   * checkpoint.
   */
  private static final int MAX_HELD = 20_000;

  /** The most reports that are written at once: others wait meanwhile. */
  private static final int OLDEST = 500;

  /** The operator around the reports. Its methods are about the current restaurant. */
  interface Context {

    String restaurantId();

    /** Makes a restaurant the current one. */
    void enter(String restaurantId);

    boolean isPaused(String campaignId);

    /** The number of pending clients of a campaign who are not in slices. */
    long undecided(String campaignId) throws Exception;

    /** The first report on a campaign that ran before reports were switched on. */
    Report earlier(Promo promo, Campaign known) throws Exception;
  }

  private final boolean on;
  private final MapState<String, Report> stored;
  private final MapState<String, Boolean> unwritten;
  private final Context context;
  private final Consumer<Message> topic;
  private final long intervalMillis;
  private final Map<Key, Held> held = new LinkedHashMap<>();

  /** The checkpoints that are not complete, and when they began, epoch milliseconds. */
  private final TreeMap<Long, Long> checkpoints = new TreeMap<>();

  /** When the last complete checkpoint began, epoch milliseconds. */
  private long lastCheckpoint;

  private record Key(String restaurantId, String campaignId) {}

  private static final class Held {
    private Report report;
    private boolean changed;
    private boolean notedAsUnwritten;

    Held(Report report) {
      this.report = report;
    }
  }

  Reports(
      RuntimeContext states,
      Context context,
      JobConfig.Reports config,
      Consumer<Message> topic,
      long now) {
    on = config.topic() != null;
    stored = on ? states.getMapState(DeliveryState.REPORTS) : null;
    unwritten = on ? states.getMapState(DeliveryState.UNWRITTEN_REPORTS) : null;
    this.context = context;
    this.topic = topic;
    intervalMillis = config.interval().toMillis();
    lastCheckpoint = now;
  }

  boolean areOn() {
    return on;
  }

  /**
   * Makes sure that a campaign has a report. Call it before the campaign's state changes.
   *
   * @param known the campaign in the state, null if there is none
   */
  void begin(Promo promo, @Nullable Campaign known, long now) throws Exception {
    if (!on || held.containsKey(key(promo.campaignId()))) {
      return;
    }
    if (held.size() >= MAX_HELD) {
      String restaurantId = context.restaurantId();
      // Later than the checkpoint, so that isDue() can tell.
      write(Math.max(now, lastCheckpoint + 1), true, OLDEST);
      context.enter(restaurantId);
    }
    held.put(key(promo.campaignId()), new Held(report(promo, known)));
  }

  private Report report(Promo promo, @Nullable Campaign known) throws Exception {
    if (known == null) {
      return Report.of(promo);
    }
    Report report = stored.get(promo.campaignId());
    return report == null ? context.earlier(promo, known) : report;
  }

  /** Changes the report on a campaign, which has begun. */
  void change(String campaignId, UnaryOperator<Report> change) {
    if (on) {
      Held one = held.get(key(campaignId));
      one.report = change.apply(one.report);
      one.changed = true;
    }
  }

  /** Notes that the number of pending clients of a campaign may have changed. */
  void audienceChanged(String campaignId) {
    if (on) {
      Held one = held.get(key(campaignId));
      one.changed |= one.report.counts().undecided();
    }
  }

  /** Removes the report on a campaign. */
  void forget(String campaignId) throws Exception {
    if (on) {
      held.remove(key(campaignId));
      unwritten.remove(campaignId);
      stored.remove(campaignId);
      topic.accept(ReportMessage.tombstone(context.restaurantId(), campaignId));
    }
  }

  /** Takes over the unwritten reports of the current restaurant after a restore. */
  void restore() throws Exception {
    for (String campaignId : unwritten.keys()) {
      Held one = new Held(stored.get(campaignId));
      one.changed = true;
      one.notedAsUnwritten = true;
      held.put(key(campaignId), one);
    }
  }

  /** Removes the reports of the current restaurant from the state, but not from the topic. */
  void clear() {
    stored.clear();
    unwritten.clear();
  }

  /** Writes the changed reports, because a checkpoint begins. */
  void write(long checkpointId, long now) throws Exception {
    if (on) {
      write(now, false, Integer.MAX_VALUE);
      checkpoints.put(checkpointId, now);
    }
  }

  /** A checkpoint is complete. If it is not, the next one commits its reports, too. */
  void checkpointCompleted(long checkpointId) {
    Long begin = checkpoints.get(checkpointId);
    if (begin != null) {
      lastCheckpoint = begin;
      checkpoints.headMap(checkpointId, true).clear();
    }
  }

  private void write(long now, boolean always, int most) throws Exception {
    Iterator<Map.Entry<Key, Held>> entries = held.entrySet().iterator();
    for (int i = 0; i < most && entries.hasNext(); i++) {
      Map.Entry<Key, Held> entry = entries.next();
      if (!entry.getValue().changed) {
        entries.remove();
        continue;
      }
      context.enter(entry.getKey().restaurantId());
      if (write(entry.getKey(), entry.getValue(), now, always)) {
        entries.remove();
      }
    }
  }

  /** Writes a report of the current restaurant. Returns false if it is not due. */
  private boolean write(Key key, Held one, long now, boolean always) throws Exception {
    String campaignId = key.campaignId();
    State state = one.report.state(context.isPaused(campaignId), now);
    boolean due = always || isDue(one.report.written(), state, now);
    if (due) {
      topic.accept(
          ReportMessage.of(
              key.restaurantId(), campaignId, one.report, state, pending(one.report, key), now));
      one.report = one.report.written(state, now);
    }
    stored.put(campaignId, one.report);
    if (due && one.notedAsUnwritten) {
      unwritten.remove(campaignId);
    } else if (!due && !one.notedAsUnwritten) {
      unwritten.put(campaignId, true);
      one.notedAsUnwritten = true;
    }
    return due;
  }

  private boolean isDue(Report.Written written, State state, long now) {
    return state != written.state()
        || now - written.at() >= intervalMillis
        // No complete checkpoint has committed it, and it is no longer right.
        || written.at() > lastCheckpoint;
  }

  private long pending(Report report, Key key) throws Exception {
    if (report.over() != null) {
      return 0;
    }
    Report.Counts counts = report.counts();
    return counts.inSlices() + (counts.undecided() ? context.undecided(key.campaignId()) : 0);
  }

  private Key key(String campaignId) {
    return new Key(context.restaurantId(), campaignId);
  }
}
