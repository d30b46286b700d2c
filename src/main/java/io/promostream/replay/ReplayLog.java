package io.promostream.replay;

import io.promostream.serialization.ValueSerializer;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.jspecify.annotations.Nullable;

/**
 * Holds the elements that a subtask has collected and not yet replayed. The logs of restored
 * writers come before the log of the subtask's own writer. The task thread adds elements, and the
 * replay thread takes committables.
 *
 * @param <T> the element type of the sink
 */
final class ReplayLog<T> {

  /**
   * Ends a committable, as {@link Target#maxRecords} does, so that large messages do not make a
   * transaction long.
   */
  static final long MAX_EXPANDED_BYTES = 16 << 20;

  /** The data of one interval is collected, that of another is replayed, and the third is spare. */
  private static final int INTERVALS_HELD = 3;

  /** Stands for the next checkpoint, whose id is not known yet. */
  private static final long NEXT = Long.MAX_VALUE;

  /** Stands for the restored checkpoint, which is complete. */
  private static final long RESTORED = Long.MIN_VALUE;

  private record Packed(Committable committable, long checkpoint) {}

  private static final class Writer {

    private final String id;
    private Mark committed;
    private final Deque<Packed> pending = new ArrayDeque<>();

    /** Whether the target's mark was compared with {@link #committed}. */
    private boolean verified;

    Writer(String id, Mark committed, boolean verified) {
      this.id = id;
      this.committed = committed;
      this.verified = verified;
    }
  }

  /**
   * The next task of the replay thread.
   *
   * @param committed the writer's last known mark
   * @param committable the committable to replay; null if only the mark must be verified
   */
  record Next(String writer, Mark committed, @Nullable Committable committable) {}

