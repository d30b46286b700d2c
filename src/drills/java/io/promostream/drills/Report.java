package io.promostream.drills;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/** A table with a line for each drill. */
final class Report {

  private static final Path FILE = Path.of("target/drills/report.md");

  private static final String HEAD =
      """
      | drill | state | faults | promos | deliveries | of them owed | either way | lost | double | wrong | sinks differ | misreported | rows refused | left open | connections left | threads left | recovery, s: median, worst |
      | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
      """;

  private Report() {}

  /**
   * Adds a line.
   *
   * @param recoveries seconds from the repair of each fault to the first row of a promo sent after
   *     it
   */
  static void add(
      String drill, String stateBackend, int faults, Audit audit, List<Double> recoveries)
      throws IOException {
    Files.createDirectories(FILE.getParent());
    if (Files.notExists(FILE)) {
      Files.writeString(FILE, HEAD);
    }
    String line =
        "| %s | %s | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %s |%n"
            .formatted(
                drill,
                stateBackend,
                faults,
                audit.promos(),
                audit.deliveries(),
                audit.owed(),
                audit.open(),
                audit.lost(),
                audit.doubled(),
                audit.wrong(),
                audit.differing(),
                audit.misreported(),
                audit.refused(),
                audit.unfinished(),
                audit.sessions(),
                audit.threads(),
                medianAndWorst(recoveries));
    System.out.print(line);
    Files.writeString(FILE, line, StandardOpenOption.APPEND);
  }

  private static String medianAndWorst(List<Double> recoveries) {
    List<Double> sorted = recoveries.stream().sorted().toList();
    return sorted.isEmpty()
        ? "-"
        : "%.1f, %.1f".formatted(sorted.get(sorted.size() / 2), sorted.get(sorted.size() - 1));
  }
}
