package io.promostream.drills;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.cluster.FlinkConf;
import io.promostream.cluster.Runbook;
import io.promostream.config.TableName;
import io.promostream.local.Delivery;
import io.promostream.local.EmbeddedBroker;
import io.promostream.local.EmbeddedDatabase;
import io.promostream.local.FeedbackRows;
import io.promostream.local.Notifications;
import io.promostream.processes.FlinkCluster;
import io.promostream.processes.FlinkLibraries;
import io.promostream.processes.Program;
import io.promostream.testing.TestBroker;
import io.promostream.testing.TestDatabase;
import io.promostream.testing.Waiting;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.jar.JarFile;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.ConfigConstants;
import org.apache.flink.configuration.DeploymentOptions;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.postgresql.Driver;

/**
 * The jar of a release: its contents, and that it runs on a cluster of separate processes with
 * nothing but Flink's own libraries.
 */
class JarIT {

  private static final Path DIRECTORY = Path.of("target/jar-it");

  private static final Map<String, String> ROLES =
      Map.of(
          "PROMO_STREAM_SUBSCRIBERS_DB_USER", EmbeddedDatabase.SUPERUSER,
          "PROMO_STREAM_SUBSCRIBERS_DB_PASSWORD", EmbeddedDatabase.SUPERUSER,
          "PROMO_STREAM_FEEDBACK_DB_USER", EmbeddedDatabase.SUPERUSER,
          "PROMO_STREAM_FEEDBACK_DB_PASSWORD", EmbeddedDatabase.SUPERUSER);

  private static final String PROMOS = "jar-promos";
  private static final String NOTIFICATIONS = "jar-notifications";
  private static final String REJECTED = "jar-rejected";

  private static EmbeddedBroker broker;
  private static TestDatabase subscribers;
  private static TestDatabase feedback;
  private static FlinkCluster cluster;
  private static Path config;
  private static Map<String, String> inTheJobManagersPod;

  @BeforeAll
  static void start() throws Exception {
    broker = TestBroker.get();
    for (String topic : List.of(PROMOS, NOTIFICATIONS, REJECTED)) {
      broker.createTopic(topic, 2);
    }
    subscribers = TestDatabase.create().withSubscribersTable();
    subscribers.execute(resource("/samples/subscribers_restaurants.sql"));
    feedback = TestDatabase.create().withFeedbackTable();
    cluster = FlinkCluster.start(DIRECTORY, 2, Map.of("execution.checkpointing.interval", "1 s"));
    config = Files.writeString(DIRECTORY.resolve("promo-stream.yaml"), environment());
    inTheJobManagersPod = new HashMap<>(ROLES);
    inTheJobManagersPod.put(ConfigConstants.ENV_FLINK_CONF_DIR, applicationConf().toString());
    inTheJobManagersPod.put("FLINK_ENV_JAVA_OPTS_CLI", FlinkConf.clientOptionsOfTheImage());
  }

  /** Flink's configuration as the Kubernetes operator leaves it in the pods of an application. */
  private static Path applicationConf() throws IOException {
    Path conf = Files.createDirectories(DIRECTORY.resolve("application-conf"));
    Files.writeString(
        conf.resolve("config.yaml"), DeploymentOptions.TARGET.key() + ": kubernetes-application\n");
    return conf.toAbsolutePath();
  }

  @AfterAll
  static void stop() throws Exception {
    if (cluster != null) {
      cluster.close();
    }
  }

  private static String resource(String name) throws IOException {
    try (InputStream resource = JarIT.class.getResourceAsStream(name)) {
      return new String(resource.readAllBytes(), UTF_8);
    }
  }

  private static String environment() {
    return """
    kafka.bootstrap-servers: %s
    promos.topic: %s
    notifications.topic: %s
    rejected.topic: %s
    subscribers.db.url: %s
    feedback.db.url: %s
    transaction-prefix: jar
    """
        .formatted(
            broker.bootstrapServers(),
            PROMOS,
            NOTIFICATIONS,
            REJECTED,
            subscribers.url(),
            feedback.url());
  }

