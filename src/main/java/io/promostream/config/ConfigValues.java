package io.promostream.config;

import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.apache.flink.util.TimeUtils;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.internals.Topic;
import org.apache.kafka.common.utils.Utils;
import org.postgresql.Driver;

/** Parses values. Each method throws IllegalArgumentException with the expected format. */
final class ConfigValues {

  private ConfigValues() {}

  static String text(String text) {
    return valid(!text.isBlank(), text.strip(), "must not be empty");
  }

  static String bootstrapServers(String text) {
    for (String server : text.split(",", -1)) {
      Integer port = Utils.getHost(server.strip()) == null ? null : Utils.getPort(server.strip());
      valid(
          port != null && port > 0 && port < 65536,
          text,
          "must be a comma-separated list of host:port");
    }
    return text.strip();
  }

  static String topic(String text) {
    try {
      Topic.validate(text.strip());
      return text.strip();
    } catch (InvalidTopicException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }

  static String transactionPrefix(String text) {
    return valid(
        text.strip().matches("[A-Za-z0-9._-]{1,100}"),
        text.strip(),
        "must be 1 to 100 letters, digits, '-', '_' or '.'");
  }

  /** Parses a JDBC URL and refuses one with a password, because URLs are logged. */
  static String jdbcUrl(String text) {
    String url = text.strip();
    int question = url.indexOf('?');
    String server = question < 0 ? url : url.substring(0, question);
    String parameters = question < 0 ? "" : url.substring(question + 1);
    boolean secret = server.contains("@");
    for (String parameter : parameters.split("&", -1)) {
      String name = parameter.split("=", 2)[0];
      // An unusual name may be the rest of a password that contains a question mark.
      secret |= name.toLowerCase(Locale.ROOT).contains("password") || !name.matches("[\\w.-]*");
    }
    // Check this before the driver parses the URL: it logs URLs that it cannot parse.
    valid(
        !secret,
        url,
        "must not contain a password, because URLs are logged: use the keys .user and .password or"
            + " .password-file");
    return valid(
        url.startsWith("jdbc:postgresql:") && Driver.parseURL(url, null) != null,
        url,
        "must look like jdbc:postgresql://host:5432/database");
  }

  static Duration duration(String text, Duration atLeast, Duration atMost) {
    Duration duration;
    try {
      duration = TimeUtils.parseDuration(text);
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw new IllegalArgumentException(
          quoted(text) + " is not a duration such as 500 ms, 30 s, 5 min or 7 d", e);
    }
    // Flink reads a bare number as milliseconds, but people who write 30 usually mean seconds.
    valid(!text.strip().matches("\\d+"), text, quoted(text) + " needs a unit: ms, s, min, h or d");
    return valid(
        duration.compareTo(atLeast) >= 0 && duration.compareTo(atMost) <= 0,
        duration,
        "must be from %s to %s"
            .formatted(
                TimeUtils.formatWithHighestUnit(atLeast), TimeUtils.formatWithHighestUnit(atMost)));
  }

  /** Parses a percentage with at most two decimals into hundredths of a percent. */
  static int percent(String text) {
    String wrong = quoted(text) + " is not a percentage from 0 to 100 with at most two decimals";
    try {
      int hundredths = new BigDecimal(text.strip()).movePointRight(2).intValueExact();
      return valid(hundredths >= 0 && hundredths <= 10_000, hundredths, wrong);
    } catch (NumberFormatException | ArithmeticException e) {
      throw new IllegalArgumentException(wrong, e);
    }
  }

  static int positive(String text) {
    String wrong = quoted(text) + " is not a whole number from 1 to " + Integer.MAX_VALUE;
    try {
      int number = Integer.parseInt(text.strip());
      return valid(number > 0, number, wrong);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(wrong, e);
    }
  }

  static ZoneId zone(String text) {
    try {
      return ZoneId.of(text.strip());
    } catch (DateTimeException e) {
      throw new IllegalArgumentException(
          quoted(text) + " is not a time zone such as UTC, Europe/Berlin or +03:00", e);
    }
  }

  /** Parses a span of time into quiet hours of the zone UTC. */
  static QuietHours quietHours(String text) {
    String wrong = quoted(text) + " is not a span of time such as 22:00-08:00";
    String[] ends = text.strip().split("\\s*-\\s*", -1);
    try {
      valid(ends.length == 2, ends, wrong);
      LocalTime from = LocalTime.parse(ends[0]);
      LocalTime to = LocalTime.parse(ends[1]);
      return valid(
          !from.equals(to),
          new QuietHours(from, to, ZoneOffset.UTC),
          quoted(text) + " is empty or the whole day. To deliver nothing, pause by a command");
    } catch (DateTimeParseException e) {
      throw new IllegalArgumentException(wrong, e);
    }
  }

  static <E extends Enum<E>> E choice(String text, List<E> values) {
    return values.stream()
        .filter(value -> written(value).equals(text.strip().toLowerCase(Locale.ROOT)))
        .findFirst()
        .orElseThrow(
            () -> new IllegalArgumentException(quoted(text) + " is not one of " + choices(values)));
  }

  /** The values as written in a configuration, separated by commas. */
  static <E extends Enum<E>> String choices(List<E> values) {
    return values.stream().map(ConfigValues::written).collect(Collectors.joining(", "));
  }

  static String written(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static String quoted(String text) {
    return '"' + text + '"';
  }

  private static <T> T valid(boolean valid, T value, String otherwise) {
    if (!valid) {
      throw new IllegalArgumentException(otherwise);
    }
    return value;
  }
}
