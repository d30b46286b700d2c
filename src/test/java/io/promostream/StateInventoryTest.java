package io.promostream;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.config.JobConfig;
import io.promostream.config.JobConfig.Distribution;
import io.promostream.control.CommandsInForce;
import io.promostream.delivery.DeliverPromosOperator;
import io.promostream.replay.WriterLog;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.api.common.ExecutionConfig;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.StateDescriptor;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.java.typeutils.runtime.TupleSerializer;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.graph.StreamNode;
import org.junit.jupiter.api.Test;

/**
 * Compares the names and serializers of the job's state with the checked-in inventory. A difference
 * may be right, but only as a deliberate decision.
 */
class StateInventoryTest {

  private static final Path INVENTORY = Path.of("src/test/resources/state-inventory.txt");

  private static JobConfig config(Distribution distribution, String guarantee) {
    return JobConfig.load(
        new String[] {
          "--kafka.bootstrap-servers=kafka:9092",
          "--subscribers.db.url=jdbc:postgresql://subscribers/db",
          "--subscribers.db.user=reader",
          "--subscribers.distribution=" + distribution.name().toLowerCase(Locale.ROOT),
          "--delivery.guarantee=" + guarantee,
          "--feedback.db.url=jdbc:postgresql://feedback/db",
          "--feedback.db.user=writer",
          "--reports.topic=reports",
          "--control.topic=control"
        },
        Map.of());
  }

  @Test
  void stateMatchesInventory() throws Exception {
    List<String> inventory = new ArrayList<>();
    inventory.addAll(uids());
    inventory.addAll(statesOfDelivery());
    inventory.addAll(statesOfConnectors());
    assertThat(inventory)
        .as(
            """
            This build's state is not that of %s.
            A uid, a state's name or a serializer's class that has gone or changed takes the state along: a job that is
            upgraded ends at its start, or begins anew and delivers again what it forgot. Put it back, or add the new
            one beside the old and move the state over. A higher format is fine if its serializer goes on reading
            the earlier ones (see GoldenBytes), a new uid or state is fine as it is. A connector's higher format
            needs its release notes read, and UpgradeIT. Then change the file.""",
            INVENTORY)
        .containsExactlyElementsOf(Files.readAllLines(INVENTORY));
  }

  @Test
  void everySerializerHasGoldenBytes() throws Exception {
    try (Stream<Path> sources = Files.walk(Path.of("src/main/java"))) {
      for (Path source : sources.filter(Files::isRegularFile).toList()) {
        String java = Files.readString(source);
        if (java.contains(" extends ValueSerializer<")
            || java.contains(" implements SimpleVersionedSerializer<")) {
          String name = source.getFileName().toString().replace(".java", "");
          assertThat(Path.of("src/test/resources/golden", name + "-v1"))
              .as("%s holds a serializer: have GoldenBytes check it, as others are", source)
              .exists();
        }
      }
    }
  }

  private static List<String> uids() {
    return Stream.of(Distribution.values())
        .flatMap(
            distribution ->
                Stream.of("exactly-once", "at-least-once")
                    .map(guarantee -> config(distribution, guarantee)))
        .flatMap(
            config -> {
              var env = new StreamExecutionEnvironment(new Configuration());
              PromoStreamJob.prepare(env, config);
              return env.getStreamGraph().getStreamNodes().stream();
            })
        .map(StreamNode::getTransformationUID)
        .collect(Collectors.toCollection(TreeSet::new))
        .stream()
        .map(uid -> "uid " + uid)
        .toList();
  }

  private static List<String> statesOfDelivery() throws Exception {
    List<String> states = new ArrayList<>();
    Class<?> all = Class.forName(DeliverPromosOperator.class.getPackageName() + ".DeliveryState");
    for (Field field : all.getDeclaredFields()) {
      field.setAccessible(true);
      if (field.get(null) instanceof String timers) {
        states.add("timers %s %s".formatted(Uids.DELIVER_PROMOS, timers));
      }
      if (field.get(null) instanceof StateDescriptor<?, ?> state) {
        state.initializeSerializerUnlessSet(new ExecutionConfig());
        states.add(
            "state %s %s %s: %s"
                .formatted(Uids.DELIVER_PROMOS, state.getType(), state.getName(), types(state)));
      }
    }
    StateDescriptor<?, ?> commands = CommandsInForce.STATE;
    commands.initializeSerializerUnlessSet(new ExecutionConfig());
    states.add(
        "state %s BROADCAST %s: %s"
            .formatted(Uids.DELIVER_PROMOS, commands.getName(), types(commands)));
    return states.stream().sorted().toList();
  }

  private static String types(StateDescriptor<?, ?> state) {
    if (state instanceof MapStateDescriptor<?, ?> map) {
      return name(map.getKeySerializer()) + " -> " + name(map.getValueSerializer());
    }
    if (state instanceof ListStateDescriptor<?> list) {
      return name(list.getElementSerializer());
    }
    return name(state.getSerializer());
  }

  /** The name by which a savepoint identifies a serializer. */
  private static String name(TypeSerializer<?> serializer) {
    String nested =
        serializer instanceof TupleSerializer<?> tuple
            ? Stream.of(tuple.getFieldSerializers())
                .map(StateInventoryTest::name)
                .collect(Collectors.joining(", ", "(", ")"))
            : "";
    var snapshot = serializer.snapshotConfiguration();
    return "%s%s v%d"
        .formatted(snapshot.getClass().getName(), nested, snapshot.getCurrentVersion());
  }

  private static List<String> statesOfConnectors() {
    Connectors connectors = Connectors.of(config(Distribution.BROADCAST, "exactly-once"));
    List<String> states = new ArrayList<>();
    source(states, Uids.PROMOS, connectors.promos());
    source(states, Uids.SUBSCRIBERS, connectors.subscribers());
    outlet(states, Uids.TO_NOTIFICATIONS, connectors.notifications());
    outlet(states, Uids.TO_REJECTED, connectors.rejected());
    outlet(states, Uids.FEEDBACK, connectors.feedback());
    source(states, Uids.CONTROL, connectors.control());
    outlet(states, Uids.TO_REPORTS, connectors.reports());
    return states;
  }

  private static void source(List<String> states, String uid, Source<?, ?, ?> source) {
    states.add("split " + uid + ": " + name(source.getSplitSerializer()));
    states.add("enumerator " + uid + ": " + name(source.getEnumeratorCheckpointSerializer()));
  }

  private static void outlet(List<String> states, String uid, Outlet<?> outlet) {
    states.add(
        "state %s LIST writer-logs: %s of %s"
            .formatted(uid, name(new WriterLog.Serializer()), name(outlet.target().serializer())));
    states.add("earlier committer " + uid + ": " + name(outlet.earlier().serializer()));
  }

  private static String name(SimpleVersionedSerializer<?> serializer) {
    return serializer.getClass().getName() + " v" + serializer.getVersion();
  }
}
