package io.promostream.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.promostream.local.EmbeddedBroker;
import io.promostream.testing.TestBroker;
import io.promostream.testing.TestDatabase;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A good environment gives no problem; each flaw gives exactly one, wherever the others stand. */
class EnvironmentCheckTest {

  private static final String PASSWORD = "hunter2-swordfish";
  private static final AtomicInteger COUNT = new AtomicInteger();

  private static String topics;

  private final String id = "check" + COUNT.incrementAndGet();
  private final Map<String, String> environment = new TreeMap<>();
  private TestDatabase lists;
  private TestDatabase rows;

  /** What a run printed, and its exit code. */
  private record Report(int exitCode, List<String> lines) {
    List<String> of(String level) {
      return lines.stream().filter(line -> line.startsWith(level + " ")).toList();
    }
  }

  @BeforeAll
  static void createTopics() throws Exception {
    topics = "environment-check-";
    for (String name : List.of("promos", "notifications", "rejected")) {
      TestBroker.get().createTopic(topics + name, 3);
    }
    TestBroker.get().createTopic(topics + "small", 1, Map.of("max.message.bytes", "1000"));
    TestBroker.get().createTopic(topics + "compacted", 1, Map.of("cleanup.policy", "compact"));
  }

  /** Two databases, each with a role that has what the job needs and nothing else. */
  @BeforeEach
  void createDatabases() {
    lists = TestDatabase.create().withSubscribersTable();
    rows = TestDatabase.create().withFeedbackTable();
    String role = "CREATE ROLE %s LOGIN PASSWORD '%s';";
    lists.execute(
        (role + "GRANT SELECT ON subscribers_restaurants TO %s")
            .formatted(id + "_r", PASSWORD, id + "_r"));
    rows.execute(
        (role + "GRANT INSERT ON subscribers_feedback TO %s")
            .formatted(id + "_w", PASSWORD, id + "_w"));
    set("kafka.bootstrap-servers", TestBroker.get().bootstrapServers());
    set("promos.topic", topics + "promos");
    set("notifications.topic", topics + "notifications");
    set("rejected.topic", topics + "rejected");
    set("subscribers.db.url", lists.url());
    set("subscribers.db.user", id + "_r");
    set("subscribers.db.password", PASSWORD);
    set("feedback.db.url", rows.url());
    set("feedback.db.user", id + "_w");
    set("feedback.db.password", PASSWORD);
  }

  private void set(String key, String value) {
    environment.put(ConfigKey.variable(key), value);
  }

  private JobConfig load(String... args) {
    return JobConfig.load(args, environment);
  }

