package io.promostream;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.StatefulSinkWriter;
import org.apache.flink.api.connector.sink2.SupportsWriterState;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.util.function.SerializableFunction;

/**
 * A sink whose output is its state: a savepoint holds exactly what was delivered before it. Tests
 * see it under the ledger's name.
 *
 * @param <T> what is delivered
 */
final class Ledger<T> implements Sink<T>, SupportsWriterState<T, String> {

  private static final Map<String, List<String>> RESTORED = new ConcurrentHashMap<>();
  private static final Map<String, List<String>> WRITTEN = new ConcurrentHashMap<>();
  private static final Map<String, List<String>> KEPT = new ConcurrentHashMap<>();

  private final String name;
  private final SerializableFunction<T, List<String>> entries;

  /**
   * An empty ledger.
   *
   * @param entries what is to be noted of an element
   */
  Ledger(String name, SerializableFunction<T, List<String>> entries) {
    this.name = name;
    this.entries = entries;
    RESTORED.put(name, new CopyOnWriteArrayList<>());
    WRITTEN.put(name, new CopyOnWriteArrayList<>());
    KEPT.put(name, new CopyOnWriteArrayList<>());
  }

  /** What the restored state held. */
  static List<String> restored(String name) {
    return RESTORED.get(name);
  }

  /** What was delivered since. */
  static List<String> written(String name) {
    return WRITTEN.get(name);
  }

  /** What went into the one checkpoint or savepoint that has been taken since. */
  static List<String> kept(String name) {
    return KEPT.get(name);
  }

  /** All that was ever delivered. */
  static List<String> all(String name) {
    List<String> all = new ArrayList<>(restored(name));
    all.addAll(written(name));
    return all;
  }

  @Override
  public StatefulSinkWriter<T, String> createWriter(WriterInitContext context) {
    return new Writer(List.of());
  }

  @Override
  public StatefulSinkWriter<T, String> restoreWriter(
      WriterInitContext context, Collection<String> restored) {
    RESTORED.get(name).addAll(restored);
    return new Writer(restored);
  }

  @Override
  public SimpleVersionedSerializer<String> getWriterStateSerializer() {
    return new Entry();
  }

  private final class Writer implements StatefulSinkWriter<T, String> {

    private final List<String> state;

    Writer(Collection<String> restored) {
      state = new ArrayList<>(restored);
    }

    @Override
    public void write(T element, Context context) {
      List<String> noted = entries.apply(element);
      state.addAll(noted);
      WRITTEN.get(name).addAll(noted);
    }

    @Override
    public void flush(boolean endOfInput) {}

    @Override
    public List<String> snapshotState(long checkpointId) {
      KEPT.get(name).addAll(state);
      return List.copyOf(state);
    }

    @Override
    public void close() {}
  }

  private static final class Entry implements SimpleVersionedSerializer<String> {

    @Override
    public int getVersion() {
      return 1;
    }

    @Override
    public byte[] serialize(String entry) {
      return entry.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public String deserialize(int version, byte[] bytes) {
      return new String(bytes, StandardCharsets.UTF_8);
    }
  }
}
