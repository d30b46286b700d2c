package io.promostream.config;

import java.util.List;
import java.util.stream.Collectors;

/**
 * A configuration that the job does not start with. Its message is for the person who wrote it: one
 * line for each problem, with what would be right, and no secret.
 */
public final class ConfigException extends RuntimeException {

  public ConfigException(List<String> problems) {
    super(problems.stream().map(ConfigException::oneLine).collect(Collectors.joining("\n")));
  }

  public static String oneLine(String text) {
    return text.replaceAll("[\\p{Cc}\\p{Zl}\\p{Zp}]+", " ").strip();
  }
}
