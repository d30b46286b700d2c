package io.promostream.control;

import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
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

  private void put(long number, Command command) {
    byNumber.put(number, command);
    numbers.put(scope(command), number);
  }

  private static Scope scope(Command command) {
    return new Scope(command.restaurantId(), command.campaignId());
  }

  /** Gives a command. Earlier commands that are only about its campaigns lose their effect. */
  public void give(Command command) throws Exception {
    long number = byNumber.isEmpty() ? 1 : byNumber.lastKey() + 1;
    for (Map.Entry<Long, Command> earlier : Map.copyOf(byNumber).entrySet()) {
      if (command.coversAllOf(earlier.getValue())) {
        byNumber.remove(earlier.getKey());
        numbers.remove(scope(earlier.getValue()));
        state.remove(earlier.getKey());
      }
    }
    // To resume is the default, unless a wider command says otherwise.
    if (command.action() != Command.Action.RESUME
        || byNumber.values().stream().anyMatch(command::overlaps)) {
      put(number, command);
      state.put(number, command);
    }
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
    long newest =
        Stream.of(
                new Scope(null, null),
                new Scope(restaurantId, null),
                new Scope(null, campaignId),
                new Scope(restaurantId, campaignId))
            .mapToLong(scope -> numbers.getOrDefault(scope, 0L))
            .max()
            .getAsLong();
    Command command = byNumber.get(newest);
    return command != null && command.action() == action ? command : null;
  }

  /** How many commands have an effect. */
  public int size() {
    return byNumber.size();
  }
}
