package io.promostream.delivery;

import io.promostream.promo.Promo;
import io.promostream.subscribers.Audience;
import io.promostream.subscribers.ListUpdate;
import io.promostream.subscribers.ListUpdate.AudiencePart;
import io.promostream.subscribers.ListUpdate.RefreshCompleted;
import io.promostream.testing.Metrics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.state.StateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.runtime.state.StateBackend;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.streaming.runtime.tasks.ProcessingTimeService;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.streaming.util.KeyedTwoInputStreamOperatorTestHarness;

/**
 * The subtasks of the operator, without a cluster. It sends each element to the subtask that owns
 * its key, keeps the clock, and restarts all subtasks from a snapshot, at any parallelism.
 */
final class DeliveryDriver {

  static final int MAX_PARALLELISM = 8;

  private static final List<StateDescriptor<?, ?>> STATES =
      List.of(
          DeliveryState.AUDIENCE,
          DeliveryState.AUDIENCE_PARTS,
          DeliveryState.CAMPAIGNS,
          DeliveryState.RECIPIENTS,
          DeliveryState.SLICES,
          DeliveryState.READY,
          DeliveryState.SLOT,
          DeliveryState.WAKE);

  private final StateBackend backend;
  private final Duration remember;
  private final List<DeliveryBatch> delivered = new ArrayList<>();
  private final List<String> due = new ArrayList<>();

  private List<KeyedTwoInputStreamOperatorTestHarness<String, Promo, ListUpdate, DeliveryBatch>>
      subtasks = List.of();
  private long now;
  private long version;
  private boolean room = true;
  private boolean sinksFull;
  private boolean ticking;
  private long ticks;

  DeliveryDriver(StateBackend backend, Duration remember, long now) throws Exception {
    this.backend = backend;
    this.remember = remember;
    this.now = now;
    start(1, null, 0);
  }

  private void start(int parallelism, OperatorSubtaskState snapshot, int snapshotParallelism)
      throws Exception {
    subtasks = new ArrayList<>();
    for (int subtask = 0; subtask < parallelism; subtask++) {
      KeyedTwoInputStreamOperatorTestHarness<String, Promo, ListUpdate, DeliveryBatch> harness =
          new KeyedTwoInputStreamOperatorTestHarness<>(
              operator(),
              Promo::restaurantId,
              ListUpdate::key,
              Types.STRING,
              MAX_PARALLELISM,
              parallelism,
              subtask);
      harness.setStateBackend(backend);
      harness.setup(
          DeliveryBatch.TYPE.createSerializer(harness.getExecutionConfig().getSerializerConfig()));
      harness.setProcessingTime(now);
      if (snapshot != null) {
        harness.initializeState(
            AbstractStreamOperatorTestHarness.repartitionOperatorState(
                snapshot, MAX_PARALLELISM, snapshotParallelism, parallelism, subtask));
      }
      harness.open();
      subtasks.add(harness);
    }
  }

  @SuppressWarnings("serial") // it is not sent anywhere
  private DeliverPromosOperator operator() {
    return new DeliverPromosOperator(remember, Long.MAX_VALUE) {
      @Override
      public ProcessingTimeService getProcessingTimeService() {
        return new TickingClock(super.getProcessingTimeService(), DeliveryDriver.this::tick);
      }

      @Override
      boolean hasRoom() {
        return room;
      }

      @Override
      boolean sinksTakeMore() {
        return !sinksFull;
      }
    };
  }

  private long tick() {
    return ticking ? ticks++ : 0;
  }

  /** Makes each reading of the clock a millisecond later than the one before. */
  void startTicking() {
    ticking = true;
  }

  void stopTicking() {
    ticking = false;
    ticks = 0;
  }

  /** Sets whether a sink holds as much as it may. Initially no sink does. */
  void setSinksFull(boolean full) {
    sinksFull = full;
  }

  /** Sets whether there is room in front of the sinks. Initially there is. */
  void setRoom(boolean thereIs) {
    room = thereIs;
  }

  /** Stops with a snapshot, and resumes from it after some downtime. */
  void restart(int parallelism, Duration down) throws Exception {
    List<OperatorSubtaskState> snapshots = new ArrayList<>();
    for (var subtask : subtasks) {
      snapshots.add(subtask.snapshot(1, now));
    }
    collect();
    close();
    now += down.toMillis();
    start(
        parallelism,
        AbstractStreamOperatorTestHarness.repackageState(
            snapshots.toArray(OperatorSubtaskState[]::new)),
        snapshots.size());
    collect();
  }

