package io.promostream.delivery;

import io.promostream.delivery.Campaign.Remembered;
import io.promostream.delivery.Campaign.Running;
import io.promostream.metrics.JobMetric;
import io.promostream.metrics.RecentMax;
import io.promostream.promo.Promo;
import io.promostream.subscribers.Audience;
import io.promostream.subscribers.ListUpdate;
import io.promostream.subscribers.ListUpdate.AudiencePart;
import io.promostream.subscribers.ListUpdate.RefreshCompleted;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.TimerService;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.co.KeyedCoProcessFunction;
import org.apache.flink.streaming.api.operators.TimestampedCollector;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/**
 * Sends each promo to its restaurant's subscribers, by the rules of {@link Campaign}.
 *
 * <p>Who is due is decided when a promo comes, when it starts and when the audience changes, and
 * noted as having got it; it then goes out in slices. One slice goes at once where a promo has just
 * come; all others go from timers, one a firing, while there is room in front of the sinks.
 * Campaigns start at whole seconds, thousands at once: so the timer of a start, which is itself one
 * of few at its millisecond, delivers nothing. It takes a <em>slot</em>, at a millisecond that the
 * restaurant shares with few others of this subtask, and the timer of the slot takes one campaign
 * one step on. See {@link Timetable}.
 */
