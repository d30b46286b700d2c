package io.promostream.delivery;

import io.promostream.config.JobConfig;
import io.promostream.config.JobConfig.Delivery;
import io.promostream.control.Command;
import io.promostream.control.CommandsInForce;
import io.promostream.delivery.Campaign.Arrival;
import io.promostream.delivery.Campaign.Remembered;
import io.promostream.delivery.Campaign.Running;
import io.promostream.delivery.Turns.Turn;
import io.promostream.kafka.Message;
import io.promostream.metrics.JobMetric;
import io.promostream.metrics.RecentMax;
import io.promostream.promo.Promo;
import io.promostream.replay.Backlog;
import io.promostream.report.Report;
import io.promostream.report.Report.State;
import io.promostream.subscribers.ListUpdate;
import io.promostream.subscribers.ListUpdate.AudiencePart;
import io.promostream.subscribers.ListUpdate.CommandGiven;
import io.promostream.subscribers.ListUpdate.RefreshCompleted;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.apache.flink.api.common.TaskInfo;
import org.apache.flink.api.common.state.BroadcastState;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.OperatorStateStore;
import org.apache.flink.api.common.state.StateDescriptor;
import org.apache.flink.api.java.tuple.Tuple3;
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
import org.apache.flink.util.OutputTag;
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

  /** The reports on campaigns, as messages. */
  public static final OutputTag<Message> REPORTS = new OutputTag<>("reports", Message.TYPE);

  private final Delivery rules;
  private final JobConfig.Reports reporting;
  private final boolean obeysCommands;
  private final long roomWithoutReports;

  private transient Population population;
  private transient ListFreshness list;
  private transient ListState<long[]> populationState;
  private transient ListState<long[]> listState;

  private transient CommandsInForce commands;

  /** Whether the restored state holds commands, and this start obeys none. */
  private transient boolean hasEndedCommands;

  private transient Sweeps sweeps;
  private transient @Nullable ListState<Tuple3<Command, List<Command>, List<String>>> sweepsState;

  private transient Turns turns;
  private transient Gate gate;
  private transient Restaurant restaurant;
  private transient Reports reports;

  private transient ListState<Long> reportingState;

  /** Whether the restored state holds the reports, and they are not of an earlier time. */
  private transient boolean hasCurrentReports;

  private transient @Nullable Backlog backlog;
  private transient int maxParallelism;
  private transient KeyGroupRange owned;

  /** When the first promo or timer came after a start: earlier timers waited for the start. */
  private transient long atWorkSince;

  private transient Counter late;
  private transient Counter missed;
  private transient Counter held;
  private transient Counter repeated;
  private transient Counter cancelled;
  private transient Counter deliveries;
  private transient Counter batches;
  private transient RecentMax batchClients;

  /**
   * Makes an operator.
   *
   * @param rules that the configuration sets
   * @param reporting whether and how often to report
   * @param obeysCommands whether there may be commands
   * @param roomWithoutReports as in {@link Backlog#watching}
   */
  public DeliverPromosOperator(
      Delivery rules, JobConfig.Reports reporting, boolean obeysCommands, long roomWithoutReports) {
    this.rules = rules;
    this.reporting = reporting;
    this.obeysCommands = obeysCommands;
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
    commands = new CommandsInForce(commandsState(context.getOperatorStateStore()));
    sweepsState = sweepsState(context.getOperatorStateStore());
    if (reporting.topic() != null) {
      reportingState = context.getOperatorStateStore().getUnionListState(DeliveryState.REPORTING);
      for (long checkpoint : reportingState.get()) {
        hasCurrentReports |= context.getRestoredCheckpointId().orElse(-1) == checkpoint;
      }
    }
  }

  private @Nullable BroadcastState<Long, Command> commandsState(OperatorStateStore store)
      throws Exception {
    if (obeysCommands) {
      return store.getBroadcastState(CommandsInForce.STATE);
    }
    if (store.getRegisteredBroadcastStateNames().contains(CommandsInForce.STATE.getName())) {
      // Flink keeps restored state that nobody uses. A later start would obey it again.
      BroadcastState<Long, Command> restored = store.getBroadcastState(CommandsInForce.STATE);
      hasEndedCommands = restored.iterator().hasNext();
      restored.clear();
    }
    return null;
  }

  /** Null without commands, unless a checkpoint of a time with commands holds some. */
  private @Nullable ListState<Tuple3<Command, List<Command>, List<String>>> sweepsState(
      OperatorStateStore store) throws Exception {
    return obeysCommands || store.getRegisteredStateNames().contains(DeliveryState.SWEEPS.getName())
        ? store.getUnionListState(DeliveryState.SWEEPS)
        : null;
  }

  /** Writes the reports, which the checkpoint then commits with the deliveries they count. */
  @Override
  public void prepareSnapshotPreBarrier(long checkpointId) throws Exception {
    super.prepareSnapshotPreBarrier(checkpointId);
    reports.write(checkpointId, turns.now());
  }

  @Override
  public void notifyCheckpointComplete(long checkpointId) throws Exception {
    super.notifyCheckpointComplete(checkpointId);
    reports.checkpointCompleted(checkpointId);
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    population.snapshot(populationState);
    list.snapshot(listState);
    if (sweepsState != null) {
      sweeps.snapshot(sweepsState);
    }
    if (reportingState != null) {
      reportingState.update(List.of(context.getCheckpointId()));
    }
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
    TaskInfo task = getRuntimeContext().getTaskInfo();
    gate = new Gate(rules, commands, task.getNumberOfParallelSubtasks(), turns.now());
    reports =
        new Reports(
            getRuntimeContext(),
            new ReportContext(),
            reporting,
            report -> output.collect(REPORTS, new StreamRecord<>(report)),
            turns.now());
    restaurant =
        new Restaurant(
            getRuntimeContext(), turns, population, list, rules, reports, getMetricGroup());
    backlog =
        Backlog.watching(
            getContainingTask().getEnvironment().getGlobalAggregateManager(), roomWithoutReports);
    maxParallelism = task.getMaxNumberOfParallelSubtasks();
    owned =
        KeyGroupRangeAssignment.computeKeyGroupRangeForOperatorIndex(
            maxParallelism, task.getNumberOfParallelSubtasks(), task.getIndexOfThisSubtask());
    atWorkSince = Long.MAX_VALUE;

    MetricGroup metrics = getMetricGroup();
    late = JobMetric.PROMOS_LATE.counter(metrics);
    missed = JobMetric.PROMOS_MISSED.counter(metrics);
    held = JobMetric.PROMOS_HELD.counter(metrics);
    repeated = JobMetric.PROMOS_REPEATED.counter(metrics);
    cancelled = JobMetric.PROMOS_CANCELLED.counter(metrics);
    deliveries = JobMetric.DELIVERIES.counter(metrics);
    batches = JobMetric.BATCHES.counter(metrics);
    batchClients = JobMetric.BATCH_CLIENTS.recentMax(metrics);
    population.register(metrics);
    list.register(metrics, System::currentTimeMillis);
    JobMetric.COMMANDS_IN_FORCE.gauge(metrics, () -> (long) commands.size());
    sweeps = new Sweeps(new Visitor());
    if (sweepsState != null) {
      sweeps.restore(sweepsState, this::owns);
    }
    // They may have waited for commands or quiet hours that this start does not know any more.
    forEachRestaurant(DeliveryState.READY, turns::resume);
    if (hasCurrentReports) {
      forEachRestaurant(DeliveryState.UNWRITTEN_REPORTS, reports::restore);
    } else if (reports.areOn()) {
      forEachRestaurant(DeliveryState.REPORTS, reports::clear);
    }
    if (reports.areOn() && (!hasCurrentReports || hasEndedCommands)) {
      forEachRestaurant(DeliveryState.CAMPAIGNS, () -> report(restaurant.running()));
    }
    sweep();
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
    sweeps.catchUp(promo.restaurantId());
    long now = turns.now();
    atWorkSince = Math.min(atWorkSince, now);
    long sentAt = element.hasTimestamp() ? element.getTimestamp() : now;
    String id = promo.campaignId();
    Campaign known = restaurant.campaign(id);
    Arrival arrival = Campaign.arrivalOf(promo, known, now);
    if (arrival == Arrival.REPEATED) {
      repeated.inc();
      return;
    }
    reports.begin(promo, known, now);
    if (known instanceof Running running) {
      // Slices and turns that are left are those of the older version.
      restaurant.takeBackAll(running);
      turns.takeBack(id);
    }
    if (arrival == Arrival.CANCELLED || gate.isStopped(promo)) {
      cancelled.inc();
      end(promo, known, State.CANCELLED, now);
    } else if (arrival == Arrival.LATE) {
      end(promo, known, whyLate(promo, sentAt), now);
    } else {
      run(promo, known, Math.max(promo.startsAt(), sentAt), now);
    }
  }

  private State whyLate(Promo promo, long sentAt) {
    if (Campaign.passedWhileDown(promo, sentAt, list.completeSince(), atWorkSince)) {
      missed.inc();
      return State.MISSED;
    }
    late.inc();
    return State.LATE;
  }

  private void run(Promo promo, @Nullable Campaign known, long pendingSince, long now)
      throws Exception {
    Running campaign = Running.after(promo, known, now);
    reports.change(campaign.id(), report -> report.runs(promo));
    if (campaign.phaseAt(now) == Promo.Phase.LIVE) {
      if (!sinksTakeMore() || gate.opensAt(now) > now) {
        // A promo that waits in Kafka costs nothing. One that waits here costs slices and timers.
        Thread.sleep(FULL_SINKS_MILLIS);
      }
      campaign = decideAndSend(known, campaign, now, pendingSince);
    }
    settle(known, campaign, now);
  }

  @Override
  public void processElement2(StreamRecord<ListUpdate> element) throws Exception {
    if (element.getValue() instanceof RefreshCompleted refresh) {
      list.completed(refresh, turns.now());
    } else if (element.getValue() instanceof AudiencePart part) {
      // All subtasks get a broadcast list. A filter before this operator would pass the parts on by
      // a forward edge, and parts would be lost when only one of the two is rescaled.
      String key = part.restaurantId();
      if (owns(key)) {
        // Flink does not set the key of a broadcast.
        setCurrentKey(key);
        sweeps.catchUp(key);
        restaurant.add(part, this::endHeld);
      }
    } else if (element.getValue() instanceof CommandGiven given) {
      obey(given.command());
    }
  }

  private boolean owns(String restaurantId) {
    return owned.contains(KeyGroupRangeAssignment.assignToKeyGroup(restaurantId, maxParallelism));
  }

  private void obey(Command command) throws Exception {
    String restaurantId = command.restaurantId();
    if (restaurantId == null) {
      CommandsInForce before = CommandsInForce.of(commands.inOrder());
      commands.give(command);
      boolean isSweeping = !sweeps.isEmpty();
      boolean needsAll = command.action() == Command.Action.STOP || reports.areOn();
      sweeps.begin(
          command, before, restaurants(needsAll ? DeliveryState.CAMPAIGNS : DeliveryState.READY));
      if (!isSweeping) {
        sweep();
      }
    } else if (owns(restaurantId)) {
      setCurrentKey(restaurantId);
      sweeps.catchUp(restaurantId);
      endHeldBefore(command, commands);
      commands.give(command);
      obeyInRestaurant(command);
    } else {
      commands.give(command);
    }
  }

  private void sweep() throws Exception {
    sweeps.goOn();
    if (!sweeps.isEmpty()) {
      var unused = getProcessingTimeService().registerTimer(turns.now() + 1, time -> sweep());
    }
  }

  /** Afterwards nothing tells that these campaigns of the restaurant were paused at their end. */
  private void endHeldBefore(Command command, CommandsInForce before) throws Exception {
    if (command.action() != Command.Action.STOP) {
      endHeld(before, command.at());
    }
  }

  private void obeyInRestaurant(Command command) throws Exception {
    if (command.action() == Command.Action.RESUME) {
      turns.resume();
    }
    if (command.action() == Command.Action.STOP) {
      stop(command);
    } else if (reports.areOn()) {
      report(covered(command));
    }
  }

  private void stop(Command command) throws Exception {
    long now = turns.now();
    for (Running campaign : covered(command)) {
      reports.begin(campaign.promo(), campaign, now);
      restaurant.takeBackAll(campaign);
      cancelled.inc();
      end(campaign.promo(), campaign, State.CANCELLED, now);
    }
  }

  private List<Running> covered(Command command) throws Exception {
    return restaurant.running().stream()
        .filter(one -> command.covers(one.promo().restaurantId(), one.id()))
        .toList();
  }

  /** Reports campaigns even if their numbers have not changed. */
  private void report(List<Running> campaigns) throws Exception {
    for (Running campaign : campaigns) {
      reports.begin(campaign.promo(), campaign, turns.now());
      reports.change(campaign.id(), report -> report);
    }
  }

  private interface Visit {
    void toCurrentRestaurant() throws Exception;
  }

  /** Visits all restaurants of this subtask with a state. */
  private void forEachRestaurant(StateDescriptor<?, ?> having, Visit visit) throws Exception {
    // Visits change the state.
    for (String one : restaurants(having)) {
      setCurrentKey(one);
      visit.toCurrentRestaurant();
    }
  }

  private List<String> restaurants(StateDescriptor<?, ?> having) {
    try (Stream<String> found =
        this.<String>getKeyedStateBackend().getKeys(having.getName(), VoidNamespace.INSTANCE)) {
      return found.distinct().toList();
    }
  }

  @Override
  public void onProcessingTime(InternalTimer<String, VoidNamespace> timer) throws Exception {
    long time = timer.getTimestamp();
    atWorkSince = Math.min(atWorkSince, turns.now());
    sweeps.catchUp((String) getCurrentKey());
    if (turns.endsWake(time)) {
      endHeld();
      // A timer may be late, if thousands are due. A campaign that was live at the time of the
      // timer is not missed for that.
      restaurant.wake(Math.max(time, atWorkSince));
    }
    if (turns.endsSlot(time)) {
      useSlot(turns.now());
    }
  }

  @Override
  public void onEventTime(InternalTimer<String, VoidNamespace> timer) {
    throw new IllegalStateException("No event-time timer is ever registered, but got " + timer);
  }

  private void useSlot(long now) throws Exception {
    String restaurantId = (String) getCurrentKey();
    if (gate.opensAt(now) > now) {
      if (gate.isQuiet(now)) {
        endHeld();
      }
      turns.restUntil(gate.opensAt(now));
    } else if (gate.opensAt(restaurantId, now) > now) {
      turns.waitUntil(gate.opensAt(restaurantId, now));
    } else if (!sinksTakeMore()) {
      turns.restLong();
    } else if (!hasRoom()) {
      turns.rest();
    } else {
      takeTurn(restaurantId, now);
    }
  }

  private void takeTurn(String restaurantId, long now) throws Exception {
    Turn turn = turns.next(campaignId -> !isHeld(restaurantId, campaignId, now));
    if (turn == null || !(restaurant.campaign(turn.campaignId()) instanceof Running running)) {
      return;
    }
    if (gate.hasHeldUntilItsEnd(running, now)) {
      endHeld(running, now);
      return;
    }
    reports.begin(running.promo(), running, now);
    Running campaign =
        decideAndSend(
            running,
            running,
            running.decideAt(turn.decideAt(), now),
            running.pendingSince(turn.decideAt()));
    settle(running, campaign, now);
  }

  /** Ends the campaigns of this restaurant that were held until their end. */
  private void endHeld() throws Exception {
    endHeld(commands, turns.now());
  }

  /** The same, as of a moment at which other commands were in force. */
  private void endHeld(CommandsInForce commandsThen, long asOf) throws Exception {
    if (gate.mayHold(commandsThen)) {
      for (Running running : restaurant.running()) {
        if (gate.hasHeldUntilItsEnd(running, commandsThen, asOf)) {
          endHeld(running, turns.now());
        }
      }
    }
  }

  /** Ends a campaign. Its pending clients do not get it. */
  private void endHeld(Running running, long now) throws Exception {
    String id = running.id();
    reports.begin(running.promo(), running, now);
    restaurant.takeBackAll(running);
    int audience = restaurant.audienceSize();
    reports.change(id, report -> report.decided(audience, 0, 0));
    boolean isMissed =
        restaurant.undecided(running) > 0
            || running.open().isMissed(restaurant.recipients(id), list.completeSince());
    if (isMissed) {
      held.inc();
    }
    end(running.promo(), running, isMissed ? State.MISSED : State.ENDED, now);
  }

  /** Whether a command holds a campaign, which has noticed its start or has ended. */
  private boolean isHeld(String restaurantId, String campaignId, long now) throws Exception {
    return gate.isPaused(restaurantId, campaignId)
        && restaurant.campaign(campaignId) instanceof Running running
        && (running.opened() || running.phaseAt(now) == Promo.Phase.ENDED)
        && !gate.hasHeldUntilItsEnd(running, now);
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
    long now = turns.now();
    int room = room(campaign, now);
    if (campaign.phaseAt(decideAt) != Promo.Phase.LIVE) {
      return campaign.hasSlices() && room > 0 ? sendKept(campaign, room) : campaign;
    }
    boolean isPaused = gate.isPaused(campaign);
    if (isPaused || gate.isQuiet(now)) {
      if (isPaused) {
        turns.hold(campaign.id(), decideAt);
      } else {
        turns.add(campaign.id(), decideAt);
      }
      reports.change(campaign.id(), Report::undecided);
      return campaign.open();
    }
    List<Slice> pending = restaurant.decide(known, campaign, decideAt);
    Running opened = campaign.open();
    if (room == 0) {
      return restaurant.keep(opened, pending);
    }
    if (opened.hasSlices()) {
      return restaurant.keep(sendKept(opened, room), pending);
    }
    if (pending.isEmpty()) {
      return opened;
    }
    List<Slice> parts = pending.get(0).split(room);
    send(opened.promo(), parts.get(0), pendingSince);
    List<Slice> rest = pending.subList(1, pending.size());
    return restaurant.keep(restaurant.keep(opened, parts.subList(1, parts.size())), rest);
  }

  private Running sendKept(Running campaign, int room) throws Exception {
    return restaurant.release(
        campaign, room, slice -> send(campaign.promo(), slice, slice.matchedAt() * 1000));
  }

  /** How many clients of a campaign a slice may have now. */
  private int room(Running campaign, long now) {
    return sinksTakeMore() ? gate.room(campaign.promo().restaurantId(), now) : 0;
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
    long now = turns.now();
    gate.passed(promo.restaurantId(), clients, now);
    reports.change(promo.campaignId(), report -> report.delivered(clients, now));
  }

  /**
   * Stores a campaign: with a next turn if it has slices left, closed if it has ended.
   *
   * @param known the campaign in the state, null if there is none
   */
  private void settle(@Nullable Campaign known, Running campaign, long now) throws Exception {
    String id = campaign.id();
    if (campaign.hasSlices()) {
      turns.add(id, Campaign.NOTHING_TO_DECIDE);
    } else if (campaign.phaseAt(now) == Promo.Phase.ENDED) {
      boolean isMissed = campaign.isMissed(restaurant.recipients(id), list.completeSince());
      if (isMissed) {
        missed.inc();
      }
      end(campaign.promo(), known, isMissed ? State.MISSED : State.ENDED, now);
      return;
    }
    restaurant.store(id, known, campaign, now);
  }

  /**
   * Stores the end of a campaign.
   *
   * @param known the campaign in the state, null if there is none
   */
  private void end(Promo promo, @Nullable Campaign known, State state, long now) throws Exception {
    // A campaign that a pause holds has a turn without a slot, which nothing else would remove.
    turns.takeBack(promo.campaignId());
    reports.change(promo.campaignId(), report -> report.over(promo, state));
    restaurant.store(
        promo.campaignId(), known, Remembered.of(promo, now, rules.rememberEnded()), now);
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

  /** Lets restaurants notice the commands about all of them. */
  private final class Visitor implements Sweeps.Visitor {

    @Override
    public void enter(String restaurantId) {
      setCurrentKey(restaurantId);
    }

    @Override
    public void notice(Command command, CommandsInForce before) throws Exception {
      endHeldBefore(command, before);
      obeyInRestaurant(command);
    }
  }

  /** What the reports need to know. */
  private final class ReportContext implements Reports.Context {

    @Override
    public String restaurantId() {
      return (String) getCurrentKey();
    }

    @Override
    public void enter(String restaurantId) {
      setCurrentKey(restaurantId);
    }

    @Override
    public boolean isPaused(String campaignId) {
      return gate.isPaused(restaurantId(), campaignId);
    }

    @Override
    public long undecided(String campaignId) throws Exception {
      return restaurant.campaign(campaignId) instanceof Running running
          ? restaurant.undecided(running)
          : 0;
    }

    @Override
    public Report earlier(Promo promo, Campaign known) throws Exception {
      return restaurant.earlier(promo, known);
    }
  }
}
