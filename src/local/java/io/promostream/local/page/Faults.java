package io.promostream.local.page;

import java.time.Clock;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Causes faults, one at a time, and measures how long the job needs until it delivers again. */
final class Faults implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(Faults.class);
  private static final int KEPT = 20;

  /** What a person can break. */
  enum Kind {
    TASKMANAGER,
    POSTGRES;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * A fault.
   *
   * @param at when it began, epoch milliseconds
   * @param tookMillis time until the job had recovered; null before that
   */
  record Event(Kind kind, long at, @Nullable Long tookMillis) {}

  private final Engine engine;
  private final Clock clock;
  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(
          work -> {
            Thread made = new Thread(work, "page faults");
            made.setDaemon(true);
            return made;
          });
  private final Deque<Event> events = new ArrayDeque<>();
  private boolean acting;
  // The last checkpoint that was completed when the action had ended.
  private long recoveredAfter;

  Faults(Engine engine, Clock clock) {
    this.engine = engine;
    this.clock = clock;
  }

  /** Begins a fault. Returns false if the job has not recovered from the last one. */
  synchronized boolean begin(Kind kind) {
    if (isGoingOn()) {
      return false;
    }
    acting = true;
    events.addLast(new Event(kind, clock.millis(), null));
    if (events.size() > KEPT) {
      events.removeFirst();
    }
    thread.execute(() -> act(kind));
    return true;
  }

  private void act(Kind kind) {
    try {
      if (kind == Kind.POSTGRES) {
        engine.restartDatabase();
      } else {
        engine.killTaskManager();
      }
    } catch (Exception e) {
      LOG.error("The fault {} failed", kind, e);
    }
    synchronized (this) {
      acting = false;
      recoveredAfter = Long.MAX_VALUE;
    }
  }

  /** Takes the job's numbers, and whether Postgres answers. */
  synchronized void observe(Engine.Flow flow, boolean rowsReadable) {
    if (acting || !isGoingOn()) {
      return;
    }
    boolean works =
        rowsReadable && flow.state().equals("RUNNING") && flow.tasksRunning() == flow.tasks();
    if (works && recoveredAfter == Long.MAX_VALUE) {
      recoveredAfter = flow.checkpoint();
    } else if (works && flow.checkpoint() > recoveredAfter) {
      Event last = events.removeLast();
      events.addLast(new Event(last.kind(), last.at(), clock.millis() - last.at()));
    }
  }

  private boolean isGoingOn() {
    return !events.isEmpty() && events.getLast().tookMillis() == null;
  }

  /** The last faults, the oldest first. */
  synchronized List<Event> events() {
    return List.copyOf(events);
  }

  @Override
  public void close() {
    thread.shutdownNow();
  }
}
