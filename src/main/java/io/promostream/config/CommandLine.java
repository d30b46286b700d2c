package io.promostream.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The job's arguments: {@code --help}, {@code --check}, {@code --preview FILE}, {@code --json},
 * {@code --config FILE} and {@code --key value} or {@code --key=value}. If a key is given twice,
 * the last value wins.
 */
public final class CommandLine {

  static final List<String> OPTIONS = List.of("help", "check", "preview", "json", "config");

  /** Options that only release 0.1 supported. */
  private static final Set<String> OBSOLETE = Set.of("lost-notifications", "send");

  /** Options without a value. */
  private static final Set<String> SWITCHES =
      Set.of("help", "check", "json", "send"); // "send" is obsolete

  private final Map<String, String> values = new LinkedHashMap<>();
  private final List<String> problems = new ArrayList<>();

  private CommandLine() {}

  /** Parses the arguments; {@link JobConfig#load} reports their problems. */
  public static CommandLine parse(String[] args) {
    CommandLine line = new CommandLine();
    for (int i = 0; i < args.length; i++) {
      String argument = args[i];
      int equals = argument.indexOf('=');
      String name = equals < 0 ? argument : argument.substring(0, equals);
      if (!name.startsWith("--") || !ConfigKey.isName(name.substring(2))) {
        // Do not show the argument: it may be the second word of an unquoted password.
        line.problems.add("argument " + (i + 1) + " is neither a --key nor the value of one");
        continue;
      }
      name = name.substring(2);
      if (OBSOLETE.contains(name)) {
        line.problems.add(
            "--%s is obsolete: an outage of any length no longer loses notifications. Leave it out"
                .formatted(name));
      }
      if (equals >= 0) {
        line.values.put(name, argument.substring(equals + 1));
      } else if (SWITCHES.contains(name)) {
        line.values.put(name, "");
      } else if (i + 1 < args.length && isValue(name, args[i + 1])) {
        line.values.put(name, args[++i]);
      } else {
        line.problems.add(
            "--" + name + " needs a value; write --key=value if the value begins with --");
      }
    }
    line.checkModes();
    return line;
  }

  private void checkModes() {
    if (check() && preview() != null) {
      problems.add("--check and --preview: give one of them, not both");
    }
    if (json() && preview() == null) {
      problems.add("--json: works only with --preview FILE");
    }
    if ("".equals(preview())) {
      problems.add("--preview: needs a file, or - for standard input");
    }
  }

  /** A secret may begin with {@code --}; reporting it as an unknown key would reveal it. */
  private static boolean isValue(String name, String next) {
    return !next.startsWith("--") || ConfigKeys.isSecret(name);
  }

  /** Whether to print the help text and exit. */
  public boolean help() {
    return values.containsKey("help");
  }

  /** Whether to check the environment instead of starting the job. */
  public boolean check() {
    return values.containsKey("check");
  }

  /** The file of promos to preview instead of starting the job; null for none, - for stdin. */
  public @Nullable String preview() {
    return values.get("preview");
  }

  /** Whether to print the preview as JSON. */
  public boolean json() {
    return values.containsKey("json");
  }

  @Nullable String configFile() {
    return values.get("config");
  }

  /** Values by key, including unknown keys. */
  Map<String, String> settings() {
    Map<String, String> settings = new LinkedHashMap<>(values);
    OPTIONS.forEach(settings::remove);
    OBSOLETE.forEach(settings::remove);
    return settings;
  }

  List<String> problems() {
    return problems;
  }
}
