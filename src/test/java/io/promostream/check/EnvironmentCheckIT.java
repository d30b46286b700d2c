package io.promostream.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.promostream.config.ConfigException;
import io.promostream.config.JobConfig;
import io.promostream.config.Variables;
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
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A good environment has no problem. Each flaw is reported as exactly one problem. */
class EnvironmentCheckIT {

  private static final String PASSWORD = "hunter2-swordfish";
  private static final AtomicInteger COUNT = new AtomicInteger();

  private static String topics;

  private final String id = "check" + COUNT.incrementAndGet();
  private final Map<String, String> environment = new TreeMap<>();
  private TestDatabase lists;
  private TestDatabase rows;

  /** The output of a run, and its exit code. */
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

  /** Creates two databases, each with a role that has exactly the privileges that the job needs. */
  @BeforeEach
  void createDatabases() {
    lists = TestDatabase.create().withSubscribersTable();
    rows = TestDatabase.create().withFeedbackTable();
    String role = "CREATE ROLE %s LOGIN PASSWORD '%s';";
    lists.execute(
        (role + "GRANT SELECT ON subscribers_restaurants TO %s")
            .formatted(id + "_r", PASSWORD, id + "_r"));
    rows.execute(
        (role
                + "GRANT INSERT ON subscribers_feedback, subscribers_feedback_refused TO %s;"
                + "GRANT SELECT, INSERT, UPDATE ON promo_stream_commits TO %s")
            .formatted(id + "_w", PASSWORD, id + "_w", id + "_w"));
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
    environment.put(Variables.variable(key), value);
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

  /**
   * An identity column lets the role take numbers from the sequence but not read it. This grants
   * reading.
   */
  private void grantSelectOnSequence() {
    rows.execute("GRANT SELECT ON SEQUENCE subscribers_feedback_id_seq TO " + id + "_w");
  }

  private void replaceFeedbackTable(String ddl) {
    rows.execute("DROP TABLE subscribers_feedback;" + ddl);
    rows.execute("GRANT INSERT ON subscribers_feedback TO " + id + "_w");
  }

  private static final String EXISTING =
      "CREATE TABLE subscribers_feedback (" + TestDatabase.EXISTING_FEEDBACK_COLUMNS + ")";

  @Test
  void passesInGoodEnvironment() {
    grantSelectOnSequence();
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
            "table public.subscribers_restaurants has all columns and grants SELECT",
            "feedback.db PostgreSQL 17",
            "table public.subscribers_feedback has all columns and grants INSERT",
            "table public.subscribers_feedback_refused has all columns and grants INSERT",
            "table public.promo_stream_commits has all columns and grants UPDATE",
            "id has used 0 %");
    assertThat(rows.query("SELECT count(*) FROM subscribers_feedback")).containsExactly("0");
  }

  @Test
  void passesWithTableOfExistingInstallation() {
    replaceFeedbackTable(EXISTING);
    rows.execute("GRANT USAGE ON SEQUENCE subscribers_feedback_id_seq TO " + id + "_w");
    assertOneWarning(check(), "trigger_datetime_created is integer, which overflows on 2038-01-19");
  }

  @Test
  void reportsMissingPrivilegeOnSequence() {
    replaceFeedbackTable(EXISTING);
    assertOneProblem(check(), "GRANT USAGE ON SEQUENCE subscribers_feedback_id_seq");
  }

  @Test
  void reportsIdRunningOut() {
    replaceFeedbackTable(EXISTING.replace("int4 NOT NULL, feedback", "int8 NOT NULL, feedback"));
    rows.execute("GRANT USAGE ON SEQUENCE subscribers_feedback_id_seq TO " + id + "_w");
    rows.execute("SELECT setval('subscribers_feedback_id_seq', 1073741000)");
    assertThat(check().of("warning")).isEmpty();
    rows.execute("SELECT setval('subscribers_feedback_id_seq', 1073741824)");
    assertOneWarning(check(), "id has used 50 % of 2147483647", "TYPE bigint", "AS bigint");
    rows.execute("SELECT setval('subscribers_feedback_id_seq', 2040109466)");
    assertOneProblem(check(), "id has used 95 % of 2147483647");
    // Half of the remedy is not enough.
    rows.execute("ALTER TABLE subscribers_feedback ALTER COLUMN id TYPE bigint");
    assertOneProblem(check(), "id has used 95 % of 2147483647");
    rows.execute("ALTER SEQUENCE subscribers_feedback_id_seq AS bigint");
    assertThat(check().exitCode()).isZero();
  }

