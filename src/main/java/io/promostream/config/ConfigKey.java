package io.promostream.config;

import java.util.Locale;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One key of the configuration: all that parsing, {@code --help} and {@code configuration.md} say
 * about it.
 *
 * @param name dotted; one that ends in {@code .*} stands for all names that begin so
 * @param type what a value looks like, for people
 * @param defaultText the value where none is given, null where one must be
 * @param meaning one or two sentences
 * @param parser throws IllegalArgumentException saying what would be right, without secrets
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

  /** What a family's names begin with, the dot included. */
  String familyPrefix() {
    return name.substring(0, name.length() - 1);
  }

  /** Whether a text looks like a key; one that does not may be a secret gone astray. */
  static boolean isName(String text) {
    return text.matches("[\\w.-]{1,200}");
  }

  /** The environment variable of a key: {@code promos.group-id} is PROMO_STREAM_PROMOS_GROUP_ID. */
  static String variable(String name) {
    return ENVIRONMENT_PREFIX + name.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_');
  }

  static boolean isVariable(String name) {
    return name.startsWith(ENVIRONMENT_PREFIX);
  }
}
