package io.promostream.config;

import static java.util.stream.Collectors.joining;

/** Generates {@code --help} and the table of {@code configuration.md} from the declared keys. */
public final class KeyReference {

  private static final int WIDTH = 100;

  private KeyReference() {}

  /** The text of {@code --help}, at most 100 columns wide. */
  public static String help() {
    return """
        promo-stream sends each restaurant's promos to its subscribers, exactly once.

          --help          print this help
          --check         connect to Kafka and both databases, report what is found, exit 0 or 1
          --preview FILE  show what would happen to the promos of FILE (one JSON object per line), send
                          nothing, exit 0 or 1; - reads standard input
          --json          with --preview, print one JSON object per promo
          --config FILE   read keys from a YAML file, nested or dotted
          --key value     set a key; or --key=value

        Later wins: defaults, --config, environment variables, arguments. The variable of promos.group-id
        is %s; under kafka.properties. each _ of a variable stands for a dot.

        """
            .formatted(ConfigKey.variable(ConfigKeys.PROMOS_GROUP_ID.name()))
        + ConfigKeys.ALL.stream().map(KeyReference::helpOf).collect(joining("\n"));
  }

  private static String helpOf(ConfigKey<?> key) {
    String indent = "      ";
    StringBuilder help = new StringBuilder("  " + key.name() + "\n");
    StringBuilder line = new StringBuilder(indent);
    String text =
        key.type()
            + "; "
            + (key.required() ? "" : "default ")
            + defaultOf(key)
            + ". "
            + key.meaning();
    for (String word : text.split(" ", -1)) {
      if (line.length() + word.length() > WIDTH) {
        help.append(line.toString().stripTrailing()).append('\n');
        line = new StringBuilder(indent);
      }
      line.append(word).append(' ');
    }
    return help.append(line.toString().stripTrailing()).append('\n').toString();
  }

  /** The table of {@code configuration.md}. */
  public static String markdown() {
    return "| key | type | default | meaning |\n| --- | --- | --- | --- |\n"
        + ConfigKeys.ALL.stream()
            .map(
                key ->
                    "| `%s` | %s | %s | %s |\n"
                        .formatted(
                            key.name(),
                            key.type(),
                            key.required() || key.defaultText().isEmpty()
                                ? defaultOf(key)
                                : "`" + key.defaultText() + "`",
                            key.meaning()))
            .collect(joining());
  }

  private static String defaultOf(ConfigKey<?> key) {
    if (key.required()) {
      return "required";
    }
    return key.defaultText().isEmpty() ? "none" : key.defaultText();
  }
}
