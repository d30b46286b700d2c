package io.promostream.config;

import java.util.Locale;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One configuration key, the single source for parsing, {@code --help} and the table of {@code
 * configuration.md}.
 *
 * @param name dotted; a name that ends in {@code .*} matches all names with that prefix
 * @param type the format of a value, for the documentation
 * @param defaultText the default value, or null if the key is required
 * @param meaning one or two sentences
 * @param parser throws IllegalArgumentException with the expected format and without secrets
 */
record ConfigKey<T>(
    String name,
    String type,
    @Nullable String defaultText,
    String meaning,
    Function<String, T> parser) {

  private static final String ENVIRONMENT_PREFIX = "PROMO_STREAM_";

  boolean required() {
    return defaultText == null;
  }

  boolean isFamily() {
    return name.endsWith(".*");
  }

  /** The common prefix of a family's names, including the dot. */
  String familyPrefix() {
    return name.substring(0, name.length() - 1);
  }

  /** Whether a text looks like a key; any other text may be a misplaced secret. */
  static boolean isName(String text) {
    return text.matches("[\\w.-]{1,200}");
  }

  /** The environment variable of a key, such as PROMO_STREAM_PROMOS_GROUP_ID. */
  static String variable(String name) {
    return ENVIRONMENT_PREFIX + name.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_');
  }

  static boolean isVariable(String name) {
    return name.startsWith(ENVIRONMENT_PREFIX);
  }
}