  @Test
  void warnsWhenSequenceIsNotReadable() {
    assertOneWarning(check(), "cannot read the sequence of id");
  }

  @Test
  void reportsMissingTables() {
    grantSelectOnSequence();
    assertOneProblem(
        check("--subscribers.table=public.nothing"),
        "table public.nothing",
        "does not exist in this database");
    assertOneProblem(check("--feedback.table=\"no\"\"body's\""), "no\"body's");
    rows.execute("CREATE SCHEMA closed; ALTER TABLE subscribers_feedback SET SCHEMA closed;");
    assertOneProblem(check("--feedback.table=closed.subscribers_feedback"), "schema closed");
  }

  @Test
  void reportsMissingColumns() {
    grantSelectOnSequence();
    rows.execute(
        "ALTER TABLE subscribers_feedback DROP COLUMN client_id, DROP COLUMN datetime_created");
    Report report = check();
    assertOneProblem(report, "lacks ", "client_id", "datetime_created");
    lists.execute("ALTER TABLE subscribers_restaurants DROP COLUMN client_id");
    assertThat(check().of("problem")).hasSize(2);
  }

  @Test
  void reportsMissingPrivileges() {
    grantSelectOnSequence();
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

  /** Checks that a change gives a line of this level, and no other warning or problem. */
  private void assertOf(String change, String level, String... hints) {
    TestDatabase before = TestDatabase.create().withFeedbackTable();
    before.execute(
        ("GRANT INSERT ON subscribers_feedback, subscribers_feedback_refused TO %1$s_w;"
                + "GRANT SELECT, INSERT, UPDATE ON promo_stream_commits TO %1$s_w;"
                + "GRANT SELECT ON SEQUENCE subscribers_feedback_id_seq TO %1$s_w;"
                + "%2$s")
            .formatted(id, change));
    set("feedback.db.url", before.url());
    switch (level) {
      case "problem" -> assertOneProblem(check(), hints);
      case "warning" -> assertOneWarning(check(), hints);
      default -> {
        Report report = check();
        assertThat(report.exitCode()).as(String.join("\n", report.lines())).isZero();
        assertThat(report.of("warning")).isEmpty();
        assertThat(report.lines()).anyMatch(line -> Stream.of(hints).allMatch(line::contains));
      }
    }
  }

  private void assertOfColumn(String column, String type, String level, String hint) {
    assertOf(
        "ALTER TABLE subscribers_feedback ALTER COLUMN %s TYPE %s USING NULL"
            .formatted(column, type),
        level,
        hint);
  }

  @Test
  void reportsColumnsThatCannotHoldTheirValues() {
    for (String type : List.of("varchar(255)", "citext", "uuid", "char(300)")) {
      assertOf(
          "CREATE EXTENSION citext; ALTER TABLE subscribers_feedback ALTER COLUMN client_id TYPE %s USING NULL"
              .formatted(type),
          "ok");
    }
    assertOfColumn("restaurant_id", "uuid", "ok", "restaurant_id is uuid: promos and clients with");
    assertOfColumn(
        "client_id", "varchar(100)", "warning", "clients with longer ids receive no promo");
    assertOfColumn(
        "adv_campaign_content",
        "varchar(1000)",
        "warning",
        "promos with longer texts are rejected");
    assertOfColumn("adv_campaign_owner", "uuid", "warning", "adv_campaign_owner is uuid");
    assertOfColumn("restaurant_id", "int4", "problem", "restaurant_id is integer");
    assertOfColumn("client_id", "name", "problem", "client_id is name");
    for (String type : List.of("numeric", "timestamp", "timestamptz")) {
      assertOfColumn("adv_campaign_datetime_end", type, "ok", "");
    }
    assertOfColumn(
        "datetime_created", "int4", "warning", "datetime_created is integer, which overflows");
    assertOfColumn(
        "trigger_datetime_created", "int2", "problem", "trigger_datetime_created is smallint");
    assertOfColumn("datetime_created", "date", "problem", "datetime_created is date");
    assertOf(
        "CREATE DOMAIN a AS varchar(9); CREATE DOMAIN b AS a;"
            + "ALTER TABLE subscribers_feedback ALTER COLUMN adv_campaign_id TYPE b",
        "warning",
        "adv_campaign_id is b: promos with longer texts");
    assertOf(
        "ALTER TABLE subscribers_feedback ALTER feedback SET NOT NULL",
        "problem",
        "feedback is NOT NULL");
    assertOf(
        "ALTER TABLE subscribers_feedback ADD COLUMN note text, ADD seen bool NOT NULL DEFAULT false",
        "ok");
    assertOf("ALTER TABLE subscribers_feedback SET UNLOGGED", "problem", "UNLOGGED");
  }

  @Test
  void namesConstraintsAndTriggersThatCanRefuseRows() {
    assertOf(
        """
        CREATE TABLE clients (id text PRIMARY KEY);
        CREATE EXTENSION btree_gist;
        CREATE DOMAIN url AS text CONSTRAINT is_url CHECK (VALUE LIKE 'http%%');
        ALTER TABLE subscribers_feedback ADD CONSTRAINT is_short CHECK (length(adv_campaign_content) < 9),
          ADD CONSTRAINT is_client FOREIGN KEY (client_id) REFERENCES clients,
          ADD CONSTRAINT one_at_once EXCLUDE USING gist (client_id WITH =),
          ADD CONSTRAINT once UNIQUE (restaurant_id, client_id),
          ALTER adv_campaign_owner TYPE url;
        CREATE UNIQUE INDEX unseen ON subscribers_feedback (restaurant_id, adv_campaign_id, client_id)
          WHERE feedback IS NULL;
        CREATE FUNCTION pass() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
        CREATE TRIGGER look BEFORE INSERT ON subscribers_feedback FOR EACH ROW EXECUTE FUNCTION pass();
        CREATE TRIGGER other BEFORE UPDATE ON subscribers_feedback FOR EACH ROW EXECUTE FUNCTION pass();
        CREATE TRIGGER off BEFORE INSERT ON subscribers_feedback FOR EACH ROW EXECUTE FUNCTION pass();
        ALTER TABLE subscribers_feedback DISABLE TRIGGER off"""
            .replace("%%", "%"),
        "warning",
        "can refuse rows: CHECK is_short, CHECK is_url of a domain, exclusion constraint one_at_once,"
            + " foreign key is_client, trigger look, unique index once, unique index unseen:");
    String partitioned =
        """
        CREATE TABLE parted (LIKE subscribers_feedback INCLUDING IDENTITY, CHECK (client_id <> ''))
          PARTITION BY LIST (restaurant_id);
        CREATE TABLE part PARTITION OF parted (CONSTRAINT of_part CHECK (client_id <> 'x')) FOR VALUES IN ('r');
        DROP TABLE subscribers_feedback; ALTER TABLE parted RENAME TO subscribers_feedback;
        ALTER SEQUENCE parted_id_seq RENAME TO subscribers_feedback_id_seq;
        GRANT INSERT ON subscribers_feedback TO %1$s_w;
        GRANT SELECT ON SEQUENCE subscribers_feedback_id_seq TO %1$s_w"""
            .formatted(id);
    assertOf(
        partitioned,
        "warning",
        "can refuse rows: CHECK of_part, CHECK parted_client_id_check, no DEFAULT partition:");
  }

  @Test
  void warnsWhenExistingRowsCannotBeRecognized() {
    String index =
        "CREATE UNIQUE INDEX once ON subscribers_feedback (restaurant_id, adv_campaign_id, client_id)";
    assertOf(
        index, "warning", "unique index once knows rows that are already there", "GRANT SELECT");
    assertOf(index + "; GRANT SELECT ON subscribers_feedback TO " + id + "_w", "ok");
  }

  @Test
  void reportsProblemsWithTablesOfTheJob() {
    String commits = "table public.promo_stream_commits ";
    String refused = "table public.subscribers_feedback_refused ";
    assertOf(
        "DROP TABLE promo_stream_commits",
        "problem",
        commits,
        "does not exist",
        "feedback.commits-table");
    assertOf(
        "DROP TABLE subscribers_feedback_refused",
        "problem",
        refused,
        "does not exist",
        "feedback.refused-table");
    assertOf(
        "ALTER TABLE promo_stream_commits DROP CONSTRAINT promo_stream_commits_pkey",
        "problem",
        commits,
        "PRIMARY KEY");
    assertOf("ALTER TABLE promo_stream_commits SET UNLOGGED", "problem", commits, "UNLOGGED");
    assertOf(
        "ALTER TABLE subscribers_feedback_refused SET UNLOGGED", "problem", refused, "UNLOGGED");
    assertOf("ALTER TABLE promo_stream_commits DROP records", "problem", commits, "lacks records");
    assertOf(
        "ALTER TABLE promo_stream_commits ALTER sequence TYPE int4",
        "problem",
        commits,
        "sequence is integer");
    assertOf(
        "ALTER TABLE subscribers_feedback_refused ALTER client_id TYPE varchar(99)",
        "problem",
        refused,
        "client_id is character varying(99)");
    assertOf(
        "ALTER TABLE subscribers_feedback_refused ADD must int NOT NULL",
        "problem",
        refused,
        "must is integer NOT NULL");
    for (String privilege : List.of("SELECT", "INSERT", "UPDATE")) {
      assertOf(
          "REVOKE %s ON promo_stream_commits FROM %s_w".formatted(privilege, id),
          "problem",
          commits,
          "no right to " + privilege);
    }
    assertOf(
        "REVOKE INSERT ON subscribers_feedback_refused FROM %s_w".formatted(id),
        "problem",
        refused,
        "no right to INSERT");
    assertOf("REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC", "problem", "no PL/pgSQL");
  }

  @Test
  void reportsRowSecurity() {
    grantSelectOnSequence();
    lists.execute("ALTER TABLE subscribers_restaurants ENABLE ROW LEVEL SECURITY");
    assertOneWarning(check(), "has row security");
  }

  /** The job begins each of its transactions with READ WRITE. */
  @Test
  void acceptsReadOnlyDefault() {
    grantSelectOnSequence();
    rows.execute(
        "ALTER DATABASE \"%s\" SET default_transaction_read_only = on".formatted(rows.name()));
    assertThat(check().exitCode()).isZero();
  }

  @Test
  void reportsServersThatAreTooOld() {
    grantSelectOnSequence();
    pretend(lists, 140_000);
    pretend(rows, 140_000);
    assertThat(check().exitCode()).isZero();
    pretend(lists, 130_023);
    assertOneProblem(check(), "subscribers.db is older than PostgreSQL 14");
    pretend(lists, 140_000);
    pretend(rows, 130_022);
    assertOneProblem(check(), "feedback.db is older than PostgreSQL 14");
  }

  /** Makes the database report this server version. */
  private static void pretend(TestDatabase database, int version) {
    database.execute(
        """
        CREATE OR REPLACE FUNCTION public.current_setting(name text) RETURNS text LANGUAGE sql AS
        $$ SELECT CASE name WHEN 'server_version_num' THEN '%d'
                  ELSE pg_catalog.current_setting(name) END $$;
        ALTER DATABASE "%s" SET search_path = public, pg_catalog"""
            .formatted(version, database.name()));
  }

  @Test
  void warnsOfOtherEncodings() {
    for (String encoding : List.of("LATIN1", "SQL_ASCII")) {
      String name = id + "_" + encoding.toLowerCase(Locale.ROOT);
      rows.execute(
          "CREATE DATABASE %s ENCODING '%s' LOCALE 'C' TEMPLATE template0"
              .formatted(name, encoding));
      TestDatabase other = new TestDatabase(name).withFeedbackTable();
      other.execute(
          ("GRANT INSERT ON subscribers_feedback, subscribers_feedback_refused TO %1$s_w;"
                  + "GRANT SELECT, INSERT, UPDATE ON promo_stream_commits TO %1$s_w;"
                  + "GRANT SELECT ON SEQUENCE subscribers_feedback_id_seq TO %1$s_w")
              .formatted(id));
      set("feedback.db.url", other.url());
      assertOneWarning(check(), "its encoding is " + encoding);
    }
  }

  @Test
  void reportsProblemsWithTopics() {
    grantSelectOnSequence();
    assertOneProblem(check("--promos.topic=nowhere"), "topic nowhere", "does not exist");
    // The producer's limit is not the cause, so the advice must not mention it.
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
  void warnsWhenMarksExpireWithinADay() throws Exception {
    grantSelectOnSequence();
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
    grantSelectOnSequence();
    String hour = "--kafka.properties.transaction.timeout.ms=3600000";
    assertOneProblem(check(hour), "the brokers allow 15 min, the job asks for 1 h", "900000");
    // Without transactions the timeout does not matter.
    assertThat(check(hour, "--delivery.guarantee=at-least-once").exitCode()).isZero();
  }

  @Test
  void refusesStartThatBrokersWouldRefuse() throws IOException {
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
    // The client that submits the job may be unable to reach the brokers.
    EnvironmentCheck.beforeStart(load("--kafka.bootstrap-servers=127.0.0.1:" + freePort()));
  }

  @Test
  void warnsOfUnknownProperties() {
    grantSelectOnSequence();
    assertOneWarning(
        check("--kafka.properties.secuirty.protocol=SSL"), "kafka.properties.secuirty.protocol");
  }

  @Test
  void checksTheRestWhenServersAreDown() throws IOException {
    grantSelectOnSequence();
    int port = freePort();
    set("kafka.bootstrap-servers", "127.0.0.1:" + port);
    Report report = check();
    assertOneProblem(report, "kafka ", "no answer from 127.0.0.1:" + port);
    assertThat(report.of("ok")).anyMatch(line -> line.contains("grants INSERT"));
    set("kafka.bootstrap-servers", TestBroker.get().bootstrapServers());
    set("subscribers.db.url", "jdbc:postgresql://127.0.0.1:" + port + "/nothing");
    report = check();
    assertOneProblem(report, "subscribers.db", "cannot connect to jdbc:postgresql://127.0.0.1");
    assertThat(report.of("ok")).anyMatch(line -> line.contains("grants INSERT"));
  }

  @Test
  void doesNotHangOnSilentServers() throws IOException {
    grantSelectOnSequence();
    try (ServerSocket mute = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      set("feedback.db.url", "jdbc:postgresql://127.0.0.1:" + mute.getLocalPort() + "/rows");
      assertOneProblem(check(Duration.ofSeconds(5)), "feedback ", "no answer in time");
    }
  }

  @Test
  void readsPasswordFiles(@TempDir Path directory) throws IOException {
    grantSelectOnSequence();
    environment.remove(Variables.variable("feedback.db.password"));
    String file = Files.writeString(directory.resolve("password"), PASSWORD).toString();
    assertThat(check("--feedback.db.password-file", file).exitCode()).isZero();
    assertOneProblem(check("--feedback.db.password-file=/no/file"), "password file /no/file");
  }

  /**
   * Only the Kafka client resolves a reference, and its error message quotes a part of the value.
   */
  @Test
  void doesNotPrintWrongKafkaLogin(@TempDir Path directory) throws IOException {
    grantSelectOnSequence();
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
    assertOneProblem(
        check(), said, "cannot create a Kafka client", "Value not specified for key '***'");
    for (String guarantee : List.of("exactly-once", "at-least-once")) {
      assertThatThrownBy(
              () -> EnvironmentCheck.beforeStart(load("--delivery.guarantee=" + guarantee)))
          .isInstanceOf(ConfigException.class)
          .hasMessageStartingWith(said + ": cannot create a Kafka client")
          .hasMessageNotContaining(PASSWORD)
          .hasNoCause();
    }
    // The client that submits the job may lack this file.
    Files.delete(file);
    EnvironmentCheck.beforeStart(load());
  }
}
