package io.promostream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.promostream.cluster.Runbook;
import io.promostream.local.Delivery;
import io.promostream.local.EmbeddedDatabase;
import io.promostream.testing.PromoJson;
import io.promostream.testing.TestBroker;
import io.promostream.testing.TestDatabase;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.configuration.Configuration;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.copy.CopyManager;
import org.postgresql.core.BaseConnection;

/** Runs procedures of the runbook with the statements and commands of the page itself. */
class RunbookIT {

  /** The main classes of Kafka's scripts. */
  private static final Map<String, String> SCRIPTS =
      Map.of(
          "kafka-consumer-groups.sh", "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
          "kafka-console-consumer.sh", "org.apache.kafka.tools.consumer.ConsoleConsumer",
          "kafka-console-producer.sh", "org.apache.kafka.tools.ConsoleProducer");

  @TempDir Path directory;

  private final Map<String, String> variables = new HashMap<>();

  @BeforeEach
  void putScriptsOnThePath() throws IOException {
    Path silence = directory.resolve("log4j2.properties");
    Files.writeString(silence, "status = off\nrootLogger.level = off\n");
    for (var script : SCRIPTS.entrySet()) {
      Path file = directory.resolve(script.getKey());
      Files.writeString(
          file,
          """
          #!/bin/sh
          exec '%s/bin/java' -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx256m \
          -Dlog4j2.configurationFile='%s' %s "$@"
          """
              .formatted(System.getProperty("java.home"), silence, script.getValue()));
      assertThat(file.toFile().setExecutable(true)).isTrue();
    }
    variables.put("CLASSPATH", System.getProperty("java.class.path"));
    variables.put("PATH", directory + ":" + System.getenv("PATH"));
    variables.put("BROKERS", TestBroker.get().bootstrapServers());
  }

