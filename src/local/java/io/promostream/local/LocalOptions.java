package io.promostream.local;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The options of the local run.
 *
 * @param runFor null to run until Ctrl-C
 * @param samples feed the sample files, no demo traffic
 * @param promosPerSecond promos per second of the demo traffic
 * @param help print the options and end
 */
record LocalOptions(@Nullable Duration runFor, boolean samples, int promosPerSecond, boolean help) {

  static final String HELP =
      """
      Runs promo-stream on this machine: a Kafka broker, a Postgres server, the job on a local
      Flink cluster, demo traffic, and a web page that shows all of it. Ctrl-C ends it and leaves
      nothing behind.

        mvn -q -Plocal -Dargs="OPTIONS"

        --seconds N            run for N seconds, then compare Kafka and Postgres row by row, and exit
                               with 1 if they differ; default: run until Ctrl-C
        --samples              feed the sample subscribers and promos, no demo traffic
        --promos-per-second N  promos per second of the demo traffic, 1 to 1000; default: 5
        --help                 print this help
      """;

  private static final int MAX_PROMOS_PER_SECOND = 1000;
  private static final int MAX_SECONDS = 86_400;

  /**
   * Reads the command line.
   *
   * @throws IllegalArgumentException with one line for each problem
   */
  static LocalOptions parse(String... args) {
    @Nullable Duration runFor = null;
    boolean samples = false;
    int promosPerSecond = 5;
    boolean help = false;
    List<String> problems = new ArrayList<>();
    Iterator<String> rest = List.of(args).iterator();
    while (rest.hasNext()) {
      String option = rest.next();
      try {
        switch (option) {
          case "--seconds" -> runFor = Duration.ofSeconds(number(rest, MAX_SECONDS));
          case "--samples" -> samples = true;
          case "--promos-per-second" -> promosPerSecond = number(rest, MAX_PROMOS_PER_SECOND);
          case "--help" -> help = true;
          default ->
              throw new IllegalArgumentException("is not an option; --help lists all options");
        }
      } catch (IllegalArgumentException e) {
        problems.add(option + " " + e.getMessage());
      }
    }
    if (!problems.isEmpty()) {
      throw new IllegalArgumentException(String.join(System.lineSeparator(), problems));
    }
    return new LocalOptions(runFor, samples, promosPerSecond, help);
  }

  private static int number(Iterator<String> rest, int max) {
    String text = rest.hasNext() ? rest.next() : "";
    if (text.matches("[0-9]{1,9}")) {
      int number = Integer.parseInt(text);
      if (number >= 1 && number <= max) {
        return number;
      }
    }
    throw new IllegalArgumentException("needs a number from 1 to " + max + ", not '" + text + "'");
  }
}
