package io.promostream.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The job's arguments: {@code --help}, {@code --check}, {@code --lost-notifications FROM/TO},
 * {@code --send}, {@code --config FILE} and {@code --key value} or {@code --key=value}. Of a key
 * given twice the last counts.
 */
public final class CommandLine {

  private static final String LOST_NOTIFICATIONS = "lost-notifications";

  static final List<String> OPTIONS =
      List.of("help", "check", "config", LOST_NOTIFICATIONS, "send");

  /** Those without a value. */
  private static final Set<String> SWITCHES = Set.of("help", "check", "send");

  private final Map<String, String> values = new LinkedHashMap<>();
  private final List<String> problems = new ArrayList<>();

  private CommandLine() {}

  /** Reads the arguments; what is wrong with them is told by {@link JobConfig#load}. */
  public static CommandLine parse(String[] args) {
    CommandLine line = new CommandLine();
    for (int i = 0; i < args.length; i++) {
      String argument = args[i];
      int equals = argument.indexOf('=');
      String name = equals < 0 ? argument : argument.substring(0, equals);
      if (!name.startsWith("--") || !ConfigKey.isName(name.substring(2))) {
        // Not shown: it may be the second word of an unquoted password.
        line.problems.add("argument " + (i + 1) + " is no --key and no key's value");
        continue;
      }
      name = name.substring(2);
      if (equals >= 0) {
        line.values.put(name, argument.substring(equals + 1));
      } else if (SWITCHES.contains(name)) {
        line.values.put(name, "");
      } else if (i + 1 < args.length && isValue(name, args[i + 1])) {
        line.values.put(name, args[++i]);
      } else {
        line.problems.add("--" + name + " has no value; one that begins with -- needs --key=value");
      }
    }
    if (line.send() && line.lostNotifications() == null) {
      line.problems.add("--send goes with --lost-notifications");
    }
    return line;
  }

  /** A secret's value may look like a key, and must not be shown as an unknown one. */
  private static boolean isValue(String name, String next) {
    return !next.startsWith("--") || ConfigKeys.isSecret(name);
  }

  /** Whether the keys are to be printed, and nothing else. */
  public boolean help() {
    return values.containsKey("help");
  }

  /** Whether the environment is to be checked, and the job not started. */
  public boolean check() {
    return values.containsKey("check");
  }

  /** The window whose lost notifications are to be told, and the job not started; or null. */
  public @Nullable String lostNotifications() {
    return values.get(LOST_NOTIFICATIONS);
  }

  /** Whether they are to be sent, too. */
  public boolean send() {
    return values.containsKey("send");
  }

  @Nullable String configFile() {
    return values.get("config");
  }

  /** Values by key, known or not. */
  Map<String, String> settings() {
    Map<String, String> settings = new LinkedHashMap<>(values);
    OPTIONS.forEach(settings::remove);
    return settings;
  }

  List<String> problems() {
    return problems;
  }
}