  private static Program run(String... arguments) throws Exception {
    return cluster.flink(
        Map.of(),
        Stream.concat(Stream.of("run", FlinkCluster.JAR.toString()), Stream.of(arguments))
            .toList());
  }

  /** Runs the command of the runbook with an option, as if in the JobManager's pod. */
  private static Program runAsDocumented(String option, String... more) throws Exception {
    Matcher documented =
        Pattern.compile("flink (run [^`\n]*" + option + "\\b[^`\n]*)").matcher(Runbook.text());
    assertThat(documented.find()).as(option).isTrue();
    Stream<String> words =
        Stream.of(documented.group(1).split(" "))
            .map(word -> word.endsWith("promo-stream.jar") ? FlinkCluster.JAR.toString() : word)
            .map(word -> word.endsWith("promo-stream.yaml") ? config.toString() : word);
    return cluster.flink(inTheJobManagersPod, Stream.concat(words, Stream.of(more)).toList());
  }

  @Test
  void jarContainsConnectorsButNeitherFlinkNorLogging() throws IOException {
    try (JarFile jar = new JarFile(FlinkCluster.JAR.toFile())) {
      assertThat(jar.getManifest().getMainAttributes().getValue("Main-Class"))
          .isEqualTo("io.promostream.PromoStreamJob");
      List<String> entries = jar.stream().map(Object::toString).toList();
      assertThat(entries)
          .contains(
              "org/apache/flink/connector/kafka/sink/KafkaSink.class",
              "org/apache/flink/connector/jdbc/core/datastream/sink/JdbcSink.class",
              "org/apache/kafka/clients/consumer/KafkaConsumer.class",
              "org/postgresql/Driver.class");
      assertThat(entries)
          .filteredOn(entry -> entry.endsWith(".class"))
          .noneMatch(
              entry ->
                  entry.startsWith("org/apache/flink/core/")
                      || entry.startsWith("org/apache/flink/api/")
                      || entry.startsWith("org/apache/flink/runtime/")
                      || entry.startsWith("org/apache/flink/streaming/api/")
                      || entry.startsWith("org/apache/flink/streaming/runtime/")
                      || entry.startsWith("org/apache/logging/")
                      || entry.startsWith("org/slf4j/"));
      assertThat(entries).noneMatch(entry -> entry.matches("META-INF/.*\\.(SF|DSA|RSA)"));
      assertThat(entries).doesNotHaveDuplicates();
      // Several jars contain this service file; the merged one must have the lines of all.
      assertThat(
              lines(
                  jar, "META-INF/services/org.apache.kafka.common.config.provider.ConfigProvider"))
          .hasSizeGreaterThan(1);
      assertThat(lines(jar, "META-INF/services/java.sql.Driver"))
          .containsExactly("org.postgresql.Driver");
    }
  }

  @Test
  void jarContainsProjectLicense() throws Exception {
    try (JarFile jar = new JarFile(FlinkCluster.JAR.toFile())) {
      assertThat(lines(jar, "META-INF/LICENSE"))
          .isEqualTo(Files.readAllLines(Path.of("src/main/resources/META-INF/LICENSE")));
    }
  }

