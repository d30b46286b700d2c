package io.promostream.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The local run as a user sees it: a process, its output and its exit code. */
class LocalRunIT {

  private static final Pattern FEEDBACK_DATABASE =
      Pattern.compile("psql (postgresql://\\S+/feedback) ");

  private static final int SIGTERM = 128 + 15;

  @TempDir private Path temporary;
  private final List<String> output = new ArrayList<>();
  private Process process;
  private BufferedReader lines;

  /**
   * Starts the run with a temporary directory that the test can inspect. Only the unpacked Postgres
   * is outside it.
   */
  private void start(String... options) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(argument -> argument.startsWith("--add-opens"))
        .forEach(command::add);
    command.add("-Dot.epg.working-dir=" + System.getProperty("java.io.tmpdir") + "/embedded-pg");
    command.add("-Djava.io.tmpdir=" + temporary);
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(LocalRun.class.getName());
    command.addAll(List.of(options));
    process = new ProcessBuilder(command).redirectErrorStream(true).start();
    lines = process.inputReader(StandardCharsets.UTF_8);
  }

  /** Reads the output until a line matches. */
  private String await(Pattern pattern) throws IOException {
    String line;
    while ((line = lines.readLine()) != null) {
      output.add(line);
      Matcher matcher = pattern.matcher(line);
      if (matcher.find()) {
        return matcher.group(1);
      }
    }
    throw new AssertionError("no " + pattern + " in " + output);
  }

  private int exitCode() throws Exception {
    lines.lines().forEach(output::add);
    return process.waitFor();
  }

  /** A number in the summary. */
  private long reported(String what) {
    return output.stream()
        .map(String::strip)
        .filter(line -> line.matches(what + " +[0-9,]+"))
        .map(line -> line.substring(what.length()).strip().replace(",", ""))
        .mapToLong(Long::parseLong)
        .sum();
  }

  @AfterEach
  void stop() throws InterruptedException {
    process.destroy();
    process.waitFor();
  }

  @Test
  void deliversEachOfTheFirstTwoSamplePromosToEightClients() throws Exception {
    start("--samples", "--seconds", "5");

    assertThat(exitCode()).as("%s", output).isZero();
    assertThat(reported("notifications")).isEqualTo(16);
    assertThat(reported("feedback rows")).isEqualTo(16);
    assertThat(output)
        .containsSubsequence(
            "The largest campaigns (notifications, rows):",
            "           8          8  first campaign",
            "           8          8  Скидка 20% на все супы до пятницы",
            "They are equal.")
        .noneMatch(line -> line.contains("expired, dropped"));
  }

  @Test
  void deliversDemoTrafficOnceToBothSinks() throws Exception {
    start("--seconds", "15", "--promos-per-second", "20");

    assertThat(exitCode()).as("%s", output).isZero();
    assertThat(reported("notifications")).isGreaterThan(1_000);
    assertThat(reported("feedback rows")).isEqualTo(reported("notifications"));
    assertThat(output).contains("They are equal.");
    assertThat(temporary).isEmptyDirectory();
    String last =
        output.stream().filter(line -> line.contains("(draining)")).reduce((a, b) -> b).get();
    for (String kind : List.of("promos read", "rejected", "late", "subscriptions")) {
      assertThat(last).as("none %s", kind).doesNotContain(kind + " 0 ");
    }
  }

  @Test
  void reportsExtraRowAndExitsWithOne() throws Exception {
    start("--samples", "--seconds", "5");
    try (Connection connection = connect(await(FEEDBACK_DATABASE));
        Statement statement = connection.createStatement()) {
      statement.execute(
          "INSERT INTO subscribers_feedback (restaurant_id, adv_campaign_id, adv_campaign_content,"
              + " adv_campaign_owner, adv_campaign_owner_contact, adv_campaign_datetime_start,"
              + " adv_campaign_datetime_end, datetime_created, client_id, trigger_datetime_created)"
              + " VALUES ('r', 'c', 'planted', 'o', 'oc', 1, 2, 3, 'client', 4)");
    }

    assertThat(exitCode()).isEqualTo(1);
    assertThat(reported("rows without a notification")).isEqualTo(1);
    assertThat(output).contains("THEY DIFFER.").anyMatch(line -> line.contains("planted"));
  }

  @Test
  void helpListsTheOptions() throws Exception {
    start("--help");

    assertThat(exitCode()).isZero();
    assertThat(String.join("\n", output)).contains("--seconds N", "--samples");
  }

  @Test
  void stopsCleanlyOnSignal() throws Exception {
    start();
    String database = await(FEEDBACK_DATABASE);
    // destroy() of the process itself would close its output, too
    process.toHandle().destroy();

    assertThat(exitCode()).as("%s", output).isEqualTo(SIGTERM);
    assertThat(temporary).isEmptyDirectory();
    assertThatThrownBy(() -> connect(database).close()).isInstanceOf(SQLException.class);
  }

  @Test
  void reportsWrongOptionsAndStartsNothing() throws Exception {
    start("--second", "5");

    assertThat(exitCode()).isEqualTo(1);
    assertThat(output).first().isEqualTo("--second is not an option; --help lists all options");
  }

  private static Connection connect(String uri) throws SQLException {
    Matcher parts = Pattern.compile("postgresql://(.*)@(.*)").matcher(uri);
    assertThat(parts.matches()).isTrue();
    return DriverManager.getConnection("jdbc:postgresql://" + parts.group(2), parts.group(1), "");
  }
}