public final class DeliverPromos
    extends KeyedCoProcessFunction<String, Promo, ListUpdate, DeliveryBatch>
    implements CheckpointedFunction {

  private static final int MAX_SLICE_CLIENTS = 1_000;
  private static final int MAX_SLICE_BYTES = 256 * 1024;

  /** The most that the texts of a slice's promo may take in its messages, in characters. */
  private static final int MAX_SLICE_TEXT = 8 << 20;

  /** Stands in {@link DeliveryState#READY} where only slices are left to send: before all time. */
  private static final long NOTHING_TO_DECIDE = Long.MIN_VALUE;

  private final Duration remember;

  private transient Population population;
  private transient ListFreshness list;
  private transient ListState<long[]> populationState;
  private transient ListState<long[]> listState;

  private transient ValueState<Audience> audience;
  private transient MapState<Integer, Audience> audienceParts;
  private transient MapState<String, Campaign> campaigns;
  private transient MapState<String, Audience> recipients;
  private transient MapState<Tuple2<String, Integer>, Slice> slices;
  private transient MapState<String, Long> ready;
  private transient ValueState<Long> slot;
  private transient ValueState<Long> wake;

  private transient Downstream downstream;
  private transient Timetable timetable;

  /** When the first promo or timer came after a start: timers before that waited for the start. */
  private transient long atWorkSince;

  private transient Counter late;
  private transient Counter missed;
  private transient Counter repeated;
  private transient Counter cancelled;
  private transient Counter deliveries;
  private transient Counter batches;
  private transient RecentMax batchClients;

  /**
   * Delivers promos.
   *
   * @param remember how long a campaign is known after its end
   */
  public DeliverPromos(Duration remember) {
    this.remember = remember;
  }

  /** What takes the batches. */
  interface Downstream {

    /** Whether the sinks take more: asked before anything is sent. */
    boolean takesMore();

    /** Whether there is room on the way to them: asked, too, when a timer would send something. */
    boolean hasRoom();

    /** Notes what was sent. */
    void sent(long bytes);
  }

  /** Before it is opened. */
  void sendTo(Downstream downstream) {
    this.downstream = downstream;
  }

  @Override
  public void initializeState(FunctionInitializationContext context) throws Exception {
    populationState = context.getOperatorStateStore().getListState(DeliveryState.POPULATION);
    listState = context.getOperatorStateStore().getUnionListState(DeliveryState.LIST_FRESHNESS);
    population = new Population();
    population.restore(populationState);
    list = new ListFreshness();
    list.restore(listState);
  }

  @Override
  public void snapshotState(FunctionSnapshotContext context) throws Exception {
    population.snapshot(populationState);
    list.snapshot(listState);
  }

  @Override
  public void open(OpenContext context) {
    audience = getRuntimeContext().getState(DeliveryState.AUDIENCE);
    audienceParts = getRuntimeContext().getMapState(DeliveryState.AUDIENCE_PARTS);
    campaigns = getRuntimeContext().getMapState(DeliveryState.CAMPAIGNS);
    recipients = getRuntimeContext().getMapState(DeliveryState.RECIPIENTS);
    slices = getRuntimeContext().getMapState(DeliveryState.SLICES);
    ready = getRuntimeContext().getMapState(DeliveryState.READY);
    slot = getRuntimeContext().getState(DeliveryState.SLOT);
    wake = getRuntimeContext().getState(DeliveryState.WAKE);
    timetable = new Timetable();
    atWorkSince = Long.MAX_VALUE;

    MetricGroup metrics = getRuntimeContext().getMetricGroup();
    late = JobMetric.PROMOS_LATE.counter(metrics);
    missed = JobMetric.PROMOS_MISSED.counter(metrics);
    repeated = JobMetric.PROMOS_REPEATED.counter(metrics);
    cancelled = JobMetric.PROMOS_CANCELLED.counter(metrics);
    deliveries = JobMetric.DELIVERIES.counter(metrics);
    batches = JobMetric.BATCHES.counter(metrics);
    batchClients = JobMetric.BATCH_CLIENTS.recentMax(metrics);
    population.register(metrics);
    list.register(metrics, System::currentTimeMillis);
  }

  @Override
  public void processElement1(Promo promo, Context context, Collector<DeliveryBatch> out)
      throws Exception {
    TimerService timers = context.timerService();
    long now = timers.currentProcessingTime();
    atWorkSince = Math.min(atWorkSince, now);
    String id = promo.campaignId();
    Campaign known = campaigns.get(id);
    switch (Campaign.arrivalOf(promo, known, now)) {
      case REPEATED -> repeated.inc();
      case LATE -> {
        (passedWhileDown(promo, context.timestamp()) ? missed : late).inc();
        store(id, known, Remembered.of(promo, now, remember), now, timers);
      }
      case CANCELLED -> {
        cancelled.inc();
        takeBackAll(id, known);
        store(id, known, Remembered.of(promo, now, remember), now, timers);
      }
      case WAITING -> {
        takeBackAll(id, known);
        store(id, known, new Running(promo, false, 0, 0), now, timers);
      }
      case LIVE -> {
        // What an older version still has to send is decided anew: it was matched with that
        // version.
        takeBackAll(id, known);
        Running running =
            known instanceof Running r
                ? new Running(promo, r.opened(), r.endSlice(), r.endSlice())
                : new Running(promo, false, 0, 0);
        Long sent = context.timestamp();
        long due = Math.max(promo.startsAt(), sent == null ? now : sent);
        settle(id, known, decideAndSend(id, running, now, due, out), now, timers);
      }
    }
  }

  /** Whether a promo came in time to this job, which was down from then until after its end. */
  private boolean passedWhileDown(Promo promo, @Nullable Long sentAt) {
    return sentAt != null
        && sentAt >= list.completeSince()
        && sentAt < promo.endsAt()
        && promo.endsAt() <= atWorkSince;
  }

  @Override
  public void processElement2(ListUpdate update, Context context, Collector<DeliveryBatch> out)
      throws Exception {
    TimerService timers = context.timerService();
    if (update instanceof RefreshCompleted refresh) {
      list.completed(refresh, timers.currentProcessingTime());
    } else if (update instanceof AudiencePart part) {
      Audience complete = assemble(part);
      if (complete != null) {
        changeAudience(complete, timers);
      }
    }
  }

  /** The new audience with this part, or null while others are to come. */
  private @Nullable Audience assemble(AudiencePart part) throws Exception {
    if (part.part() == 0) {
      // Where parts of another are left, so is its first; to look for that is cheaper than
      // clearing.
      if (audienceParts.contains(0)) {
        audienceParts.clear();
      }
      if (part.last()) {
        return part.clients();
      }
    }
    audienceParts.put(part.part(), part.clients());
    if (!part.last()) {
      return null;
    }
    List<Audience> parts = new ArrayList<>();
    audienceParts.values().forEach(parts::add);
    audienceParts.clear();
    return Audience.union(parts);
  }

  private void changeAudience(Audience after, TimerService timers) throws Exception {
    Audience before = orNobody(audience.value());
    Audience left = before.minus(after);
    boolean joined = !after.minus(before).isEmpty();
    if (left.isEmpty() && !joined) {
      return;
    }
    long now = timers.currentProcessingTime();
    // Few restaurants have any: a first load is to look for them once.
    boolean hasCampaigns = !campaigns.isEmpty();
    if (joined && hasCampaigns) {
      decideWhatHasEnded(now);
    }
    if (after.isEmpty()) {
      audience.clear();
    } else {
      audience.update(after);
    }
    if (hasCampaigns) {
      tellCampaigns(left, joined, now, timers);
    }
  }

  private void tellCampaigns(Audience left, boolean joined, long now, TimerService timers)
      throws Exception {
    for (Map.Entry<String, Campaign> entry : campaigns.entries()) {
      if (entry.getValue() instanceof Running running) {
        if (running.hasSlices() && !left.isEmpty()) {
          takeBack(entry.getKey(), running, due -> due.minus(left));
        }
        if (joined && running.promo().phaseAt(now) == Promo.Phase.LIVE) {
          // Not as of an earlier moment that may stand there: who joins now was not there then.
          ready.put(entry.getKey(), now);
          takeSlot(timers);
        }
      }
    }
  }

  /**
   * Decides for the campaigns that have ended while they waited for their turn: who joins now does
   * not get them.
   */
  private void decideWhatHasEnded(long now) throws Exception {
    for (Map.Entry<String, Long> turn : ready.entries()) {
      String id = turn.getKey();
      long decideAt = turn.getValue();
      if (campaigns.get(id) instanceof Running running
          && running.promo().phaseAt(now) == Promo.Phase.ENDED
          && running.promo().phaseAt(decideAt) == Promo.Phase.LIVE) {
        Running decided = keep(id, running.open(), decide(id, running, decideAt));
        campaigns.put(id, decided);
        population.changed(running, decided);
        turn.setValue(NOTHING_TO_DECIDE);
      }
    }
  }

  @Override
  public void onTimer(long time, OnTimerContext context, Collector<DeliveryBatch> out)
      throws Exception {
    TimerService timers = context.timerService();
    atWorkSince = Math.min(atWorkSince, timers.currentProcessingTime());
    if (isAt(time, wake)) {
      wake.clear();
      // Where thousands are due some are late: what was live at their time is not missed for that.
      visitCampaigns(Math.max(time, atWorkSince), timers);
    }
    if (isAt(time, slot)) {
      slot.clear();
      long now = timers.currentProcessingTime();
      if (!downstream.takesMore()) {
        timetable.restLong(now);
        takeSlot(timers);
      } else if (!downstream.hasRoom()) {
        timetable.rest(now);
        takeSlot(timers);
      } else {
        advanceOne(timers, out);
      }
    }
  }

  private static boolean isAt(long time, ValueState<Long> timer) throws Exception {
    Long expected = timer.value();
    return expected != null && expected == time;
  }

  /** Forgets what may be forgotten, and makes ready what has started or ended by some moment. */
  private void visitCampaigns(long asOf, TimerService timers) throws Exception {
    List<String> forgettable = new ArrayList<>();
    for (Map.Entry<String, Campaign> entry : campaigns.entries()) {
      Campaign campaign = entry.getValue();
      if (campaign.nextChange() > asOf) {
        wakeAt(campaign.nextChange(), timers);
      } else if (campaign instanceof Running) {
        makeReady(entry.getKey(), asOf, timers);
      } else {
        population.changed(campaign, null);
        forgettable.add(entry.getKey());
      }
    }
    // Not by the iterator: on the heap, that would leave an empty map for the restaurant.
    for (String id : forgettable) {
      campaigns.remove(id);
      noteRecipients(id, recipientsOf(id), Audience.EMPTY);
    }
  }

  /** Takes one of the restaurant's ready campaigns one step on. */
  private void advanceOne(TimerService timers, Collector<DeliveryBatch> out) throws Exception {
    Iterator<Map.Entry<String, Long>> turns = ready.iterator();
    if (!turns.hasNext()) {
      return;
    }
    Map.Entry<String, Long> turn = turns.next();
    String id = turn.getKey();
    long decideAt = turn.getValue();
    boolean more = turns.hasNext();
    ready.remove(id);
    if (campaigns.get(id) instanceof Running running) {
      long now = timers.currentProcessingTime();
      // The audience is that of now, and so is the decision; but a turn that comes late, after the
      // end, does not cost anybody the promo.
      boolean live = running.promo().phaseAt(now) == Promo.Phase.LIVE;
      long at = live && decideAt != NOTHING_TO_DECIDE ? now : decideAt;
      long dueSince = running.opened() ? decideAt : running.promo().startsAt();
      settle(id, running, decideAndSend(id, running, at, dueSince, out), now, timers);
    }
    if (more) {
      takeSlot(timers);
    }
  }

  /**
   * Decides who is due, and sends one slice.
   *
   * @param decideAt the moment that counts for who is due: an audience that changed while the
   *     campaign was live holds, though its turn comes later
   * @param dueSince since when those who are due have been so
   * @return what has become of the campaign
   */
  private Running decideAndSend(
      String id, Running campaign, long decideAt, long dueSince, Collector<DeliveryBatch> out)
      throws Exception {
    if (campaign.promo().phaseAt(decideAt) != Promo.Phase.LIVE) {
      return campaign.hasSlices() ? sendKept(id, campaign, out) : campaign;
    }
    List<Slice> due = decide(id, campaign, decideAt);
    Running opened = campaign.open();
    if (!downstream.takesMore()) {
      return keep(id, opened, due);
    }
    if (opened.hasSlices()) {
      return keep(id, sendKept(id, opened, out), due);
    }
    if (due.isEmpty()) {
      return opened;
    }
    send(opened.promo(), due.get(0), dueSince, out);
    return keep(id, opened, due.subList(1, due.size()));
  }

  /**
   * Sees to it that a campaign has its next turn, or closes it if it is over and done.
   *
   * @param known what the state holds
   */
  private void settle(
      String id, @Nullable Campaign known, Running campaign, long now, TimerService timers)
      throws Exception {
    if (campaign.hasSlices()) {
      makeReady(id, NOTHING_TO_DECIDE, timers);
      store(id, known, campaign, now, timers);
    } else if (campaign.promo().phaseAt(now) == Promo.Phase.ENDED) {
      if (campaign.isMissed(recipientsOf(id), list.completeSince())) {
        missed.inc();
      }
      store(id, known, Remembered.of(campaign.promo(), now, remember), now, timers);
    } else {
      store(id, known, campaign, now, timers);
    }
  }

  /** Those who are due, in slices, noted as recipients. */
  private List<Slice> decide(String id, Running campaign, long at) throws Exception {
    Audience before = recipientsOf(id);
    Audience due = campaign.due(orNobody(audience.value()), before, at);
    noteRecipients(id, before, before.plus(due));
    int clientsByText = Math.max(1, MAX_SLICE_TEXT / Math.max(1, campaign.promo().textLength()));
    return due.slices(Math.min(MAX_SLICE_CLIENTS, clientsByText), MAX_SLICE_BYTES).stream()
        .map(clients -> new Slice(at / 1000, clients))
        .toList();
  }

  private Running keep(String id, Running campaign, List<Slice> due) throws Exception {
    int number = campaign.endSlice();
    for (Slice slice : due) {
      slices.put(Tuple2.of(id, number++), slice);
    }
    population.slices(due.size());
    return campaign.withSlicesTo(number);
  }

  private Running sendKept(String id, Running campaign, Collector<DeliveryBatch> out)
      throws Exception {
    for (int number = campaign.firstSlice(); number < campaign.endSlice(); number++) {
      Tuple2<String, Integer> key = Tuple2.of(id, number);
      Slice slice = slices.get(key);
      // All of a slice's clients may have left meanwhile, and it with them.
      if (slice != null) {
        slices.remove(key);
        population.slices(-1);
        send(campaign.promo(), slice, slice.matchedAt() * 1000, out);
        return campaign.withSlicesFrom(number + 1);
      }
    }
    return campaign.withSlicesFrom(campaign.endSlice());
  }

  /** Sends a slice, as of when it was due: the sinks see by that how late it is. */
  private void send(Promo promo, Slice slice, long dueSince, Collector<DeliveryBatch> out) {
    int clients = slice.clients().size();
    deliveries.inc(clients);
    batches.inc();
    batchClients.note(clients);
    // A KeyedCoProcessFunction can't choose the time of what it sends; its operator's collector
    // can.
    ((TimestampedCollector<DeliveryBatch>) out).setAbsoluteTimestamp(dueSince);
    out.collect(new DeliveryBatch(promo, slice.matchedAt(), slice.clients()));
    downstream.sent(promo.textLength() + slice.clients().byteSize());
  }

  private void takeBackAll(String id, @Nullable Campaign campaign) throws Exception {
    if (campaign instanceof Running running) {
      takeBack(id, running, due -> Audience.EMPTY);
    }
  }

  /** Changes what has not gone out: those who are no longer in it have not got the campaign. */
  private void takeBack(String id, Running campaign, UnaryOperator<Audience> change)
      throws Exception {
    List<Audience> taken = new ArrayList<>();
    for (int number = campaign.firstSlice(); number < campaign.endSlice(); number++) {
      Tuple2<String, Integer> key = Tuple2.of(id, number);
      Slice slice = slices.get(key);
      if (slice != null) {
        Audience left = change.apply(slice.clients());
        if (left.isEmpty()) {
          slices.remove(key);
          population.slices(-1);
        } else if (left.size() < slice.clients().size()) {
          slices.put(key, new Slice(slice.matchedAt(), left));
        } else {
          continue;
        }
        taken.add(slice.clients().minus(left));
      }
    }
    if (!taken.isEmpty()) {
      Audience before = recipientsOf(id);
      noteRecipients(id, before, before.minus(Audience.union(taken)));
    }
  }

  /**
   * Keeps a campaign, and what is next to be done about it.
   *
   * @param now when that was judged: what has come about since is to be woken up for, too, and a
   *     timer that is late fires at once
   */
  private void store(
      String id, @Nullable Campaign before, Campaign after, long now, TimerService timers)
      throws Exception {
    if (!after.equals(before)) {
      campaigns.put(id, after);
      population.changed(before, after);
    }
    if (after.nextChange() >= now) {
      wakeAt(after.nextChange(), timers);
    }
  }

  private void noteRecipients(String id, Audience before, Audience after) throws Exception {
    population.recipients(after.size() - before.size());
    if (after.isEmpty()) {
      recipients.remove(id);
    } else if (after.size() != before.size()) {
      recipients.put(id, after);
    }
  }

  private Audience recipientsOf(String id) throws Exception {
    return orNobody(recipients.get(id));
  }

  private static Audience orNobody(@Nullable Audience audience) {
    return audience == null ? Audience.EMPTY : audience;
  }

  /** Gives a campaign a turn; a moment to decide as of that stands there already holds. */
  private void makeReady(String id, long decideAt, TimerService timers) throws Exception {
    Long earlier = ready.get(id);
    if (earlier == null || earlier == NOTHING_TO_DECIDE) {
      ready.put(id, decideAt);
    }
    takeSlot(timers);
  }

  /** Takes the subtask's next free turn for this restaurant, unless it has one. */
  private void takeSlot(TimerService timers) throws Exception {
    if (slot.value() == null) {
      long turn = timetable.takeTurn(timers.currentProcessingTime());
      slot.update(turn);
      timers.registerProcessingTimeTimer(turn);
    }
  }

  /** Has the restaurant's campaigns visited in the second after a moment, or earlier if planned. */
  private void wakeAt(long time, TimerService timers) throws Exception {
    Long planned = wake.value();
    long free = timetable.wakeAt(time);
    if (planned != null && planned <= free) {
      return;
    }
    // A slot may lie at the same millisecond, and then has the same timer.
    if (planned != null && !isAt(planned, slot)) {
      timers.deleteProcessingTimeTimer(planned);
    }
    timetable.takeWake(time);
    wake.update(free);
    timers.registerProcessingTimeTimer(free);
  }
}
