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
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.configuration.Configuration;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.copy.CopyManager;
import org.postgresql.core.BaseConnection;

/** Procedures of the operator's page, by the very statements and commands that stand there. */
class RunbookIT {

  /** What Kafka's scripts run. */
  private static final Map<String, String> SCRIPTS =
      Map.of(
          "kafka-transactions.sh", "org.apache.kafka.tools.TransactionsCommand",
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

  /** Runs a block of the page in bash; what it printed. */
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
  void orphanedTransactions() throws Exception {
    TestDatabase database = TestDatabase.create();
    String of = "promo-stream/%d/7/0123456789abcdef/1";
    List<String> others =
        List.of("promo-stream-2/0/7/0123456789abcdef/1", "promo-stream", "another's");
    List<String> all = new ArrayList<>(others);
    all.add(of.formatted(0));
    all.add(of.formatted(11));
    for (String gid : all) {
      database.execute(
          "BEGIN; SELECT pg_current_xact_id(); PREPARE TRANSACTION '%s'"
              .formatted(gid.replace("'", "''")));
    }
    List<String> sql = Runbook.blocks("sql", "Orphaned transactions");
    assertThat(database.query(sql.get(0) + " AND datname = current_database()")).isEmpty();
    database.query(sql.get(1)).forEach(database::execute);
    assertThat(
            database.query("SELECT gid FROM pg_prepared_xacts WHERE database = current_database()"))
        .containsExactlyInAnyOrderElementsOf(others);
    others.forEach(
        gid -> database.execute("ROLLBACK PREPARED '%s'".formatted(gid.replace("'", "''"))));

    String topic = "orphaned";
    TestBroker.get().createTopic(topic, 1);
    String id = "orphaned/notifications-0-0";
    variables.put("PREFIX", "orphaned");
    variables.put("ID", id);
    try (KafkaProducer<byte[], byte[]> producer = TestBroker.transaction(id)) {
      producer.send(new ProducerRecord<>(topic, new byte[1])).get();
      List<String> sh = Runbook.blocks("sh", "Orphaned transactions");
      assertThat(sh(sh.get(0))).contains(id, "Ongoing");
      sh(sh.get(1));
      assertThatThrownBy(producer::commitTransaction).isInstanceOf(KafkaException.class);
    }
  }

  @Test
  void rejectedPromosAreReplayed() throws Exception {
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
  void theCutOverLosesAndDoublesNothing() throws Exception {
    try (TestJob job = new TestJob(directory)) {
      job.change("--promos.group-id=" + job.prefix);
      variables.put("GROUP", job.prefix);
      job.subscribe("a", "r");
      List<String> offsets = new ArrayList<>();
      for (int partition = 0; partition < 3; partition++) {
        // The old service has read one of the first partition, two of the second, three of the
        // last.
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
  void theFeedbackDatabaseMoves() throws Exception {
    try (TestJob job = new TestJob(directory);
        EmbeddedDatabase server = EmbeddedDatabase.start(Map.of())) {
      // The old server has counted further than the new one, which so can't know its transactions.
      job.feedback.execute(
          "DO $$BEGIN FOR i IN 1..2000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END$$");
      job.subscribe("a", "r");
      job.start(2);
      job.send(promo("before", "text"));
      job.awaitDeliveries(1);
      String savepoint = job.stopWithSavepoint();
      String sql = Runbook.blocks("sql", "Moving the feedback database").get(0);
      assertThat(job.feedback.query(sql.replace("promo-stream", job.prefix))).containsExactly("0");

      server.createDatabase("moved");
      try (Connection from = job.feedback.connect();
          Connection to = server.connect("moved");
          Statement ddl = to.createStatement();
          InputStream feedback = getClass().getResourceAsStream("/feedback.sql")) {
        ddl.execute(new String(feedback.readAllBytes(), UTF_8));
        ByteArrayOutputStream rows = new ByteArrayOutputStream();
        new CopyManager(from.unwrap(BaseConnection.class))
            .copyOut("COPY subscribers_feedback TO STDOUT", rows);
        new CopyManager(to.unwrap(BaseConnection.class))
            .copyIn(
                "COPY subscribers_feedback FROM STDIN",
                new ByteArrayInputStream(rows.toByteArray()));
        ddl.execute("SELECT setval(pg_get_serial_sequence('subscribers_feedback', 'id'), 1000)");
      }

      job.change(
          "--feedback.db.url=" + server.url("moved"), "--feedback.on-lost-transaction=continue");
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