  /** Runs a block of the page in bash; returns its output. */
  private String sh(String block) throws Exception {
    ProcessBuilder bash =
        new ProcessBuilder("bash", "-c", "set -o pipefail\n" + block)
            .directory(directory.toFile())
            .redirectErrorStream(true);
    bash.environment().putAll(variables);
    Process process = bash.start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor()).as(block + output).isZero();
    return output;
  }

  private static byte[] promo(String campaign, String content) {
    return PromoJson.good()
        .with("restaurant_id", "\"r\"")
        .with("adv_campaign_id", "\"" + campaign + "\"")
        .with("adv_campaign_content", "\"" + content + "\"")
        .bytes();
  }

  private static List<String> campaigns(List<Delivery> deliveries) {
    return deliveries.stream().map(delivery -> delivery.promo().campaignId()).toList();
  }

  @Test
  void runsEverySqlStatement() {
    TestDatabase database = TestDatabase.create().withFeedbackTable();
    assertThat(Runbook.blocks("sql")).isNotEmpty().allSatisfy(database::query);
  }

  @Test
  void replaysRefusedRows() throws Exception {
    try (TestJob job = new TestJob(directory)) {
      job.feedback.execute(
          "ALTER TABLE subscribers_feedback ADD CONSTRAINT short CHECK (length(client_id) < 10)");
      job.subscribe("a", "r");
      job.subscribe("longer-than-ten", "r");
      job.start(1);
      job.send(promo("k", "text"));
      TestJob.await(
          "two notifications and a row",
          () -> job.notifications().size() == 2 && job.rows().size() == 1);

      List<String> sql = Runbook.blocks("sql", "PromoStreamRowsRefused");
      assertThat(job.feedback.query(sql.get(0)))
          .singleElement()
          .asString()
          .contains("violates check constraint \"short\"", ",r,1,");
      assertThatThrownBy(() -> job.feedback.query(sql.get(1)))
          .hasStackTraceContaining("violates check constraint \"short\"");
      assertThat(job.feedback.query(sql.get(0))).hasSize(1);
      job.feedback.execute("ALTER TABLE subscribers_feedback DROP CONSTRAINT short");
      assertThat(job.feedback.query(sql.get(1))).containsExactly("r,k,longer-than-ten");
      assertThat(job.feedback.query(sql.get(0))).isEmpty();
      assertThat(job.notifications()).containsExactlyInAnyOrderElementsOf(job.rows());
      job.cancel();
    }
  }

  @Test
  void sendsRefusedNotifications() throws Exception {
    // Compressed, the large notification would be small.
    try (TestJob job = new TestJob(directory, "--kafka.properties.compression.type=none")) {
      job.subscribe("a", "r");
      job.start(1);
      job.send(promo("k", "x".repeat(100_000)));
      job.send(promo("small", "text"));
      job.awaitDeliveries(2);
      job.limit(job.notificationsTopic, 80_000);
      job.subscribe("late", "r");
      TestJob.await(
          "a row and a notification that is refused",
          () -> job.rows().size() == 4 && job.rejected().size() == 1);
      assertThat(job.notifications()).hasSize(3);

      job.limit(job.notificationsTopic, 1 << 20);
      variables.put("REJECTED", job.rejectedTopic);
      variables.put("NOTIFICATIONS", job.notificationsTopic);
      sh(Runbook.blocks("sh", "PromoStreamMessagesRefused").get(0));
      assertThat(job.notifications()).containsExactlyInAnyOrderElementsOf(job.rows());
      job.cancel();
    }
  }

  @Test
  void deletesOldMarks() throws Exception {
    try (TestJob job = new TestJob(directory)) {
      String sql = Runbook.blocks("sql", "Deleting old marks").get(0);
      String ofAnyAge = sql.replace("'30 days'", "'0 days'");
      assertThat(ofAnyAge).isNotEqualTo(sql);
      job.subscribe("a", "r");
      job.start(1);
      job.send(promo("first", "text"));
      job.awaitDeliveries(1);
      String savepoint = job.stopWithSavepoint();
      assertThat(job.feedback.query(ofAnyAge)).as("while no job holds the lease").isEmpty();

      job.start(1, savepoint, new Configuration());
      job.send(promo("second", "text"));
      job.awaitDeliveries(2);
      job.awaitCheckpoints();
      assertThat(job.feedback.query(ofAnyAge)).as("what this job has restored").isEmpty();

      job.start(1, job.cancel(), new Configuration());
      job.send(promo("third", "text"));
      job.awaitDeliveries(3);
      job.awaitCheckpoints();
      job.feedback.execute("UPDATE promo_stream_commits SET updated_at = '2020-01-01'");
      assertThat(job.feedback.query(sql)).as("the savepoint may still be kept").isEmpty();
      assertThat(job.feedback.query(ofAnyAge)).hasSize(1);
      assertThat(job.feedback.query("SELECT writer FROM promo_stream_commits"))
          .hasSize(3)
          .contains("lease");

      job.send(promo("fourth", "text"));
      job.awaitDeliveries(4);
      job.start(1, job.cancel(), new Configuration());
      job.send(promo("fifth", "text"));
      job.awaitDeliveries(5);
      job.awaitCheckpoints();
      assertThat(campaigns(job.rows()))
          .containsExactlyInAnyOrder("first", "second", "third", "fourth", "fifth");
      assertThat(job.notifications()).containsExactlyInAnyOrderElementsOf(job.rows());
      assertThat(job.restarts()).isZero();
      job.cancel();
    }
  }

  @Test
  void replaysRejectedPromos() throws Exception {
    try (TestJob job = new TestJob(directory)) {
      job.limit(job.notificationsTopic, 6_000);
      job.subscribe("a", "r");
      job.start(1);
      String content = "x".repeat(6_000);
      job.send(new String(promo("k", content), UTF_8).replace(",", ",\n").getBytes(UTF_8));
      job.send("no JSON".getBytes(UTF_8));
      TestJob.await("rejects", () -> job.rejected().size() == 2);
      String checkpoint = job.cancel();
      job.limit(job.notificationsTopic, 1 << 20);
      job.start(1, checkpoint, new Configuration());

      variables.put("REJECTED", job.rejectedTopic);
      variables.put("PROMOS", job.promosTopic);
      List<String> sh = Runbook.blocks("sh", "Replaying rejected promos");
      assertThat(sh(sh.get(0)))
          .containsPattern("1 reject.reason:too-large")
          .containsPattern("1 reject.reason:not-json");
      sh(sh.get(1));
      job.awaitDeliveries(1);
      assertThat(job.rows()).hasSize(1);
      assertThat(job.rows().get(0).promo().content()).isEqualTo(content);
      assertThat(job.rejected()).hasSize(2);
    }
  }

  @Test
  void cutsOverWithoutLossOrDuplicates() throws Exception {
    try (TestJob job = new TestJob(directory)) {
      job.change("--promos.group-id=" + job.prefix);
      variables.put("GROUP", job.prefix);
      job.subscribe("a", "r");
      List<String> offsets = new ArrayList<>();
      for (int partition = 0; partition < 3; partition++) {
        // The old service has read one promo of the first partition, two of the second and three of
        // the last.
        for (int i = 0; i < 4; i++) {
          job.send(
              new ProducerRecord<>(
                  job.promosTopic, partition, null, promo(partition + "-" + i, "text")));
        }
        offsets.add("%s,%d,%d".formatted(job.promosTopic, partition, partition + 1));
      }
      Files.write(directory.resolve("offsets.csv"), offsets);

      List<String> sh =
          Runbook.blocks("sh", "First installation, beside the service that it replaces");
      sh(sh.get(0));
      job.start(2);
      job.awaitDeliveries(6);
      job.awaitCheckpoints();
      assertThat(campaigns(job.rows()))
          .containsExactlyInAnyOrder("0-1", "0-2", "0-3", "1-2", "1-3", "2-3");
      assertThat(job.notifications()).containsExactlyInAnyOrderElementsOf(job.rows());
      job.stopWithSavepoint();
      assertThat(sh(sh.get(1))).containsPattern(job.promosTopic + " +0 +4 +4 +0 ");
    }
  }

  @Test
  void movesFeedbackDatabase() throws Exception {
    try (TestJob job = new TestJob(directory);
        EmbeddedDatabase server = EmbeddedDatabase.start(Map.of())) {
      job.subscribe("a", "r");
      job.start(2);
      job.send(promo("before", "text"));
      job.awaitDeliveries(1);
      String savepoint = job.stopWithSavepoint();

      server.createDatabase("moved");
      String marks = Runbook.blocks("sql", "Moving the feedback database").get(0);
      try (Connection from = job.feedback.connect();
          Connection to = server.connect("moved");
          Statement statement = to.createStatement();
          InputStream feedback = getClass().getResourceAsStream("/feedback.sql")) {
        statement.execute(new String(feedback.readAllBytes(), UTF_8));
        for (String table :
            List.of(
                "subscribers_feedback", "promo_stream_commits", "subscribers_feedback_refused")) {
          ByteArrayOutputStream rows = new ByteArrayOutputStream();
          new CopyManager(from.unwrap(BaseConnection.class))
              .copyOut("COPY %s TO STDOUT".formatted(table), rows);
          new CopyManager(to.unwrap(BaseConnection.class))
              .copyIn(
                  "COPY %s FROM STDIN".formatted(table),
                  new ByteArrayInputStream(rows.toByteArray()));
        }
        statement.execute(
            "SELECT setval(pg_get_serial_sequence('subscribers_feedback', 'id'), 1000)");
        try (ResultSet mark = statement.executeQuery(marks.replace("promo-stream", job.prefix))) {
          assertThat(mark.next()).isTrue();
        }
      }

      job.change("--feedback.db.url=" + server.url("moved"));
      job.start(2, savepoint, new Configuration());
      job.send(promo("after", "text"));
      job.awaitDeliveries(2);
      job.awaitCheckpoints();
      assertThat(campaigns(job.rows())).containsExactlyInAnyOrder("before", "after");
      assertThat(job.notifications()).containsExactlyInAnyOrderElementsOf(job.rows());
      assertThat(job.restarts()).isZero();
      job.cancel();
    }
  }
}
