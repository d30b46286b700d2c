package io.promostream.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LocalRunIT {

  private static final Pattern FEEDBACK_DATABASE =
      Pattern.compile("psql (postgresql://\\S+/feedback) ");

  private static final Pattern PAGE = Pattern.compile("^Page +(http://127\\.0\\.0\\.1:\\d+)$");

  private static final int SIGTERM = 128 + 15;

  @TempDir private Path temporary;
  private LocalProcess run;

  private void start(String... options) throws IOException {
    run = new LocalProcess(temporary, options);
  }

  /** A number in the summary. */
  private long reported(String what) {
    return run.output().stream()
        .map(String::strip)
        .filter(line -> line.matches(what + " +[0-9,]+"))
        .map(line -> line.substring(what.length()).strip().replace(",", ""))
        .mapToLong(Long::parseLong)
        .sum();
  }

  @AfterEach
  void stop() throws InterruptedException {
    run.close();
  }

  @Test
  void deliversEachOfTheFirstTwoSamplePromosToEightClients() throws Exception {
    start("--samples", "--seconds", "5");

    assertThat(run.exitCode()).as("%s", run.output()).isZero();
    assertThat(reported("notifications")).isEqualTo(16);
    assertThat(reported("feedback rows")).isEqualTo(16);
    assertThat(run.output())
        .containsSubsequence(
            "The largest campaigns (notifications, rows):",
            "           8          8  first campaign",
            "           8          8  Скидка 20% на все супы до пятницы",
            "They are equal.")
        .anyMatch(PAGE.asPredicate())
        .noneMatch(line -> line.contains("expired, dropped"));
  }

  @Test
  void deliversDemoTrafficOnceToBothSinks() throws Exception {
    start("--seconds", "15", "--promos-per-second", "20");

    assertThat(run.exitCode()).as("%s", run.output()).isZero();
    assertThat(reported("notifications")).isGreaterThan(1_000);
    assertThat(reported("feedback rows")).isEqualTo(reported("notifications"));
    assertThat(run.output()).contains("They are equal.");
    assertThat(temporary).isEmptyDirectory();
    String last =
        run.output().stream().filter(line -> line.contains("(draining)")).reduce((a, b) -> b).get();
    for (String kind : List.of("promos read", "rejected", "late", "subscriptions")) {
      assertThat(last).as("none %s", kind).doesNotContain(kind + " 0 ");
    }
  }

  @Test
  void reportsExtraRowAndExitsWithOne() throws Exception {
    start("--samples", "--seconds", "5");
    try (Connection connection = connect(run.await(FEEDBACK_DATABASE));
        Statement statement = connection.createStatement()) {
      statement.execute(
          "INSERT INTO subscribers_feedback (restaurant_id, adv_campaign_id, adv_campaign_content,"
              + " adv_campaign_owner, adv_campaign_owner_contact, adv_campaign_datetime_start,"
              + " adv_campaign_datetime_end, datetime_created, client_id, trigger_datetime_created)"
              + " VALUES ('r', 'c', 'planted', 'o', 'oc', 1, 2, 3, 'client', 4)");
    }

    assertThat(run.exitCode()).isEqualTo(1);
    assertThat(reported("rows without a notification")).isEqualTo(1);
    assertThat(run.output()).contains("THEY DIFFER.").anyMatch(line -> line.contains("planted"));
  }

  @Test
  void helpListsTheOptions() throws Exception {
    start("--help");

    assertThat(run.exitCode()).isZero();
    assertThat(String.join("\n", run.output())).contains("--seconds N", "--samples");
  }

  @Test
  void stopsCleanlyOnSignal() throws Exception {
    start();
    String database = run.await(FEEDBACK_DATABASE);
    run.terminate();

    assertThat(run.exitCode()).as("%s", run.output()).isEqualTo(SIGTERM);
    assertThat(temporary).isEmptyDirectory();
    assertThatThrownBy(() -> connect(database).close()).isInstanceOf(SQLException.class);
  }

  @Test
  void stopsCleanlyWhilePostgresRestarts() throws Exception {
    start();
    URI page = URI.create(run.await(PAGE));
    run.await(Pattern.compile("(rows [1-9][0-9,]*,)"));
    HttpRequest restart =
        HttpRequest.newBuilder(page.resolve("/api/restart-postgres"))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString("{}"))
            .build();
    HttpClient.newHttpClient().send(restart, HttpResponse.BodyHandlers.discarding());
    Thread.sleep(1_000);
    run.terminate();

    assertThat(run.exitCode()).as("%s", run.output()).isEqualTo(SIGTERM);
    assertThat(temporary).isEmptyDirectory();
  }

  @Test
  void reportsWrongOptionsAndStartsNothing() throws Exception {
    start("--second", "5");

    assertThat(run.exitCode()).isEqualTo(1);
    assertThat(run.output())
        .first()
        .isEqualTo("--second is not an option; --help lists all options");
  }

  private static Connection connect(String uri) throws SQLException {
    Matcher parts = Pattern.compile("postgresql://(.*)@(.*)").matcher(uri);
    assertThat(parts.matches()).isTrue();
    return DriverManager.getConnection("jdbc:postgresql://" + parts.group(2), parts.group(1), "");
  }
}