  /** The BSD license of the driver requires that every redistribution contains its text. */
  @Test
  void jarContainsDriverLicense() throws Exception {
    Path driver = Path.of(Driver.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    try (JarFile jar = new JarFile(FlinkCluster.JAR.toFile());
        JarFile original = new JarFile(driver.toFile())) {
      assertThat(lines(jar, "META-INF/licenses/org.postgresql/LICENSE"))
          .isEqualTo(lines(original, "META-INF/LICENSE"));
    }
  }

  private static List<String> lines(JarFile jar, String entry) throws IOException {
    try (InputStream stream = jar.getInputStream(jar.getJarEntry(entry))) {
      return new String(stream.readAllBytes(), UTF_8).lines().toList();
    }
  }

  @Test
  void clusterLibrariesContainNoConnectors() {
    assertThat(FlinkLibraries.jars())
        .isNotEmpty()
        .extracting(jar -> jar.getFileName().toString())
        .noneMatch(jar -> jar.matches("(flink-connector-(?!datagen)|kafka|postgresql|jackson).*"));
    assertThat(FlinkLibraries.jars()).allMatch(jar -> jar.toString().endsWith(".jar"));
  }

  @Test
  void deliversSamplePromos() throws Exception {
    JobID job =
        cluster.submit(
            ROLES,
            List.of(),
            List.of("--config", config.toString(), "--subscribers.refresh-interval=1 s"));
    Waiting.until("the job to run", () -> cluster.status(job).equals("RUNNING"));
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", broker.bootstrapServers()),
            new ByteArraySerializer(),
            new ByteArraySerializer())) {
      for (String promo : resource("/samples/promos.jsonl").lines().toList()) {
        producer.send(new ProducerRecord<>(PROMOS, promo.getBytes(UTF_8))).get();
      }
    }
    List<Delivery> notified = new ArrayList<>();
    try (Notifications notifications = new Notifications(broker.bootstrapServers(), NOTIFICATIONS);
        FeedbackRows rows =
            new FeedbackRows(
                feedback.asSuperuser(), TableName.parse("public.subscribers_feedback"))) {
      Waiting.until("16 rows", () -> rows.count() >= 16);
      Waiting.until(
          "16 notifications",
          () -> {
            notified.addAll(notifications.read());
            return notified.size() >= 16;
          });
      assertThat(rows.read()).hasSize(16).containsExactlyInAnyOrderElementsOf(notified);
    }
    assertThat(cluster.status(job)).isEqualTo("RUNNING");
  }

  @Test
  void printsHelp() throws Exception {
    Program help = run("--help");
    assertThat(help.output()).contains("kafka.bootstrap-servers", "transaction-prefix");
    assertThat(help.errors()).isEmpty();
    assertThat(help.await()).isZero();
  }

  @Test
  void printsOneLinePerMistake() throws Exception {
    Program wrong =
        run(
            "--kafka.bootstrap-servers=nowhere",
            "--subscribers.db.url=jdbc:mysql://host/db",
            "--subscribers.db.user=reader",
            "--feedback.db.user=somebody",
            "--subscribers.refresh-interval=often",
            "--promos.topik=x");
    assertThat(wrong.errors().lines()).hasSize(5).noneMatch(line -> line.contains("\tat "));
    assertThat(wrong.await()).isEqualTo(1);
  }

  @Test
  void checksEnvironment() throws Exception {
    Program good = runAsDocumented("--check");
    assertThat(good.await()).as(good.output() + good.errors()).isZero();
    assertThat(good.output()).contains("promo_stream_commits", "problems: 0");
    assertThat(good.errors()).isEmpty();

    Program bad = runAsDocumented("--check", "--rejected.topic=not-there");
    assertThat(bad.await()).as(bad.output() + bad.errors()).isEqualTo(1);
    assertThat(bad.output()).contains("not-there", "problems: 1");
  }

  /** Scripts read the standard output, so nothing else may be there. */
  @Test
  void previewsPromos() throws Exception {
    Path promos = DIRECTORY.resolve("promos.jsonl");
    Files.writeString(promos, resource("/samples/promos.jsonl"));
    List<String> command =
        List.of(
            "run",
            "-t",
            "local",
            "-p",
            "4",
            FlinkCluster.JAR.toString(),
            "--config",
            config.toString(),
            "--delivery.max-per-second=8",
            "--preview",
            promos.toString(),
            "--json");
    Program preview = cluster.flink(ROLES, command);
    assertThat(preview.await()).as(preview.output() + preview.errors()).isZero();
    assertThat(preview.errors()).isEmpty();
    assertThat(preview.output().lines())
        .hasSize(3)
        .allMatch(
            line -> line.startsWith("{\"line\":") && line.contains("\"pace_per_second\":2.0"));
    assertThat(preview.output())
        .contains("\"audience\":8", "\"audience\":1", "\"state\":\"late\"", "Скидка 20%");
  }
}
