package io.promostream.config;

import java.util.List;
import java.util.stream.Collectors;

/**
 * An invalid configuration, which prevents the job from starting. Its message has one line per
 * problem, each with the remedy, and contains no secret.
 */
public final class ConfigException extends RuntimeException {

  public ConfigException(List<String> problems) {
    super(problems.stream().map(ConfigException::oneLine).collect(Collectors.joining("\n")));
  }

  public static String oneLine(String text) {
    return text.replaceAll("[\\p{Cc}\\p{Zl}\\p{Zp}]+", " ").strip();
  }
}
