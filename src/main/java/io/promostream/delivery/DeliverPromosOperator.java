package io.promostream.delivery;

import io.promostream.config.JobConfig.Delivery;
import io.promostream.delivery.Campaign.Arrival;
import io.promostream.delivery.Campaign.Remembered;
import io.promostream.delivery.Campaign.Running;
import io.promostream.delivery.Turns.Turn;
import io.promostream.metrics.JobMetric;
import io.promostream.metrics.RecentMax;
import io.promostream.promo.Promo;
import io.promostream.replay.Backlog;
import io.promostream.subscribers.ListUpdate;
import io.promostream.subscribers.ListUpdate.AudiencePart;
import io.promostream.subscribers.ListUpdate.RefreshCompleted;
import java.util.Arrays;
import java.util.List;
import org.apache.flink.api.common.TaskInfo;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.io.network.api.writer.ResultPartitionWriter;
import org.apache.flink.runtime.io.network.partition.ResultPartition;
import org.apache.flink.runtime.state.KeyGroupRange;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.runtime.state.VoidNamespaceSerializer;
import org.apache.flink.streaming.api.SimpleTimerService;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.InternalTimer;
import org.apache.flink.streaming.api.operators.Triggerable;
import org.apache.flink.streaming.api.operators.TwoInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.jspecify.annotations.Nullable;

/**
 * Sends each promo to the subscribers of its restaurant: takes the two inputs and the timers, asks
 * {@link Restaurant} and {@link Turns}, and sends slices. A promo that arrives sends one slice at
 * once. All other slices go out one per turn, while there is room on the way to the sinks.
 *
 * <p>It is an operator, and not a {@code KeyedCoProcessFunction}, because it looks at the buffers
 * of its output, filters the broadcast list by key group, and sets the timestamps of its batches.
 */
