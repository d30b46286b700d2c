package io.promostream.delivery;

import io.promostream.control.Command;
import io.promostream.control.CommandsInForce;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.java.tuple.Tuple3;

/**
 * The commands about all restaurants that some restaurants of this subtask have not noticed yet.
 *
 * <p>A hundred thousand restaurants need seconds to notice a command, which neither a checkpoint
 * nor another promo should wait for. So a few notice it at a time, and any other notices it before
 * anything else happens to it. A checkpoint holds those that are left.
 */
final class Sweeps {

  /** Restaurants that notice a command without a break: some 20 milliseconds on RocksDB. */
  private static final int RESTAURANTS = 100;

  /** Lets the current restaurant notice a command. */
  interface Visitor {

    void enter(String restaurantId);

    /**
     * Lets the current restaurant notice a command.
     *
     * @param before the commands that were in force before it
     */
    void notice(Command command, CommandsInForce before) throws Exception;
  }

  private record Sweep(Command command, CommandsInForce before, Set<String> left) {}

  private final Visitor visitor;
  private final Deque<Sweep> sweeps = new ArrayDeque<>();

  Sweeps(Visitor visitor) {
    this.visitor = visitor;
  }

  boolean isEmpty() {
    return sweeps.isEmpty();
  }

  /** Begins to let restaurants notice a command. */
  void begin(Command command, CommandsInForce before, Collection<String> restaurants) {
    if (!restaurants.isEmpty()) {
      sweeps.add(new Sweep(command, before, new LinkedHashSet<>(restaurants)));
    }
  }

  /** Lets the current restaurant notice all commands, in their order, before it changes. */
  void catchUp(String restaurantId) throws Exception {
    for (Sweep sweep : sweeps) {
      if (sweep.left.remove(restaurantId)) {
        visitor.notice(sweep.command, sweep.before);
      }
    }
  }

  /** Lets some restaurants notice the commands. */
  void goOn() throws Exception {
    for (int i = 0; i < RESTAURANTS && !sweeps.isEmpty(); i++) {
      Set<String> left = sweeps.getFirst().left;
      if (!left.isEmpty()) {
        String next = left.iterator().next();
        visitor.enter(next);
        catchUp(next);
      }
      sweeps.removeIf(sweep -> sweep.left.isEmpty());
    }
  }

  /**
   * Restores the sweeps of all subtasks.
   *
   * @param owned tells which restaurants this subtask has now
   */
  void restore(
      ListState<Tuple3<Command, List<Command>, List<String>>> state, Predicate<String> owned)
      throws Exception {
    List<Sweep> restored = new ArrayList<>();
    for (Tuple3<Command, List<Command>, List<String>> sweep : state.get()) {
      Set<String> left = new LinkedHashSet<>(sweep.f2);
      left.removeIf(owned.negate());
      if (!left.isEmpty()) {
        restored.add(new Sweep(sweep.f0, CommandsInForce.of(sweep.f1), left));
      }
    }
    sweeps.addAll(restored);
  }

  void snapshot(ListState<Tuple3<Command, List<Command>, List<String>>> state) throws Exception {
    List<Tuple3<Command, List<Command>, List<String>>> left = new ArrayList<>();
    for (Sweep sweep : sweeps) {
      left.add(Tuple3.of(sweep.command, sweep.before.inOrder(), new ArrayList<>(sweep.left)));
    }
    state.update(left);
  }
}
