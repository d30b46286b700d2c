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
 * What a subtask has collected and not yet replayed: the logs that it was restored with, then its
 * own. The task's thread collects, the replaying thread takes.
 *
 * @param <T> what is collected
 */
final class ReplayLog<T> {

  /** Ends a committable: some 0.3 s of a database's work, far below every time-out on the way. */
  static final int MAX_RECORDS = 30_000;

  /** Ends a committable too, so that large messages do not make a long transaction. */
  static final long MAX_EXPANDED_BYTES = 16 << 20;

  /** One interval's work is collected, one is replayed, and one is for what varies. */
  private static final int INTERVALS_HELD = 3;

  /** A checkpoint that no barrier has named yet. */
  private static final long NEXT = Long.MAX_VALUE;

  /** The checkpoint of what was restored: it is complete. */
  private static final long RESTORED = Long.MIN_VALUE;

  private record Packed(Committable committable, long checkpoint) {}

  private static final class Writer {

    private final String id;
    private Mark committed;
    private final Deque<Packed> pending = new ArrayDeque<>();

    /** Whether the target was asked if it still has what the log says is committed. */
    private boolean verified;

    Writer(String id, Mark committed, boolean verified) {
      this.id = id;
      this.committed = committed;
      this.verified = verified;
    }
  }

  /**
   * What is next to be done.
   *
   * @param committable to be replayed; null if only the mark is to be verified
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

  /** Since the last checkpoint that completed. */
  private long replayedBytes;

  private long allowedBytes;

  /**
   * Makes a log.
   *
   * @param collects whether the own writer will have something to commit
   * @param maxHeldBytes what fits the heap
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

  /** Takes over a log from a restored checkpoint. */
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
   * Collects an element.
   *
   * @param due since when, epoch milliseconds, or null
   */
  synchronized void add(T element, @Nullable Long due, long now) throws IOException {
    serializer.serialize(element, open);
    elements++;
    records += target.records(element);
    expandedBytes += target.expandedBytes(element);
    if (due != null) {
      dueSince = Math.min(dueSince, due);
    }
    if (records >= MAX_RECORDS || expandedBytes >= MAX_EXPANDED_BYTES) {
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
    // A buffer that grew large once is not kept.
    open = new DataOutputSerializer(Math.max(1024, Math.min(bytes.length, 1 << 20)));
    elements = 0;
    records = 0;
    expandedBytes = 0;
    dueSince = Long.MAX_VALUE;
  }

  /**
   * Assigns all that has been collected to a checkpoint.
   *
   * @return what the checkpoint has to keep
   */
  synchronized List<WriterLog> snapshot(long checkpoint, long now) {
    if (elements > 0) {
      pack(now);
    }
    own.pending.addAll(assigned(checkpoint));
    return logs();
  }

  /** All logs that are still of use. */
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

  private List<Packed> assigned(long checkpoint) {
    List<Packed> assigned = new ArrayList<>();
    while (!own.pending.isEmpty() && own.pending.getLast().checkpoint() == NEXT) {
      assigned.add(0, new Packed(own.pending.removeLast().committable(), checkpoint));
    }
    return assigned;
  }

  /** Releases what belongs to a completed checkpoint. */
  synchronized void complete(long checkpoint) {
    adjustAllowedBytes();
    completed = Math.max(completed, checkpoint);
    notifyAll();
  }

  /**
   * Allows a target that is behind what it replays in three intervals, because each checkpoint
   * writes again what is held. Allows more to a target that keeps up with a log that is half full:
   * senders fill half of the room between two reports.
   */
  private void adjustAllowedBytes() {
    boolean behind = peek() != null;
    if (behind) {
      allowedBytes = INTERVALS_HELD * replayedBytes;
    } else if (2 * heldBytes() >= allowedBytes) {
      allowedBytes *= 2;
    }
    allowedBytes = Math.min(maxHeldBytes, Math.max(Backlog.LEAST_ROOM_BYTES, allowedBytes));
    replayedBytes = 0;
  }

  /** Waits for the next thing to do; null if there is none within this time. */
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
   * Notes how far a writer is, and drops what that covers.
   *
   * <p>The mark of a restored writer stays until the own writer has one: if the target is replaced
   * by an older copy while the job is down, nothing else tells.
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

  /** This subtask's own writer. */
  String ownWriter() {
    return own.id;
  }

  /** How far the own writer is. */
  synchronized Mark ownMark() {
    return own.committed;
  }

  /** Waits until all that is released is replayed. */
  synchronized void awaitReplayed() throws InterruptedException {
    while (peek() != null) {
      wait(100);
    }
  }

  /** Bytes that are collected or packed and not known to be replayed. */
  synchronized long heldBytes() {
    return packedBytes + open.length();
  }

  /** How many bytes more may be held; less than 0 if it is too many. */
  synchronized long room() {
    return allowedBytes - heldBytes();
  }

  /** How long the first of what is released has waited since it was packed, milliseconds; or 0. */
  synchronized long oldestReleasedMillis(long now) {
    Next next = peek();
    return next == null || next.committable() == null
        ? 0
        : Math.max(0, now - next.committable().packedAt());
  }
}
