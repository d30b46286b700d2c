package io.promostream.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.control.Command.Action;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.apache.flink.api.common.ExecutionConfig;
import org.apache.flink.api.common.state.BroadcastState;
import org.apache.flink.core.fs.CloseableRegistry;
import org.apache.flink.runtime.state.DefaultOperatorStateBackendBuilder;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class CommandsInForceTest {

  private final BroadcastState<Long, Command> state = state();
  private final CommandsInForce commands = restored();

  private static BroadcastState<Long, Command> state() {
    try {
      return new DefaultOperatorStateBackendBuilder(
              CommandsInForceTest.class.getClassLoader(),
              new ExecutionConfig(),
              false,
              List.of(),
              new CloseableRegistry())
          .build()
          .getBroadcastState(CommandsInForce.STATE);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private CommandsInForce restored() {
    try {
      return new CommandsInForce(state);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private void give(Action action, @Nullable String restaurant, @Nullable String campaign)
      throws Exception {
    commands.give(new Command(action, restaurant, campaign, null, null, 0));
  }

  private boolean isPaused(String restaurant, String campaign) {
    return commands.pause(restaurant, campaign) != null;
  }

  @Test
  void holdForWhatTheyCover() throws Exception {
    give(Action.PAUSE, "r", "c");
    assertThat(isPaused("r", "c")).isTrue();
    assertThat(isPaused("r", "other")).isFalse();
    assertThat(isPaused("other", "c")).isFalse();
    give(Action.PAUSE, null, "everywhere");
    assertThat(isPaused("other", "everywhere")).isTrue();
    give(Action.STOP, "s", null);
    assertThat(commands.isStopped("s", "any")).isTrue();
    assertThat(isPaused("s", "any")).isFalse();
  }

  @Test
  void newestHolds() throws Exception {
    give(Action.PAUSE, null, null);
    give(Action.RESUME, "r", null);
    assertThat(isPaused("r", "c")).isFalse();
    assertThat(isPaused("s", "c")).isTrue();
    give(Action.PAUSE, null, "c");
    assertThat(isPaused("r", "c")).isTrue();
    give(Action.PAUSE, null, null);
    assertThat(isPaused("r", "d")).as("the wider command is newer").isTrue();
    give(Action.STOP, "r", "c");
    assertThat(isPaused("r", "c")).isFalse();
    assertThat(commands.isStopped("r", "c")).isTrue();
  }

  @Test
  void forgetWhatHasNoEffect() throws Exception {
    for (int i = 0; i < 100; i++) {
      give(Action.PAUSE, "r" + i, null);
      give(Action.STOP, "r" + i, "c");
    }
    give(Action.RESUME, "r7", null);
    assertThat(commands.size()).isEqualTo(198);
    give(Action.RESUME, null, null);
    assertThat(commands.size()).isZero();
    assertThat(state.entries()).isEmpty();
  }

  @Test
  void areFoundByScope() throws Exception {
    for (int i = 0; i < 100; i++) {
      give(Action.PAUSE, "r" + i % 10, "c" + i / 10);
    }
    give(Action.RESUME, "r0", null);
    assertThat(commands.size()).isEqualTo(90);
    give(Action.STOP, null, "c0");
    assertThat(commands.size()).isEqualTo(82);
    give(Action.RESUME, "r1", "c1");
    assertThat(commands.size()).isEqualTo(81);
    give(Action.RESUME, "r1", "c0");
    assertThat(commands.size()).as("an exception to the stop").isEqualTo(82);
    give(Action.RESUME, null, "c0");
    assertThat(commands.size()).isEqualTo(80);
    assertThat(commands.inOrder()).hasSize(80).isEqualTo(restored().inOrder());
  }

  /** Commands given in order have the effect of applying each to all campaigns it covers. */
  @Property(tries = 300)
  void actAsIfAppliedToEachCampaign(@ForAll @Size(max = 12) List<@IntRange(max = 26) Integer> given)
      throws Exception {
    CommandsInForceTest fresh = new CommandsInForceTest();
    Action[][] expected = new Action[2][2];
    for (int one : given) {
      Action action = List.of(Action.PAUSE, Action.RESUME, Action.STOP).get(one % 3);
      int restaurant = one / 3 % 3;
      int campaign = one / 9 % 3;
      fresh.give(
          action, restaurant == 2 ? null : "r" + restaurant, campaign == 2 ? null : "c" + campaign);
      for (int r = 0; r < 2; r++) {
        for (int c = 0; c < 2; c++) {
          if ((restaurant == 2 || restaurant == r) && (campaign == 2 || campaign == c)) {
            expected[r][c] = action;
          }
        }
      }
    }
    List<CommandsInForce> both = List.of(fresh.commands, fresh.restored());
    for (CommandsInForce one : both) {
      for (int r = 0; r < 2; r++) {
        for (int c = 0; c < 2; c++) {
          assertThat(one.pause("r" + r, "c" + c) != null).isEqualTo(expected[r][c] == Action.PAUSE);
          assertThat(one.isStopped("r" + r, "c" + c)).isEqualTo(expected[r][c] == Action.STOP);
        }
      }
    }
  }
}