  void restart(int parallelism) throws Exception {
    restart(parallelism, Duration.ZERO);
  }

  void promo(Promo promo) throws Exception {
    promo(promo, now);
  }

  /** A promo that was sent to Kafka some time ago. */
  void promo(Promo promo, long sentAt) throws Exception {
    owner(promo.restaurantId()).processElement1(promo, sentAt);
    collect();
  }

  void audience(String restaurant, String... clients) throws Exception {
    update(new AudiencePart(restaurant, 0, true, Audience.of(clients)));
  }

  void update(ListUpdate update) throws Exception {
    owner(update.key()).processElement2(update, now);
    collect();
  }

  /** Tells every subtask that a refresh is complete. */
  void refreshCompleted() throws Exception {
    version++;
    for (int subtask = 0; subtask < subtasks.size(); subtask++) {
      subtasks
          .get(subtask)
          .processElement2(new RefreshCompleted(keyOf(subtask), version, now, 1, 1), now);
    }
  }

  private String keyOf(int subtask) {
    int i = 0;
    while (subtaskOf("refresh-" + i) != subtask) {
      i++;
    }
    return "refresh-" + i;
  }

  /** Lets time pass, and fires each timer on time. */
  void advanceTo(long millis) throws Exception {
    for (long next = nextTimer(); next <= millis; next = nextTimer()) {
      setTime(Math.max(now, next));
    }
    setTime(millis);
  }

  private long nextTimer() {
    return subtasks.stream()
        .flatMap(subtask -> subtask.getProcessingTimeService().getActiveTimerTimestamps().stream())
        .mapToLong(Long::longValue)
        .min()
        .orElse(Long.MAX_VALUE);
  }

  private void setTime(long millis) throws Exception {
    now = millis;
    for (var subtask : subtasks) {
      subtask.setProcessingTime(now);
    }
    collect();
  }

  void advance(Duration time) throws Exception {
    advanceTo(now + time.toMillis());
  }

  /** Lets time pass, and then fires all timers of that time, late. */
  void lapse(Duration time) throws Exception {
    setTime(now + time.toMillis());
  }

  long now() {
    return now;
  }

  private KeyedTwoInputStreamOperatorTestHarness<String, Promo, ListUpdate, DeliveryBatch> owner(
      String key) {
    return subtasks.get(subtaskOf(key));
  }

  private int subtaskOf(String key) {
    return KeyGroupRangeAssignment.assignKeyToParallelOperator(
        key, MAX_PARALLELISM, subtasks.size());
  }

  private void collect() {
    for (var subtask : subtasks) {
      delivered.addAll(subtask.extractOutputValues());
      subtask
          .extractOutputStreamRecords()
          .forEach(
              batch -> due.add(batch.getValue().promo().campaignId() + " " + batch.getTimestamp()));
      subtask.getOutput().clear();
    }
  }

  /** All batches since the last call of {@link #deliveries}. */
  List<DeliveryBatch> batches() {
    return delivered;
  }

  /** For each batch so far: {@code campaign timestamp}. */
  List<String> due() {
    return due;
  }

  /** The deliveries since the last call: {@code campaign content client}. */
  List<String> deliveries() {
    List<String> deliveries = new ArrayList<>();
    for (DeliveryBatch batch : delivered) {
      for (String client : batch.clients().clientIds()) {
        deliveries.add(batch.promo().campaignId() + " " + batch.promo().content() + " " + client);
      }
    }
    delivered.clear();
    return deliveries;
  }

  /** A gauge or counter of the operator, summed over its subtasks. */
  long metric(String name) {
    return subtasks.stream()
        .mapToLong(subtask -> Metrics.value(subtask.getOperator().getMetricGroup(), name))
        .sum();
  }

  /** The number of keys in each keyed state, summed over the states. */
  long keyedStateEntries() {
    return subtasks.stream()
        .mapToLong(
            subtask ->
                STATES.stream()
                    .mapToLong(
                        state ->
                            subtask
                                .getOperator()
                                .getKeyedStateBackend()
                                .getKeys(state.getName(), VoidNamespace.INSTANCE)
                                .count())
                    .sum())
        .sum();
  }

  int timers() {
    return subtasks.stream().mapToInt(subtask -> subtask.numProcessingTimeTimers()).sum();
  }

  void close() throws Exception {
    for (var subtask : subtasks) {
      subtask.close();
    }
    subtasks = List.of();
  }
}
