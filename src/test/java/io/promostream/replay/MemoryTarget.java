package io.promostream.replay;

import io.promostream.config.JobConfig.OnLostTransaction;
import io.promostream.kafka.Message;
import io.promostream.serialization.ValueSerializer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.metrics.MetricGroup;
import org.jspecify.annotations.Nullable;

/** A system in this JVM, with transactions, marks and ways to go wrong. */
record MemoryTarget(String name, OnLostTransaction onLostCommits) implements Target<Message> {

  private static final Map<String, MemorySystem> SYSTEMS = new ConcurrentHashMap<>();

  /** What the system holds, and what it is to do. */
  static final class MemorySystem {

    final Map<String, Mark> marks = new ConcurrentHashMap<>();
    final List<String> written = new CopyOnWriteArrayList<>();
    final List<Integer> sizes = new CopyOnWriteArrayList<>();

    /** Commits that are let through; without limit if null. */
    volatile @Nullable Semaphore permits;

    /** How many commits fail before they have done anything. */
    final AtomicInteger refusals = new AtomicInteger();

    /** How many commits succeed and say they failed. */
    final AtomicInteger lostAnswers = new AtomicInteger();

    /** How many marks were found as they had to be. */
    final AtomicInteger confirmed = new AtomicInteger();

    volatile boolean leaseReleased;
    volatile boolean leaseTaken;
  }

  static MemorySystem system(String name) {
    return SYSTEMS.computeIfAbsent(name, unused -> new MemorySystem());
  }

  MemorySystem system() {
    return system(name);
  }

  static Message message(String text) {
    return new Message(null, text.getBytes(StandardCharsets.UTF_8), List.of());
  }

  @Override
  public ValueSerializer<Message> serializer() {
    return new Message.Serializer();
  }

  @Override
  public int records(Message element) {
    return 1;
  }

  @Override
  public long expandedBytes(Message element) {
    return element.value().length;
  }

  @Override
  public Replayer<Message> open(MetricGroup metrics) {
    return new Replayer<>() {
      @Override
      public Mark takeOver(String writer, Mark known, @Nullable Committable next) {
        return look(writer);
      }

      @Override
      public void commit(String writer, Mark from, Committable committable, List<Message> elements)
          throws Exception {
        Semaphore permits = system().permits;
        if (permits != null) {
          permits.acquire();
        }
        if (system().refusals.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
          throw new IOException("refused");
        }
        synchronized (system()) {
          if (!look(writer).equals(from)) {
            throw new MarkMovedException("moved");
          }
          system().marks.put(writer, from.after(committable));
          List<String> texts = new ArrayList<>();
          elements.forEach(m -> texts.add(new String(m.value(), StandardCharsets.UTF_8)));
          system().written.addAll(texts);
          system().sizes.add(committable.records());
        }
        if (system().lostAnswers.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
          throw new IOException("the answer was lost");
        }
      }

      @Override
      public void confirm(String writer, Mark mark) {
        system().confirmed.incrementAndGet();
      }

      @Override
      public void forceMark(String writer, Mark mark) {
        system().marks.put(writer, mark);
      }

      @Override
      public Mark look(String writer) {
        return system().marks.getOrDefault(writer, Mark.NONE);
      }

      @Override
      public boolean holdLease() throws LeaseException {
        if (system().leaseTaken) {
          throw new LeaseException("taken by another");
        }
        return true;
      }

      @Override
      public void releaseLease() {
        system().leaseReleased = true;
      }

      @Override
      public void reset() {}

      @Override
      public void close() {}
    };
  }
}