  private final Target<T> target;
  private final boolean collects;
  private final long maxHeldBytes;
  private final ValueSerializer<T> serializer;
  private final int format;
  private final Deque<Writer> writers = new ArrayDeque<>();
  private final Writer own =
      new Writer(
          HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong())
              + HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong()),
          Mark.NONE,
          true);

  private DataOutputSerializer open = new DataOutputSerializer(1024);
  private int elements;
  private int records;
  private long expandedBytes;
  private long dueSince = Long.MAX_VALUE;

  private long packedSequence;
  private long packedBytes;
  private long completed = RESTORED;

  /** How much was replayed since the last completed checkpoint. */
  private long replayedBytes;

  private long allowedBytes;

  /**
   * Creates a log.
   *
   * @param collects whether elements will be added, so that the own writer will have committables
   * @param maxHeldBytes how many bytes the log may hold at most, however fast the target is
   */
  ReplayLog(Target<T> target, boolean collects, long maxHeldBytes) {
    this.target = target;
    this.collects = collects;
    this.maxHeldBytes = maxHeldBytes;
    allowedBytes = maxHeldBytes;
    serializer = target.serializer();
    format = serializer.snapshotConfiguration().getCurrentVersion();
    writers.add(own);
  }

  /** Adds a writer's log from the restored checkpoint. */
  synchronized void restore(WriterLog log) {
    Writer writer = new Writer(log.writer(), log.committed(), false);
    for (Committable committable : log.pending()) {
      writer.pending.add(new Packed(committable, RESTORED));
      packedBytes += committable.bytes().length;
    }
    writers.removeLast();
    writers.add(writer);
    writers.add(own);
    notifyAll();
  }

  /**
   * Adds an element.
   *
   * @param due when the element became due, epoch milliseconds; null if it has no such time
   */
  synchronized void add(T element, @Nullable Long due, long now) throws IOException {
    serializer.serialize(element, open);
    elements++;
    records += target.records(element);
    expandedBytes += target.expandedBytes(element);
    if (due != null) {
      dueSince = Math.min(dueSince, due);
    }
    if (records >= target.maxRecords() || expandedBytes >= MAX_EXPANDED_BYTES) {
      pack(now);
    }
  }

  private void pack(long now) {
    byte[] bytes = open.getCopyOfBuffer();
    own.pending.add(
        new Packed(
            new Committable(++packedSequence, format, bytes, elements, records, dueSince, now),
            NEXT));
    packedBytes += bytes.length;
    // Do not keep a buffer that became large once.
    open = new DataOutputSerializer(Math.max(1024, Math.min(bytes.length, 1 << 20)));
    elements = 0;
    records = 0;
    expandedBytes = 0;
    dueSince = Long.MAX_VALUE;
  }

  /**
   * Assigns all collected elements to a checkpoint.
   *
   * @return the logs that the checkpoint must store
   */
  synchronized List<WriterLog> snapshot(long checkpoint, long now) {
    if (elements > 0) {
      pack(now);
    }
    own.pending.addAll(takeUnassigned(checkpoint));
    return logs();
  }

  /** The logs that a restore would still need. */
  synchronized List<WriterLog> logs() {
    List<WriterLog> logs = new ArrayList<>();
    for (Writer writer : writers) {
      if (!writer.pending.isEmpty() || !writer.verified || writer.committed.sequence() > 0) {
        logs.add(
            new WriterLog(
                writer.id,
                writer.committed,
                writer.pending.stream().map(Packed::committable).toList()));
      }
    }
    return logs;
  }

  private List<Packed> takeUnassigned(long checkpoint) {
    List<Packed> assigned = new ArrayList<>();
    while (!own.pending.isEmpty() && own.pending.getLast().checkpoint() == NEXT) {
      assigned.add(0, new Packed(own.pending.removeLast().committable(), checkpoint));
    }
    return assigned;
  }

  /** Releases the committables of a completed checkpoint for the replay. */
  synchronized void complete(long checkpoint) {
    adjustAllowedBytes();
    completed = Math.max(completed, checkpoint);
    notifyAll();
  }

  /**
   * Adjusts how many bytes the log may hold. It must run before {@code completed} advances:
   * afterwards the committables of the new checkpoint would look like a target that is behind.
   *
   * <ul>
   *   <li>If the target is behind: as many as it replays in three checkpoint intervals. Each
   *       checkpoint writes all held bytes again, so more would make checkpoints slower.
   *   <li>If the target keeps up and the log is half full: twice as many as before. Senders fill
   *       only half of the room between two reports, so a half-full log limits the throughput.
   * </ul>
   */
  private void adjustAllowedBytes() {
    boolean behind = peek() != null;
    if (behind) {
      allowedBytes = INTERVALS_HELD * replayedBytes;
    } else if (2 * heldBytes() >= allowedBytes) {
      allowedBytes *= 2;
    }
    allowedBytes = Math.min(maxHeldBytes, Math.max(Backlog.MIN_ROOM_BYTES, allowedBytes));
    replayedBytes = 0;
  }

  /** Waits for the next task. Returns null if the time elapses first. */
  synchronized @Nullable Next next(long millis) throws InterruptedException {
    long deadline = System.nanoTime() + millis * 1_000_000;
    while (peek() == null) {
      long left = (deadline - System.nanoTime()) / 1_000_000;
      if (left <= 0) {
        return null;
      }
      wait(left);
    }
    return peek();
  }

  private @Nullable Next peek() {
    for (Writer writer : writers) {
      Packed first = writer.pending.peekFirst();
      if (first != null && first.checkpoint() <= completed) {
        return new Next(writer.id, writer.committed, first.committable());
      }
      if (!writer.verified) {
        return new Next(writer.id, writer.committed, null);
      }
    }
    return null;
  }

  /**
   * Stores a writer's mark, and drops the committables up to it.
   *
   * <p>The mark of a restored writer stays until the own writer has a mark. Without any mark, the
   * job would not notice that an older copy replaced the target while the job was down.
   */
  synchronized void committed(String id, Mark mark) {
    for (Writer writer : writers) {
      if (writer.id.equals(id)) {
        if (mark.sequence() > writer.committed.sequence()) {
          writer.committed = mark;
        }
        writer.verified = true;
        while (!writer.pending.isEmpty()
            && writer.pending.getFirst().committable().sequence() <= mark.sequence()) {
          int bytes = writer.pending.removeFirst().committable().bytes().length;
          packedBytes -= bytes;
          replayedBytes += bytes;
        }
      }
    }
    if (!collects || own.committed.sequence() > 0) {
      writers.removeIf(writer -> writer != own && writer.verified && writer.pending.isEmpty());
    }
    notifyAll();
  }

  /** The id of this subtask's own writer. */
  String ownWriter() {
    return own.id;
  }

  /** The last known mark of the own writer. */
  synchronized Mark ownMark() {
    return own.committed;
  }

  /** Waits until all released committables are replayed. */
  synchronized void awaitReplayed() throws InterruptedException {
    while (peek() != null) {
      wait(100);
    }
  }

  /** How many bytes are collected or packed, and not known to be replayed. */
  synchronized long heldBytes() {
    return packedBytes + open.length();
  }

  /** How many more bytes the log may hold; negative if it holds too many. */
  synchronized long room() {
    return allowedBytes - heldBytes();
  }

  /** Milliseconds since the next committable was packed; 0 if none is released. */
  synchronized long oldestReleasedMillis(long now) {
    Next next = peek();
    return next == null || next.committable() == null
        ? 0
        : Math.max(0, now - next.committable().packedAt());
  }
}