  private static int freePort() throws IOException {
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return free.getLocalPort();
    }
  }

  private Report check(String... args) {
    return check(Duration.ofSeconds(60), args);
  }

  private Report check(Duration patience, String... args) {
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    int exitCode =
        EnvironmentCheck.run(
            load(args), patience, new PrintStream(printed, true, StandardCharsets.UTF_8));
    String text = printed.toString(StandardCharsets.UTF_8);
    assertThat(text).doesNotContain(PASSWORD);
    return new Report(exitCode, text.lines().map(line -> line.replaceAll(" +", " ")).toList());
  }

  private static void assertOneProblem(Report report, String... hints) {
    assertThat(report.exitCode()).isEqualTo(1);
    assertThat(report.of("problem")).hasSize(1);
    assertThat(report.of("problem").get(0)).contains(hints);
  }

  private static void assertOneWarning(Report report, String... hints) {
    assertThat(report.exitCode()).isZero();
    assertThat(report.of("problem")).isEmpty();
    assertThat(report.of("warning")).hasSize(1);
    assertThat(report.of("warning").get(0)).contains(hints);
  }

  /** The role's sequence privileges are those of a table with identity: to take, not to see. */
  private void letSeeSequence() {
    rows.execute("GRANT SELECT ON SEQUENCE subscribers_feedback_id_seq TO " + id + "_w");
  }

  private void replaceFeedbackTable(String ddl) {
    rows.execute("DROP TABLE subscribers_feedback;" + ddl);
    rows.execute("GRANT INSERT ON subscribers_feedback TO " + id + "_w");
  }

  private static final String EXISTING =
      "CREATE TABLE subscribers_feedback (" + TestDatabase.EXISTING_FEEDBACK_COLUMNS + ")";

  @Test
  void findsNothingWrongWithAGoodEnvironment() {
    letSeeSequence();
    Report report = check();
    assertThat(report.of("problem")).isEmpty();
    assertThat(report.of("warning")).isEmpty();
    assertThat(report.exitCode()).isZero();
    assertThat(String.join("\n", report.lines()))
        .contains(
            "kafka 1 broker(s)",
            "topic environment-check-promos 3 partition(s), 1 replica(s)",
            "group promo-stream",
            "groups promo-stream/ may be read",
            "transactions promo-stream may be described",
            "transaction.max.timeout.ms the brokers allow 15 min, the job asks for 1 min",
            "offsets.retention.minutes the brokers keep marks for 7 d",
            "subscribers.db PostgreSQL 17",
            "table public.subscribers_restaurants is there, with all columns and the right to SELECT",
            "feedback.db PostgreSQL 17",
            "table public.subscribers_feedback is there, with all columns and the right to INSERT",
            "id has used 0 %");
    assertThat(rows.query("SELECT count(*) FROM subscribers_feedback")).containsExactly("0");
  }

  @Test
  void worksWithTheExistingTable() {
    replaceFeedbackTable(EXISTING);
    rows.execute("GRANT USAGE ON SEQUENCE subscribers_feedback_id_seq TO " + id + "_w");
    assertOneWarning(check(), "trigger_datetime_created is integer, which ends on 2038-01-19");
  }

  @Test
  void missesTheRightToTheSequence() {
    replaceFeedbackTable(EXISTING);
    assertOneProblem(check(), "GRANT USAGE ON SEQUENCE subscribers_feedback_id_seq");
  }

  @Test
  void seesTheIdRunningOut() {
    replaceFeedbackTable(EXISTING.replace("int4 NOT NULL, feedback", "int8 NOT NULL, feedback"));
    rows.execute("GRANT USAGE ON SEQUENCE subscribers_feedback_id_seq TO " + id + "_w");
    rows.execute("SELECT setval('subscribers_feedback_id_seq', 1073741000)");
    assertThat(check().of("warning")).isEmpty();
    rows.execute("SELECT setval('subscribers_feedback_id_seq', 1073741824)");
    assertOneWarning(check(), "id has used 50 % of 2147483647", "TYPE bigint", "AS bigint");
    rows.execute("SELECT setval('subscribers_feedback_id_seq', 2040109466)");
    assertOneProblem(check(), "id has used 95 % of 2147483647");
    // Half of the remedy does not help.
    rows.execute("ALTER TABLE subscribers_feedback ALTER COLUMN id TYPE bigint");
    assertOneProblem(check(), "id has used 95 % of 2147483647");
    rows.execute("ALTER SEQUENCE subscribers_feedback_id_seq AS bigint");
    assertThat(check().exitCode()).isZero();
  }

  @Test
  void warnsWhereTheSequenceCantBeSeen() {
    assertOneWarning(check(), "how far id is used up can't be seen");
  }

  @Test
  void missesTables() {
    letSeeSequence();
    assertOneProblem(
        check("--subscribers.table=public.nothing"),
        "table public.nothing",
        "does not exist in this database");
    assertOneProblem(check("--feedback.table=\"no\"\"body's\""), "no\"body's");
    rows.execute("CREATE SCHEMA closed; ALTER TABLE subscribers_feedback SET SCHEMA closed;");
    assertOneProblem(check("--feedback.table=closed.subscribers_feedback"), "schema closed");
  }

  @Test
  void missesColumns() {
    letSeeSequence();
    rows.execute(
        "ALTER TABLE subscribers_feedback DROP COLUMN client_id, DROP COLUMN datetime_created");
    Report report = check();
    assertOneProblem(report, "lacks ", "client_id", "datetime_created");
    lists.execute("ALTER TABLE subscribers_restaurants DROP COLUMN client_id");
    assertThat(check().of("problem")).hasSize(2);
  }

  @Test
  void missesPrivileges() {
    letSeeSequence();
    lists.execute("REVOKE SELECT ON subscribers_restaurants FROM " + id + "_r");
    assertOneProblem(check(), "no right to SELECT client_id, restaurant_id", "GRANT SELECT ON");
    lists.execute(
        "GRANT SELECT (client_id, restaurant_id) ON subscribers_restaurants TO " + id + "_r");
    assertThat(check().exitCode()).isZero();
    rows.execute(
        "REVOKE INSERT ON subscribers_feedback FROM %1$s_w; GRANT INSERT (client_id) ON subscribers_feedback TO %1$s_w"
            .formatted(id));
    assertOneProblem(check(), "no right to INSERT restaurant_id, ");
  }

  @Test
  void seesColumnsThatDontTakeTheValues() {
    letSeeSequence();
    for (String change :
        List.of(
            "client_id TYPE varchar(100)",
            "adv_campaign_content TYPE varchar(1000)",
            "datetime_created TYPE int4",
            "trigger_datetime_created TYPE int2",
            "restaurant_id TYPE uuid USING NULL",
            "feedback SET NOT NULL")) {
      TestDatabase before = rows;
      rows.execute("ALTER TABLE subscribers_feedback ALTER COLUMN " + change);
      assertOneProblem(check(), change.split(" ", 2)[0] + " is ");
      before.execute("DROP TABLE subscribers_feedback");
      before.withFeedbackTable();
      before.execute("GRANT INSERT ON subscribers_feedback TO " + id + "_w");
      letSeeSequence();
    }
    rows.execute(
        "ALTER TABLE subscribers_feedback ADD COLUMN note text, ADD seen bool NOT NULL DEFAULT false");
    assertThat(check().exitCode()).isZero();
    rows.execute("ALTER TABLE subscribers_feedback SET UNLOGGED");
    assertOneProblem(check(), "UNLOGGED");
  }

  @Test
  void seesRowSecurity() {
    letSeeSequence();
    lists.execute("ALTER TABLE subscribers_restaurants ENABLE ROW LEVEL SECURITY");
    assertOneWarning(check(), "has row security");
  }

  @Test
  void seesAReadOnlyDatabase() {
    letSeeSequence();
    rows.execute(
        "ALTER DATABASE \"%s\" SET default_transaction_read_only = on".formatted(rows.name()));
    assertOneProblem(check(), "default_transaction_read_only is on");
  }

  @Test
  void seesServersThatAreTooOld() {
    letSeeSequence();
    pretend(lists, 140_000);
    pretend(rows, 130_000);
    assertThat(check().exitCode()).isZero();
    pretend(lists, 130_023);
    assertOneProblem(check(), "subscribers.db is older than PostgreSQL 14");
    pretend(lists, 140_000);
    pretend(rows, 120_022);
    assertOneProblem(check(), "feedback.db is older than PostgreSQL 13");
  }

  /** Lets the database say that its server is of this version. */
  private static void pretend(TestDatabase database, int version) {
    database.execute(
        """
        CREATE OR REPLACE FUNCTION public.current_setting(name text) RETURNS text LANGUAGE sql AS
        $$ SELECT CASE name WHEN 'server_version_num' THEN '%d'
                  ELSE pg_catalog.current_setting(name) END $$;
        ALTER DATABASE "%s" SET search_path = public, pg_catalog"""
            .formatted(version, database.name()));
  }

  /** As many as one subtask needs must be free of others', wherever these are. */
  @Test
  void takesIdsOfAnyTypeThatPrintsThem() {
    letSeeSequence();
    for (String type : List.of("bigint", "uuid USING NULL", "char(36) USING NULL", "name")) {
      lists.execute(
          """
          TRUNCATE subscribers_restaurants;
          ALTER TABLE subscribers_restaurants ALTER COLUMN client_id DROP NOT NULL,
            ALTER COLUMN client_id TYPE text;
          ALTER TABLE subscribers_restaurants ALTER COLUMN client_id TYPE\s"""
              + (type.contains("USING") ? type : type + " USING client_id::" + type));
      Report report = check();
      assertThat(report.of("problem")).as(type).isEmpty();
      assertThat(report.of("warning")).as(type).isEmpty();
    }
    lists.execute(
        "ALTER TABLE subscribers_restaurants ALTER COLUMN client_id TYPE bytea USING NULL");
    assertOneWarning(check(), "client_id is bytea");
  }

  @Test
  void seesAnOddEncoding() {
    rows.execute(
        "CREATE DATABASE %s_latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0".formatted(id));
    TestDatabase latin = new TestDatabase(id + "_latin").withFeedbackTable();
    latin.execute("GRANT INSERT ON subscribers_feedback TO " + id + "_w");
    latin.execute("GRANT SELECT ON SEQUENCE subscribers_feedback_id_seq TO " + id + "_w");
    set("feedback.db.url", latin.url());
    assertOneProblem(check(), "its encoding is LATIN1");
  }

  @Test
  void seesWhatIsWrongWithTopics() {
    letSeeSequence();
    assertOneProblem(check("--promos.topic=nowhere"), "topic nowhere", "does not exist");
    // The producer's limit has nothing to do with it, so it is not advised.
    assertOneWarning(
        check("--rejected.topic=" + topics + "small"),
        "takes messages of 1000 bytes, the job could send 1048576: larger rejected promos are written without their values: raise the topic's max.message.bytes to 1048576");
    assertOneWarning(
        check("--notifications.topic=" + topics + "small"),
        "takes messages of 1000 bytes, the job could send 1048576: promos with larger notifications are rejected: raise the topic's max.message.bytes to 1048576");
    assertOneWarning(check("--notifications.topic=" + topics + "compacted"), "is compacted");
    assertOneWarning(
        check("--rejected.topic=" + topics + "compacted"), "gives a key to each promo without one");
  }

  @Test
  void warnsOfMarksThatAreKeptForLessThanADay() throws Exception {
    letSeeSequence();
    try (EmbeddedBroker hour = EmbeddedBroker.start(Map.of("offsets.retention.minutes", "60"))) {
      for (String name : List.of("promos", "notifications", "rejected")) {
        hour.createTopic(topics + name, 1);
      }
      set("kafka.bootstrap-servers", hour.bootstrapServers());
      assertOneWarning(
          check(), "offsets.retention.minutes the brokers keep marks for 1 h", "raise it to 1440");
      assertThat(check("--delivery.guarantee=at-least-once").of("warning")).isEmpty();
    }
  }

  @Test
  void comparesTransactionTimeouts() {
    letSeeSequence();
    String hour = "--kafka.properties.transaction.timeout.ms=3600000";
    assertOneProblem(check(hour), "the brokers allow 15 min, the job asks for 1 h", "900000");
    // Without transactions it does not matter.
    assertThat(check(hour, "--delivery.guarantee=at-least-once").exitCode()).isZero();
  }

  @Test
  void aStartIsRefusedThatTheBrokersWouldRefuse() throws IOException {
    JobConfig hour = load("--kafka.properties.transaction.timeout.ms=3600000");
    assertThatThrownBy(() -> EnvironmentCheck.beforeStart(hour))
        .isInstanceOf(ConfigException.class)
        .hasMessage(
            "transaction.max.timeout.ms: the brokers allow 15 min, the job asks for 1 h: raise it,"
                + " or set kafka.properties.transaction.timeout.ms to 900000");
    EnvironmentCheck.beforeStart(load());
    EnvironmentCheck.beforeStart(
        load(
            "--kafka.properties.transaction.timeout.ms=3600000",
            "--delivery.guarantee=at-least-once"));
    // Whoever submits the job may be unable to reach them.
    EnvironmentCheck.beforeStart(load("--kafka.bootstrap-servers=127.0.0.1:" + freePort()));
  }

  @Test
  void warnsOfPropertiesThatNobodyKnows() {
    letSeeSequence();
    assertOneWarning(
        check("--kafka.properties.secuirty.protocol=SSL"), "kafka.properties.secuirty.protocol");
  }

  @Test
  void goesOnWhenThingsAreDown() throws IOException {
    letSeeSequence();
    int port = freePort();
    set("kafka.bootstrap-servers", "127.0.0.1:" + port);
    Report report = check();
    assertOneProblem(report, "kafka ", "no answer from 127.0.0.1:" + port);
    assertThat(report.of("ok")).anyMatch(line -> line.contains("the right to INSERT"));
    set("kafka.bootstrap-servers", TestBroker.get().bootstrapServers());
    set("subscribers.db.url", "jdbc:postgresql://127.0.0.1:" + port + "/nothing");
    report = check();
    assertOneProblem(report, "subscribers.db", "no connection to jdbc:postgresql://127.0.0.1");
    assertThat(report.of("ok")).anyMatch(line -> line.contains("the right to INSERT"));
  }

  @Test
  void doesNotHangOnServersThatSayNothing() throws IOException {
    letSeeSequence();
    try (ServerSocket mute = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      set("feedback.db.url", "jdbc:postgresql://127.0.0.1:" + mute.getLocalPort() + "/rows");
      assertOneProblem(check(Duration.ofSeconds(5)), "feedback ", "no answer in time");
    }
  }

  @Test
  void readsPasswordFiles(@TempDir Path directory) throws IOException {
    letSeeSequence();
    environment.remove(ConfigKey.variable("feedback.db.password"));
    String file = Files.writeString(directory.resolve("password"), PASSWORD).toString();
    assertThat(check("--feedback.db.password-file", file).exitCode()).isZero();
    assertOneProblem(check("--feedback.db.password-file=/no/file"), "password file /no/file");
  }

  /** What a reference brings is seen by the client only, which quotes a part of it. */
  @Test
  void aWrongKafkaLoginIsNotShown(@TempDir Path directory) throws IOException {
    letSeeSequence();
    Path file = directory.resolve("kafka.properties");
    Files.writeString(
        file,
        "jaas=org.apache.kafka.common.security.plain.PlainLoginModule required password=a "
            + PASSWORD
            + ";");
    set("kafka.properties.security.protocol", "SASL_PLAINTEXT");
    set("kafka.properties.sasl.mechanism", "PLAIN");
    set("kafka.properties.sasl.jaas.config", "${file:" + file + ":jaas}");
    set("kafka.properties.config.providers", "file");
    set(
        "kafka.properties.config.providers.file.class",
        "org.apache.kafka.common.config.provider.FileConfigProvider");
    String said = "kafka.properties.sasl.jaas.config";
    assertOneProblem(check(), said, "no client", "Value not specified for key '***'");
    for (String guarantee : List.of("exactly-once", "at-least-once")) {
      assertThatThrownBy(
              () -> EnvironmentCheck.beforeStart(load("--delivery.guarantee=" + guarantee)))
          .isInstanceOf(ConfigException.class)
          .hasMessageStartingWith(said + ": no client")
          .hasMessageNotContaining(PASSWORD)
          .hasNoCause();
    }
    // Whoever submits the job may have no such file.
    Files.delete(file);
    EnvironmentCheck.beforeStart(load());
  }
}