public class DeliverPromosOperator extends AbstractStreamOperator<DeliveryBatch>
    implements TwoInputStreamOperator<Promo, ListUpdate, DeliveryBatch>,
        Triggerable<String, VoidNamespace> {

  private static final long serialVersionUID = 1;

  /** Network buffers per sink subtask: one to be read and one to be filled keep it busy. */
  private static final int BUFFERS = 2;

  /**
   * For each live promo that arrives while the sinks are full: a thousand a second, more than
   * restaurants write, so that a campaign does not end in Kafka while an outage lasts.
   */
  private static final int FULL_SINKS_MILLIS = 1;

  private final Delivery rules;
  private final long roomWithoutReports;

  private transient Population population;
  private transient ListFreshness list;
  private transient ListState<long[]> populationState;
  private transient ListState<long[]> listState;

  private transient Turns turns;
  private transient Restaurant restaurant;
  private transient @Nullable Backlog backlog;
  private transient int maxParallelism;
  private transient KeyGroupRange owned;

  /** When the first promo or timer came after a start: earlier timers waited for the start. */
  private transient long atWorkSince;

  private transient Counter late;
  private transient Counter missed;
  private transient Counter repeated;
  private transient Counter cancelled;
  private transient Counter deliveries;
  private transient Counter batches;
  private transient RecentMax batchClients;

  /**
   * Makes an operator.
   *
   * @param rules that the configuration sets
   * @param roomWithoutReports as in {@link Backlog#watching}
   */
  public DeliverPromosOperator(Delivery rules, long roomWithoutReports) {
    this.rules = rules;
    this.roomWithoutReports = roomWithoutReports;
  }

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    populationState = context.getOperatorStateStore().getListState(DeliveryState.POPULATION);
    listState = context.getOperatorStateStore().getUnionListState(DeliveryState.LIST_FRESHNESS);
    population = new Population();
    population.restore(populationState);
    list = new ListFreshness();
    list.restore(listState);
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    population.snapshot(populationState);
    list.snapshot(listState);
  }

  @Override
  public void open() throws Exception {
    super.open();
    turns =
        new Turns(
            getRuntimeContext(),
            new SimpleTimerService(
                getInternalTimerService(
                    DeliveryState.TIMERS, VoidNamespaceSerializer.INSTANCE, this)));
    restaurant =
        new Restaurant(getRuntimeContext(), turns, population, list, rules, getMetricGroup());
    backlog =
        Backlog.watching(
            getContainingTask().getEnvironment().getGlobalAggregateManager(), roomWithoutReports);
    TaskInfo task = getRuntimeContext().getTaskInfo();
    maxParallelism = task.getMaxNumberOfParallelSubtasks();
    owned =
        KeyGroupRangeAssignment.computeKeyGroupRangeForOperatorIndex(
            maxParallelism, task.getNumberOfParallelSubtasks(), task.getIndexOfThisSubtask());
    atWorkSince = Long.MAX_VALUE;

    MetricGroup metrics = getMetricGroup();
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
  public void close() throws Exception {
    if (backlog != null) {
      backlog.close();
    }
    super.close();
  }

  @Override
  public void processElement1(StreamRecord<Promo> element) throws Exception {
    Promo promo = element.getValue();
    long now = turns.now();
    atWorkSince = Math.min(atWorkSince, now);
    long sentAt = element.hasTimestamp() ? element.getTimestamp() : now;
    String id = promo.campaignId();
    Campaign known = restaurant.campaign(id);
    Arrival arrival = Campaign.arrivalOf(promo, known, now);
    switch (arrival) {
      case REPEATED -> {
        repeated.inc();
        return;
      }
      case CANCELLED -> cancelled.inc();
      case LATE ->
          (Campaign.passedWhileDown(promo, sentAt, list.completeSince(), atWorkSince)
                  ? missed
                  : late)
              .inc();
      case WAITING, LIVE -> {}
    }
    if (known instanceof Running running) {
      // Slices that have not gone out were matched with the older version.
      restaurant.takeBackAll(running);
    }
    Campaign campaign = Campaign.after(promo, known, now, rules.rememberEnded());
    if (arrival == Arrival.LIVE && campaign instanceof Running running) {
      if (!sinksTakeMore()) {
        // A promo that waits in Kafka costs nothing. One that waits here costs slices and timers.
        Thread.sleep(FULL_SINKS_MILLIS);
      }
      campaign = decideAndSend(known, running, now, Math.max(promo.startsAt(), sentAt));
    }
    settle(id, known, campaign, now);
  }

  @Override
  public void processElement2(StreamRecord<ListUpdate> element) throws Exception {
    if (element.getValue() instanceof RefreshCompleted refresh) {
      list.completed(refresh, turns.now());
    } else if (element.getValue() instanceof AudiencePart part) {
      // All subtasks get a broadcast list. A filter before this operator would pass the parts on by
      // a forward edge, and parts would be lost when only one of the two is rescaled.
      String key = part.restaurantId();
      if (owned.contains(KeyGroupRangeAssignment.assignToKeyGroup(key, maxParallelism))) {
        // Flink does not set the key of a broadcast.
        setCurrentKey(key);
        restaurant.add(part);
      }
    }
  }

  @Override
  public void onProcessingTime(InternalTimer<String, VoidNamespace> timer) throws Exception {
    long time = timer.getTimestamp();
    atWorkSince = Math.min(atWorkSince, turns.now());
    if (turns.endsWake(time)) {
      // A timer may be late, if thousands are due. A campaign that was live at the time of the
      // timer is not missed for that.
      restaurant.wake(Math.max(time, atWorkSince));
    }
    if (turns.endsSlot(time)) {
      if (!sinksTakeMore()) {
        turns.restLong();
      } else if (!hasRoom()) {
        turns.rest();
      } else {
        takeTurn();
      }
    }
  }

  @Override
  public void onEventTime(InternalTimer<String, VoidNamespace> timer) {
    throw new IllegalStateException("No event-time timer is ever registered, but got " + timer);
  }

  private void takeTurn() throws Exception {
    Turn turn = turns.next();
    if (turn != null && restaurant.campaign(turn.campaignId()) instanceof Running running) {
      long now = turns.now();
      Running campaign =
          decideAndSend(
              running,
              running,
              running.decideAt(turn.decideAt(), now),
              running.pendingSince(turn.decideAt()));
      settle(turn.campaignId(), running, campaign, now);
    }
  }

  /**
   * Determines the pending clients, and sends one slice.
   *
   * @param known the campaign in the state, null if there is none
   * @param decideAt the moment that counts: clients who joined while the campaign was live get it,
   *     even if its turn comes after its end
   * @param pendingSince since when these clients have been pending
   * @return the campaign afterwards
   */
  private Running decideAndSend(
      @Nullable Campaign known, Running campaign, long decideAt, long pendingSince)
      throws Exception {
    if (campaign.phaseAt(decideAt) != Promo.Phase.LIVE) {
      return campaign.hasSlices() ? sendKept(campaign) : campaign;
    }
    List<Slice> pending = restaurant.decide(known, campaign, decideAt);
    Running opened = campaign.open();
    if (!sinksTakeMore()) {
      return restaurant.keep(opened, pending);
    }
    if (opened.hasSlices()) {
      return restaurant.keep(sendKept(opened), pending);
    }
    if (pending.isEmpty()) {
      return opened;
    }
    send(opened.promo(), pending.get(0), pendingSince);
    return restaurant.keep(opened, pending.subList(1, pending.size()));
  }

  private Running sendKept(Running campaign) throws Exception {
    return restaurant.release(
        campaign, slice -> send(campaign.promo(), slice, slice.matchedAt() * 1000));
  }

  /** Sends a slice. The sinks tell its delay by the timestamp. */
  private void send(Promo promo, Slice slice, long pendingSince) {
    int clients = slice.clients().size();
    deliveries.inc(clients);
    batches.inc();
    batchClients.note(clients);
    output.collect(
        new StreamRecord<>(
            new DeliveryBatch(promo, slice.matchedAt(), slice.clients()), pendingSince));
    backlog.sent(promo.textLength() + slice.clients().byteSize());
  }

  /**
   * Stores a campaign: with a next turn if it has slices left, closed if it has ended.
   *
   * @param known the campaign in the state, null if there is none
   */
  private void settle(String id, @Nullable Campaign known, Campaign campaign, long now)
      throws Exception {
    Campaign after = campaign;
    if (campaign instanceof Running running) {
      if (running.hasSlices()) {
        turns.add(id, Campaign.NOTHING_TO_DECIDE);
      } else if (running.phaseAt(now) == Promo.Phase.ENDED) {
        if (running.isMissed(restaurant.recipients(id), list.completeSince())) {
          missed.inc();
        }
        after = Remembered.of(running.promo(), now, rules.rememberEnded());
      }
    }
    restaurant.store(id, known, after, now);
  }

  /** Whether the sinks take more. If not, batches would wait where they block other promos. */
  boolean sinksTakeMore() {
    return !backlog.isFull();
  }

  /** Whether a slice would neither wait for a free buffer nor queue behind many others. */
  boolean hasRoom() {
    return Arrays.stream(getContainingTask().getEnvironment().getAllWriters())
        .allMatch(DeliverPromosOperator::hasRoom);
  }

  private static boolean hasRoom(ResultPartitionWriter output) {
    return output.isAvailable()
        && (!(output instanceof ResultPartition queue)
            || queue.getNumberOfQueuedBuffers() < BUFFERS * queue.getNumberOfSubpartitions());
  }
}
