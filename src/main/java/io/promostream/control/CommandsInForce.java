package io.promostream.control;

import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.apache.flink.api.common.state.BroadcastState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.jspecify.annotations.Nullable;

/**
 * The commands that still have an effect. Of the commands that cover a campaign, the newest holds.
 */
public final class CommandsInForce {

  /** The commands by their numbers, which count up: broadcast state. */
  public static final MapStateDescriptor<Long, Command> STATE =
      new MapStateDescriptor<>("commands", Types.LONG, Command.TYPE);

  private final @Nullable BroadcastState<Long, Command> state;

  /** The state again, because it cannot be looked up by scope. */
  private final TreeMap<Long, Command> byNumber = new TreeMap<>();

  private final Map<Scope, Long> numbers = new HashMap<>();

  /** The numbers of the commands about a restaurant, and about a campaign; null stands for all. */
  private final Map<@Nullable String, Set<Long>> ofRestaurant = new HashMap<>();

  private final Map<@Nullable String, Set<Long>> ofCampaign = new HashMap<>();

  private record Scope(@Nullable String restaurantId, @Nullable String campaignId) {}

  /**
   * Restores the commands.
   *
   * @param state described by {@link #STATE}; null for a job without commands
   */
  public CommandsInForce(@Nullable BroadcastState<Long, Command> state) throws Exception {
    this.state = state;
    if (state != null) {
      for (Map.Entry<Long, Command> given : state.entries()) {
        put(given.getKey(), given.getValue());
      }
    }
  }

  /** The same commands again, in their order. Giving further ones does not change a state. */
  public static CommandsInForce of(List<Command> commands) {
    try {
      CommandsInForce again = new CommandsInForce(null);
      for (Command command : commands) {
        again.put(again.byNumber.size() + 1, command);
      }
      return again;
    } catch (Exception e) {
      throw new IllegalStateException("Only a state can fail", e);
    }
  }

  /** All commands that have an effect, in their order. */
  public List<Command> inOrder() {
    return List.copyOf(byNumber.values());
  }

  private void put(long number, Command command) {
    byNumber.put(number, command);
    numbers.put(scope(command), number);
    ofRestaurant.computeIfAbsent(command.restaurantId(), id -> new HashSet<>()).add(number);
    ofCampaign.computeIfAbsent(command.campaignId(), id -> new HashSet<>()).add(number);
  }

  private void remove(long number) throws Exception {
    Command command = byNumber.remove(number);
    numbers.remove(scope(command));
    remove(number, command.restaurantId(), ofRestaurant);
    remove(number, command.campaignId(), ofCampaign);
    if (state != null) {
      state.remove(number);
    }
  }

  private static void remove(
      long number, @Nullable String id, Map<@Nullable String, Set<Long>> index) {
    Set<Long> numbers = index.get(id);
    numbers.remove(number);
    if (numbers.isEmpty()) {
      index.remove(id);
    }
  }

  private static Scope scope(Command command) {
    return new Scope(command.restaurantId(), command.campaignId());
  }

  /** Gives a command. Earlier commands that are only about its campaigns lose their effect. */
  public void give(Command command) throws Exception {
    long number = byNumber.isEmpty() ? 1 : byNumber.lastKey() + 1;
    for (long covered : coveredBy(command)) {
      remove(covered);
    }
    // To resume is the default, unless an earlier command says otherwise.
    if (command.action() != Command.Action.RESUME || isOverlapped(command)) {
      put(number, command);
      if (state != null) {
        state.put(number, command);
      }
    }
  }

  /** The commands that are only about campaigns of a command: found without looking at others. */
  private List<Long> coveredBy(Command command) {
    Collection<Long> covered;
    if (command.restaurantId() == null) {
      covered =
          command.campaignId() == null
              ? byNumber.keySet()
              : ofCampaign.getOrDefault(command.campaignId(), Set.of());
    } else if (command.campaignId() == null) {
      covered = ofRestaurant.getOrDefault(command.restaurantId(), Set.of());
    } else {
      Long same = numbers.get(scope(command));
      covered = same == null ? List.of() : List.of(same);
    }
    return List.copyOf(covered);
  }

  /** Whether a command that is left is also about some of these campaigns. */
  private boolean isOverlapped(Command command) {
    if (command.restaurantId() == null) {
      return command.campaignId() != null && ofCampaign.containsKey(null);
    }
    return command.campaignId() == null
        ? ofRestaurant.containsKey(null)
        : numbersOf(command.restaurantId(), command.campaignId()).anyMatch(number -> number > 0);
  }

  /** The command that pauses a campaign, or null. */
  public @Nullable Command pause(String restaurantId, String campaignId) {
    return newest(restaurantId, campaignId, Command.Action.PAUSE);
  }

  /** Whether the campaign is stopped, so that its new promos are refused. */
  public boolean isStopped(String restaurantId, String campaignId) {
    return newest(restaurantId, campaignId, Command.Action.STOP) != null;
  }

  private @Nullable Command newest(String restaurantId, String campaignId, Command.Action action) {
    if (numbers.isEmpty()) {
      return null;
    }
    long newest = numbersOf(restaurantId, campaignId).max().getAsLong();
    Command command = byNumber.get(newest);
    return command != null && command.action() == action ? command : null;
  }

  /** The numbers of the commands that cover a campaign; 0 for each scope without a command. */
  private LongStream numbersOf(String restaurantId, String campaignId) {
    return Stream.of(
            new Scope(null, null),
            new Scope(restaurantId, null),
            new Scope(null, campaignId),
            new Scope(restaurantId, campaignId))
        .mapToLong(scope -> numbers.getOrDefault(scope, 0L));
  }

  /** How many commands have an effect. */
  public int size() {
    return byNumber.size();
  }
}
