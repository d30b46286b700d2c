package io.promostream.replay;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.StatefulSinkWriter;
import org.apache.flink.api.connector.sink2.SupportsWriterState;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.connector.sink2.CommittableMessage;
import org.apache.flink.streaming.runtime.operators.sink.SinkWriterOperatorFactory;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;

class IdleTest {

  private final List<String> restored = new ArrayList<>();

  @Test
  void dropsStateOfConnectorsWriter() throws Exception {
    OperatorSubtaskState ofConnector = run(new Connector(restored), null);
    run(new Connector(restored), ofConnector);
    assertThat(restored).as("state that the connector restores").containsExactly("state");

    restored.clear();
    OperatorSubtaskState ofIdle = run(new Idle<>(), ofConnector);
    run(new Connector(restored), ofIdle);
    assertThat(restored).as("state that is left").isEmpty();
  }

  /** Starts a sink from a state and takes a checkpoint. */
  private static OperatorSubtaskState run(Sink<String> sink, OperatorSubtaskState state)
      throws Exception {
    var writer = new SinkWriterOperatorFactory<String, CommittableMessage<?>>(sink);
    try (var harness = new OneInputStreamOperatorTestHarness<>(writer)) {
      harness.setup();
      if (state != null) {
        harness.initializeState(state);
      }
      harness.open();
      harness.prepareSnapshotPreBarrier(1);
      return harness.snapshot(1, 0);
    }
  }

  /** A connector's sink with state, in a version that {@link Idle} does not know. */
  private record Connector(List<String> restored)
      implements Sink<String>, SupportsWriterState<String, String> {

    @Override
    public StatefulSinkWriter<String, String> createWriter(WriterInitContext context) {
      return new StatefulSinkWriter<>() {
        @Override
        public void write(String element, Context unused) {}

        @Override
        public List<String> snapshotState(long checkpointId) {
          return List.of("state");
        }

        @Override
        public void flush(boolean endOfInput) {}

        @Override
        public void close() {}
      };
    }

    @Override
    public StatefulSinkWriter<String, String> restoreWriter(
        WriterInitContext context, Collection<String> state) {
      restored.addAll(state);
      return createWriter(context);
    }

    @Override
    public SimpleVersionedSerializer<String> getWriterStateSerializer() {
      return new SimpleVersionedSerializer<>() {
        @Override
        public int getVersion() {
          return 7;
        }

        @Override
        public byte[] serialize(String state) {
          return state.getBytes(UTF_8);
        }

        @Override
        public String deserialize(int version, byte[] serialized) {
          return new String(serialized, UTF_8);
        }
      };
    }
  }
}
