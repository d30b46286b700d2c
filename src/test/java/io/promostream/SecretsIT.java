package io.promostream;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.check.EnvironmentCheck;
import io.promostream.config.JobConfig;
import io.promostream.preview.Preview;
import io.promostream.testing.CapturedLogs;
import io.promostream.testing.PromoJson;
import io.promostream.testing.RestPages;
import io.promostream.testing.SecuredSite;
import io.promostream.testing.Waiting;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.util.InstantiationUtil;
import org.apache.logging.log4j.Level;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Searches for passwords while the job runs, fails and restarts. Passwords in files must appear
 * nowhere. Passwords given by value appear in the job graph, which proves that the search works.
 */
class SecretsIT {

  private static final String JAAS =
      "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"promo-stream\""
          + " password=\"%s\";";

  private static SecuredSite site;

  @TempDir Path checkpoints;

  @BeforeAll
  static void start() throws Exception {
    site = SecuredSite.get();
  }

  @Test
  void passwordsInFilesAppearNowhere() throws Exception {
    assertThat(placesWithSecrets(site.config())).isEmpty();
  }

  @Test
  void kafkaPasswordInPropertiesFileAppearsNowhere() throws Exception {
    Path file = site.secrets.resolve("kafka.properties");
    Files.writeString(file, "password=" + password(SecuredSite.KAFKA_PASSWORD));
    JobConfig config =
        site.config(
            "--kafka.properties.config.providers=file",
            "--kafka.properties.config.providers.file.class=org.apache.kafka.common.config.provider.FileConfigProvider",
            "--kafka.properties.config.providers.file.param.allowed.paths=" + site.secrets,
            "--kafka.properties.sasl.jaas.config="
                + JAAS.formatted("${file:" + file + ":password}"));
    assertThat(placesWithSecrets(config)).isEmpty();
  }

  @Test
  void passwordsByValueAppearOnlyInJobGraph() throws Exception {
    JobConfig config =
        site.configWith(
            site.secrets,
            Map.of(
                "PROMO_STREAM_SUBSCRIBERS_DB_PASSWORD", password(SecuredSite.SUBSCRIBERS_PASSWORD),
                "PROMO_STREAM_FEEDBACK_DB_PASSWORD", password(SecuredSite.FEEDBACK_PASSWORD),
                "PROMO_STREAM_KAFKA_PROPERTIES_SASL_JAAS_CONFIG",
                    JAAS.formatted(password(SecuredSite.KAFKA_PASSWORD))),
            "--subscribers.db.password-file=",
            "--feedback.db.password-file=");
    assertThat(placesWithSecrets(config))
        .containsExactly(
            "job graph: feedback-db-password",
            "job graph: kafka-password",
            "job graph: subscribers-db-password");
  }

  private static String password(String account) throws Exception {
    return Files.readString(site.secrets.resolve(account));
  }

  private Set<String> placesWithSecrets(JobConfig config) throws Exception {
    String campaign = checkpoints.getFileName().toString();
    Map<String, byte[]> places = new TreeMap<>();
    places.put("check", check(config));
    places.put("preview", preview(config));
    try (CapturedLogs logs = new CapturedLogs(Level.DEBUG, java.util.logging.Level.ALL)) {
      // Make the first starts fail, because a running job would only log the refusal.
      site.execute("postgres", "ALTER ROLE promo_stream_writer NOLOGIN");
      try (SecuredJob job = new SecuredJob(config, checkpoints, null)) {
        places.put("job graph", InstantiationUtil.serializeObject(job.graph));
        awaitRefusal(logs);
        SecuredJob.subscribe("of " + campaign);
        SecuredJob.send(campaign);
        Waiting.until("deliveries", () -> !SecuredJob.receivers(campaign).isEmpty());
        SecuredJob.send(campaign + " again");
        Waiting.until("deliveries", () -> !SecuredJob.receivers(campaign + " again").isEmpty());
        Map<String, String> pages = pages(job);
        assertThat(pages).hasSizeGreaterThan(40);
        assertThat(pages.get("/jobs/:jobid/exceptions")).contains("promo_stream_writer");
        pages.forEach((path, page) -> places.put("rest " + path, page.getBytes(UTF_8)));
        SecuredJob.cluster()
            .triggerSavepoint(
                job.graph.getJobID(),
                checkpoints.resolve("savepoint").toUri().toString(),
                false,
                SavepointFormatType.CANONICAL)
            .get();
      }
      // The last checkpoint is retained on cancellation.
      try (Stream<Path> files = Files.walk(checkpoints)) {
        for (Path file : files.filter(Files::isRegularFile).toList()) {
          places.put("state " + checkpoints.relativize(file), Files.readAllBytes(file));
        }
      }
      assertThat(places.keySet())
          .anyMatch(place -> place.matches("state savepoint/.*_metadata"))
          .anyMatch(place -> place.matches("state \\w+/chk-\\d+/_metadata"));
      assertThat(logs.lines())
          .anyMatch(line -> line.startsWith("DEBUG org.apache.kafka"))
          .anyMatch(line -> line.startsWith("DEBUG org.apache.flink"))
          .anyMatch(line -> line.startsWith("FINEST org.postgresql"));
      places.put("logs", String.join("\n", logs.lines()).getBytes(UTF_8));
    }
    return found(places);
  }

  private static byte[] check(JobConfig config) {
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    assertThat(EnvironmentCheck.run(config, new PrintStream(printed, true, UTF_8))).isZero();
    return printed.toByteArray();
  }

  private static byte[] preview(JobConfig config) {
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    PrintStream out = new PrintStream(printed, true, UTF_8);
    InputStream promos = new ByteArrayInputStream(PromoJson.good().bytes());
    int exitCode = new Preview(config, 1).run("-", false, promos, out, out);
    assertThat(exitCode).as(printed.toString(UTF_8)).isZero();
    return printed.toByteArray();
  }

  /** Waits until the REST API shows a checkpoint, and returns all pages. */
  private static Map<String, String> pages(SecuredJob job) throws Exception {
    Map<String, String> pages = new TreeMap<>();
    Waiting.until(
        "a checkpoint's page",
        () -> {
          try {
            pages.putAll(RestPages.of(job.rest(), job.graph));
            return true;
          } catch (IllegalStateException e) {
            return false;
          }
        });
    return pages;
  }

  /** Waits until the database has refused the job, and then lets the job log in. */
  private static void awaitRefusal(CapturedLogs logs) throws Exception {
    Waiting.until(
        "a failed start",
        () ->
            logs.lines().stream()
                .anyMatch(
                    line -> line.contains("\"promo_stream_writer\" is not permitted to log in")));
    site.execute("postgres", "ALTER ROLE promo_stream_writer LOGIN");
  }

  private static Set<String> found(Map<String, byte[]> places) throws Exception {
    Set<String> found = new TreeSet<>();
    for (String account :
        List.of(
            SecuredSite.KAFKA_PASSWORD,
            SecuredSite.SUBSCRIBERS_PASSWORD,
            SecuredSite.FEEDBACK_PASSWORD)) {
      String secret = password(account);
      places.forEach(
          (place, content) -> {
            // Decode each byte as a character; the passwords are ASCII.
            if (new String(content, ISO_8859_1).contains(secret)) {
              found.add(place + ": " + account);
            }
          });
    }
    return found;
  }
}
