package io.promostream.subscribers;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.subscribers.ListUpdate.AudiencePart;
import io.promostream.subscribers.ListUpdate.RefreshCompleted;
import io.promostream.testing.Metrics;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceEvent;
import org.apache.flink.api.connector.source.SourceOutput;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.io.InputStatus;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.metrics.groups.SourceReaderMetricGroup;
import org.apache.flink.runtime.metrics.groups.InternalSourceReaderMetricGroup;
import org.apache.flink.runtime.metrics.groups.UnregisteredMetricGroups;
import org.apache.flink.util.UserCodeClassLoader;

/** A reader of the source, driven as a task drives it, and a list kept from what it emits. */
final class SourceRun implements AutoCloseable {

  private static final long DEADLINE_SECONDS = 60;

  private final MetricGroup metrics =
      UnregisteredMetricGroups.createUnregisteredOperatorMetricGroup();
  private final SourceReader<ListUpdate, SubscriberListSplit> reader;
  private final Collected output = new Collected();

  /** The list as a receiver holds it. */
  final Map<String, Set<String>> list = new TreeMap<>();

  private final Map<String, Set<String>> begun = new TreeMap<>();
  private final Map<String, Integer> lastPart = new TreeMap<>();

  private SourceRun(SubscriberListSource source) {
    reader = source.createReader(new Context());
    reader.start();
  }

  /** Starts without a checkpoint. */
  static SourceRun of(SubscriberListSource source) {
    return restored(source, SubscriberListSplit.NOTHING_SENT);
  }

  static SourceRun restored(SubscriberListSource source, SubscriberListSplit state) {
    SourceRun run = new SourceRun(source);
    try {
      var serializer = source.getSplitSerializer();
      run.reader.addSplits(
          List.of(serializer.deserialize(serializer.getVersion(), serializer.serialize(state))));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
    return run;
  }

  SubscriberListSplit snapshot() {
    return reader.snapshotState(1).get(0);
  }

  long metric(String name) {
    return Metrics.value(metrics, name);
  }

  /** All that comes up to the end of a refresh that began after now. */
  List<ListUpdate> refresh() throws Exception {
    long now = System.currentTimeMillis();
    List<ListUpdate> updates =
        until(update -> update instanceof RefreshCompleted refresh && refresh.asOf() > now);
    return updates;
  }

  /** The changes of audiences up to the end of a refresh that began after now. */
  List<AudiencePart> changes() throws Exception {
    return refresh().stream()
        .filter(AudiencePart.class::isInstance)
        .map(AudiencePart.class::cast)
        .toList();
  }

  RefreshCompleted completed() throws Exception {
    List<ListUpdate> updates = refresh();
    return (RefreshCompleted) updates.get(updates.size() - 1);
  }

  /** All that comes up to an update, included. */
  List<ListUpdate> until(Predicate<ListUpdate> last) throws Exception {
    List<ListUpdate> updates = new ArrayList<>();
    await(() -> !updates.isEmpty() && last.test(updates.get(updates.size() - 1)), updates);
    return updates;
  }

  /** Polls until something holds; what comes meanwhile is returned. */
  List<ListUpdate> until(BooleanSupplier holds) throws Exception {
    List<ListUpdate> updates = new ArrayList<>();
    await(holds, updates);
    return updates;
  }

  private void await(BooleanSupplier holds, List<ListUpdate> updates) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(DEADLINE_SECONDS);
    while (!holds.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waiting").isLessThan(deadline);
      if (reader.pollNext(output) == InputStatus.NOTHING_AVAILABLE) {
        try {
          reader.isAvailable().get(50, TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
          continue;
        }
      }
      for (ListUpdate update : output.updates) {
        receive(update);
        updates.add(update);
      }
      output.updates.clear();
    }
  }

  private void receive(ListUpdate update) {
    if (update instanceof AudiencePart part) {
      String id = part.restaurantId();
      if (part.part() == 0) {
        begun.put(id, new TreeSet<>());
      } else {
        assertThat(part.part()).isEqualTo(lastPart.get(id) + 1);
      }
      lastPart.put(id, part.part());
      for (String client : part.clients().clientIds()) {
        assertThat(begun.get(id).add(client)).as("%s once in %s", client, id).isTrue();
      }
      if (part.last()) {
        list.put(id, begun.remove(id));
        if (list.get(id).isEmpty()) {
          list.remove(id);
        }
      }
    }
  }

  @Override
  public void close() {
    try {
      reader.close();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private static final class Collected implements ReaderOutput<ListUpdate> {

    private final List<ListUpdate> updates = new ArrayList<>();

    @Override
    public void collect(ListUpdate update) {
      updates.add(update);
    }

    @Override
    public void collect(ListUpdate update, long timestamp) {
      updates.add(update);
    }

    @Override
    public void emitWatermark(Watermark watermark) {}

    @Override
    public void markIdle() {}

    @Override
    public void markActive() {}

    @Override
    public SourceOutput<ListUpdate> createOutputForSplit(String split) {
      return this;
    }

    @Override
    public void releaseOutputForSplit(String split) {}
  }

  private final class Context implements SourceReaderContext {

    private final SourceReaderMetricGroup group = InternalSourceReaderMetricGroup.mock(metrics);

    @Override
    public SourceReaderMetricGroup metricGroup() {
      return group;
    }

    @Override
    public Configuration getConfiguration() {
      return new Configuration();
    }

    @Override
    public String getLocalHostName() {
      return "here";
    }

    @Override
    public int getIndexOfSubtask() {
      return 0;
    }

    @Override
    public void sendSplitRequest() {}

    @Override
    public void sendSourceEventToCoordinator(SourceEvent event) {}

    @Override
    public UserCodeClassLoader getUserCodeClassLoader() {
      throw new UnsupportedOperationException();
    }
  }
}
