package io.promostream.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.promostream.config.JobConfig.Distribution;
import io.promostream.config.JobConfig.OnLostTransaction;
import io.promostream.config.JobConfig.StartFrom;
import io.promostream.testing.CapturedLogs;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.NotEmpty;
import net.jqwik.api.constraints.Size;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.logging.log4j.Level;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JobConfigTest {

  private static final String SECRET = "hunter2-swordfish";

  private static final String MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule";

  private static final String LOGIN =
      MODULE + " required username=\"promo-stream\" password=\"" + SECRET + "\";";

  private static final List<String> REQUIRED =
      List.of(
          "--kafka.bootstrap-servers=kafka:9092",
          "--subscribers.db.url=jdbc:postgresql://lists:5432/lists",
          "--subscribers.db.user=reader",
          "--feedback.db.url=jdbc:postgresql://rows:5432/rows",
          "--feedback.db.user=writer");

  @TempDir Path directory;

  private static JobConfig load(Map<String, String> environment, String... more) {
    List<String> args = new ArrayList<>(REQUIRED);
    args.addAll(List.of(more));
    return JobConfig.load(args.toArray(String[]::new), environment);
  }

  private static JobConfig load(String... more) {
    return load(Map.of(), more);
  }

  private static List<String> problems(Map<String, String> environment, String... args) {
    ConfigException refused =
        catchThrowableOfType(ConfigException.class, () -> JobConfig.load(args, environment));
    return refused == null ? List.of() : refused.getMessage().lines().toList();
  }

  private static List<String> problemsBeside(Map<String, String> environment, String... more) {
    List<String> args = new ArrayList<>(REQUIRED);
    args.addAll(List.of(more));
    return problems(environment, args.toArray(String[]::new));
  }

  private static List<String> problemsOf(String... more) {
    return problemsBeside(Map.of(), more);
  }

  private String file(String yaml) throws IOException {
    return Files.writeString(directory.resolve("job.yaml"), yaml).toString();
  }

  @Test
  void hasDefaultsOfTheContract() throws IOException {
    JobConfig config = load();
    assertThat(config)
        .isEqualTo(
            new JobConfig(
                new JobConfig.Kafka("kafka:9092", Map.of()),
                new JobConfig.Promos("restaurant.promos", "promo-stream", StartFrom.COMMITTED),
                "subscriber.promos",
                "restaurant.promos.rejected",
                new JobConfig.Subscribers(
                    new Database("jdbc:postgresql://lists:5432/lists", "reader", Secret.EMPTY),
                    new TableName(List.of("public", "subscribers_restaurants")),
                    Duration.ofSeconds(30),
                    Distribution.BROADCAST),
                new JobConfig.Feedback(
                    new Database("jdbc:postgresql://rows:5432/rows", "writer", Secret.EMPTY),
                    new TableName(List.of("public", "subscribers_feedback")),
                    new TableName(List.of("public", "promo_stream_commits")),
                    new TableName(List.of("public", "subscribers_feedback_refused")),
                    OnLostTransaction.FAIL),
                new JobConfig.Delivery(Duration.ofDays(7), null, 0, null, null, null),
                new JobConfig.Reports(null, Duration.ofSeconds(10)),
                null,
                DeliveryGuarantee.EXACTLY_ONCE,
                "promo-stream"));
    assertThat(config.kafka().transactionTimeout()).isEqualTo(Duration.ofMinutes(1));
    // The configuration is serialized into the job graph.
    new ObjectOutputStream(new ByteArrayOutputStream()).writeObject(config);
  }

  @Test
  void laterSourcesOverrideEarlierOnes() throws IOException {
    String file =
        file(
            """
            promos.topic: of-file
            promos:
              group-id: of-file
              start-from: earliest
            notifications: {topic: of-file}
            """);
    JobConfig config =
        load(
            Map.of(
                "PROMO_STREAM_PROMOS_TOPIC", "of-environment",
                "PROMO_STREAM_PROMOS_GROUP_ID", "of-environment"),
            "--promos.topic",
            "of-arguments",
            "--config",
            file);
    assertThat(config.promos().topic()).isEqualTo("of-arguments");
    assertThat(config.promos().groupId()).isEqualTo("of-environment");
    assertThat(config.notificationsTopic()).isEqualTo("of-file");
    assertThat(config.promos().startFrom()).isEqualTo(StartFrom.EARLIEST);
    assertThat(config.rejectedTopic()).isEqualTo("restaurant.promos.rejected");
  }

  @Test
  void reportsFiveMistakesInOneMessage() throws IOException {
    String file = file("promos:\n  start-from: sometimes\nnotifications.topic: [a, b]\n");
    assertThat(
            problemsBeside(
                Map.of("PROMO_STREAM_SUBSCRIBERS_REFRESH_INTERVAL", "0 s"),
                "--prommos.topic=x",
                "--transaction-prefix=a/b",
                "--config=" + file))
        .containsExactlyInAnyOrder(
            "prommos.topic: is not a key; did you mean promos.topic? (command line)",
            "promos.start-from: \"sometimes\" is not one of committed, earliest, latest ("
                + file
                + ", line 2)",
            "notifications.topic: must be a single value; write a list as comma-separated text ("
                + file
                + ", line 3)",
            "subscribers.refresh-interval: must be from 100 ms to 1 d"
                + " (variable PROMO_STREAM_SUBSCRIBERS_REFRESH_INTERVAL)",
            "transaction-prefix: must be 1 to 100 letters, digits, '-', '_' or '.' (command line)");
  }

  @Test
  void reportsAllMissingKeys() {
    assertThat(problems(Map.of()))
        .hasSize(5)
        .contains(
            "feedback.db.user: is required (text); set it by --feedback.db.user,"
                + " the variable PROMO_STREAM_FEEDBACK_DB_USER or --config");
    // A misspelt key is not reported as missing as well.
    assertThat(problems(Map.of(), "--kafka.bootstrap-server=kafka:9092")).hasSize(5);
  }

  @Test
  void readsYamlValuesAsWritten() throws IOException {
    String file =
        file(
            """
            # A number, an octal-looking text, a truth value, deep and dotted names.
            kafka.properties:
              max.request.size: 2097152
              client.id: 010
              ssl:
                keystore:
                  location: /etc/keys
              allow.auto.create.topics: false
            promos: {group-id: 7}
            feedback:
              db.password: '%s '
            """
                .formatted(SECRET));
    JobConfig config = load("--config", file);
    assertThat(config.kafka().properties())
        .isEqualTo(
            Map.of(
                "max.request.size", "2097152",
                "client.id", "010",
                "ssl.keystore.location", "/etc/keys",
                "allow.auto.create.topics", "false"));
    assertThat(config.promos().groupId()).isEqualTo("7");
    assertThat(config.feedback().database().password()).isEqualTo(new Secret(SECRET + " ", null));
  }

  @Test
  void refusesAmbiguousYaml() throws IOException {
    String file =
        file(
            """
            promos.topic: one
            promos:
              topic: two
              group-id:
            ? [a]
            : b
            loop: &loop {again: *loop}
            """);
    assertThat(problemsOf("--config", file))
        .containsExactlyInAnyOrder(
            "promos.topic: is set twice; remove one (" + file + ", line 3)",
            "promos.group-id: has no value; remove the key to use its default ("
                + file
                + ", line 4)",
            "key is not a string (" + file + ", line 5)",
            "loop: must be a single value; write a list as comma-separated text ("
                + file
                + ", line 7)");
    assertThat(problemsOf("--config", "/nowhere/job.yaml"))
        .singleElement()
        .asString()
        .startsWith("--config /nowhere/job.yaml: can't be read: ");
    assertThat(load("--config", file("# nothing yet\n"))).isEqualTo(load());
  }

  @Test
  void doesNotQuoteBrokenYaml() throws IOException {
    for (String yaml :
        List.of(
            "feedback.db.password: *" + SECRET,
            "feedback.db.password: '" + SECRET,
            "feedback.db.password:" + SECRET,
            "feedback.db.password: a: " + SECRET,
            "feedback.db.password:" + SECRET + ": x",
            "feedback.db.password:" + SECRET + ":",
            "feedback.db.password: [" + SECRET + "]",
            SECRET)) {
      assertThat(problemsOf("--config", file(yaml)))
          .as(yaml)
          .hasSize(1)
          .noneMatch(line -> line.contains(SECRET));
    }
  }

  @Test
  void mapsVariablesToKafkaProperties() {
    JobConfig config =
        load(
            Map.of(
                "PROMO_STREAM_KAFKA_PROPERTIES_SASL_JAAS_CONFIG", LOGIN,
                "PROMO_STREAM_FEEDBACK_DB_PASSWORD", SECRET + "\n",
                "PROMO_STREAM_SERVICE_HOST", "10.0.0.1",
                "PROMO_STREAM_KAFKA_PROPERTIES_", "nothing",
                "PROMO_STREAM", "nothing",
                "PATH", "/bin"));
    assertThat(config.kafka().properties()).isEqualTo(Map.of("sasl.jaas.config", LOGIN));
    assertThat(config.feedback().database().password().value()).isEqualTo(SECRET);
  }

  /** Only the name is logged, because the variable may be a misspelt one with a password. */
  @Test
  void logsUnknownVariablesOnce() {
    try (CapturedLogs logs = new CapturedLogs(Level.INFO, java.util.logging.Level.OFF)) {
      JobConfig config =
          load(
              Map.of(
                  "PROMO_STREAM_FEEDBACK_DB_PASWORD", SECRET,
                  "PROMO_STREAM_PROMOS_TOPIC", "promos",
                  "PATH", "/bin"));
      assertThat(config.feedback().database().password()).isEqualTo(Secret.EMPTY);
      assertThat(logs.lines())
          .singleElement()
          .asString()
          .contains("Ignoring environment variable PROMO_STREAM_FEEDBACK_DB_PASWORD:")
          .doesNotContain(SECRET);
    }
  }

  @Test
  void everyKeyHasItsOwnVariable() {
    Map<String, String> variables = new TreeMap<>();
    for (ConfigKey<?> key : ConfigKeys.ALL) {
      assertThat(variables.put(ConfigKey.variable(key.name()), key.name())).isNull();
    }
  }

  @Test
  void refusesSecretsOnCommandLine() {
    for (String key :
        List.of(
            "feedback.db.password",
            "subscribers.db.password",
            "kafka.properties.sasl.jaas.config",
            "kafka.properties.ssl.key.password",
            "kafka.properties.ssl.keystore.key",
            "kafka.properties.config.providers.vault.param.token")) {
      for (String[] args :
          List.of(
              new String[] {"--" + key, SECRET},
              new String[] {"--" + key + "=" + SECRET},
              new String[] {"--" + key, "--" + SECRET})) {
        assertThat(problemsOf(args))
            .as(Arrays.toString(args))
            .singleElement()
            .asString()
            .startsWith(key + ": is a secret")
            .contains(ConfigKey.variable(key))
            .doesNotContain(SECRET);
      }
    }
    for (String key : List.of("feedback.db.password", "kafka.properties.ssl.key.password")) {
      assertThat(problemsOf("--" + key + "=${file:/a:b}" + SECRET))
          .singleElement()
          .asString()
          .startsWith(key + ": is a secret")
          .doesNotContain(SECRET);
    }
    // References in this key are not resolved.
    assertThat(problemsOf("--feedback.db.password=${file:/a:b}")).hasSize(1);
    assertThat(problemsOf("--kafka.properties.ssl.key.password=${file:/a:b}")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "${file:/etc/kafka.properties:jaas}",
        " ${dir:/etc/secrets:jaas}\n",
        MODULE + " required username=\"promo-stream\" password=\"${file:/a:password}\";",
        MODULE + " required username=\"${file:/a:user}\" password=${file:/a:password};",
        "${file:/a:module} required username=${file:/a:user} password=${file:/a:password};",
      })
  void acceptsLoginWithReferencesOnCommandLine(String login) {
    assertThat(load("--kafka.properties.sasl.jaas.config", login).kafka().properties())
        .containsEntry("sasl.jaas.config", login);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        LOGIN,
        MODULE + " required username=\"${file:/a:user}\" password=\"" + SECRET + "\";",
        MODULE + " required username=\"${file:/a:user}\" password=\"${file:/a:b}" + SECRET + "\";",
        MODULE + " required clientId=\"${file:/a:user}\" clientSecret=" + SECRET + ";",
        MODULE + " required username=${file:/a:user} password=a " + SECRET + ";",
        "${file:/a:b} " + SECRET,
      })
  void refusesPasswordBesideReferenceOnCommandLine(String login) {
    assertThat(problemsOf("--kafka.properties.sasl.jaas.config", login))
        .singleElement()
        .asString()
        .startsWith("kafka.properties.sasl.jaas.config: is a secret")
        .doesNotContain(SECRET);
  }

  /** Otherwise Kafka's clients would refuse the login at each start of the job, and quote it. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        SECRET,
        MODULE + " required username=a password=a " + SECRET + ";",
        MODULE + " required username=${file:/a:user} password=a " + SECRET + ";",
        MODULE + " required username=a password=\"a\"" + SECRET + "\";",
        MODULE + " required username=a password=" + SECRET,
        MODULE + " " + SECRET + " username=a;",
        MODULE + " required username=a;" + MODULE + " required password=" + SECRET + ";",
        "com.sun.security.auth.module.JndiLoginModule required password=" + SECRET + ";",
      })
  void refusesUnreadableLoginWithoutQuotingIt(String login) {
    assertThat(problemsBeside(Map.of("PROMO_STREAM_KAFKA_PROPERTIES_SASL_JAAS_CONFIG", login)))
        .singleElement()
        .asString()
        .startsWith("kafka.properties.sasl.jaas.config: is not a login that Kafka can parse")
        .doesNotContain(SECRET);
  }

  @Test
  void doesNotParseLoginWithReferences() {
    for (String login :
        List.of(
            "${file:/etc/kafka.properties:jaas}",
            MODULE + " required username=a password=${file:/a:b};",
            MODULE + " required username=\"${file:/a:user}\" password=\"" + SECRET + "\";")) {
      assertThat(
              load(Map.of("PROMO_STREAM_KAFKA_PROPERTIES_SASL_JAAS_CONFIG", login))
                  .kafka()
                  .properties())
          .containsEntry("sasl.jaas.config", login);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "jdbc:postgresql://rows/rows?password=" + SECRET,
        "jdbc:postgresql://rows/rows?ssl=true&PASSWORD=" + SECRET,
        "jdbc:postgresql://rows/rows?sslpassword=" + SECRET,
        "jdbc:postgresql://writer:" + SECRET + "@rows:5432/rows",
        "jdbc:postgresql://writer:a?" + SECRET + "@rows:5432/rows",
        "jdbc:postgresql://writer:a/" + SECRET + "@rows:5432/rows",
      })
  void refusesPasswordsInUrls(String url) {
    assertThat(problemsOf("--feedback.db.url=" + url))
        .singleElement()
        .asString()
        .startsWith("feedback.db.url: must not contain a password")
        .doesNotContain(SECRET);
    assertThat(problems(Map.of("PROMO_STREAM_FEEDBACK_DB_URL", url)))
        .filteredOn(line -> line.startsWith("feedback.db.url: must not contain a password"))
        .hasSize(1);
  }

  @Test
  void hidesSecretsInToString() {
    JobConfig config =
        load(
            Map.of(
                "PROMO_STREAM_KAFKA_PROPERTIES_SASL_JAAS_CONFIG", LOGIN,
                "PROMO_STREAM_SUBSCRIBERS_DB_PASSWORD", SECRET,
                "PROMO_STREAM_FEEDBACK_DB_PASSWORD", SECRET));
    assertThat(config.toString()).contains("sasl.jaas.config").doesNotContain(SECRET);
  }

  @Test
  void acceptsPasswordOrPasswordFile() {
    assertThat(load("--feedback.db.password-file=/run/p").feedback().database().password())
        .isEqualTo(new Secret(null, "/run/p"));
    assertThat(
            problemsBeside(
                Map.of("PROMO_STREAM_FEEDBACK_DB_PASSWORD", SECRET),
                "--feedback.db.password-file=/run/p"))
        .containsExactly(
            "feedback.db.password and feedback.db.password-file: set one of them, not both");
  }

  /** A password may end in any characters, and its file may end in an additional line break. */
  @ParameterizedTest
  @CsvSource(
      value = {"''|''", "'\n'|''", "'\r\n'|''", "'\n\n'|'\n'", "' \t\n'|' \t'", "'\r'|'\r'"},
      delimiter = '|')
  void removesOneLineBreakAtEndOfPasswordFile(String end, String kept) throws IOException {
    Path file = Files.writeString(directory.resolve("password"), SECRET + end);
    assertThat(new Secret(null, file.toString()).reveal()).isEqualTo(SECRET + kept);
    assertThat(
            load(Map.of("PROMO_STREAM_FEEDBACK_DB_PASSWORD", SECRET + end))
                .feedback()
                .database()
                .password()
                .value())
        .isEqualTo(SECRET + kept);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          bootstrap.servers                   | x:1    | is set by the job: set kafka.bootstrap-servers
          transactional.id                    | x      | is set by the job: set transaction-prefix
          enable.auto.commit                  | false  | is set by the job: offsets are committed
          value.serializer                    | x      | is set by the job: the job brings its own
          acks                                | 1      | must be all
          enable.idempotence                  | false  | must be true
          transaction.timeout.ms              | ${a:b} | must be a number
          buffer.memory                       | ${a:b} | must be a number
          partition.discovery.interval.ms     | ${a:b} | must be a number
          partition.discovery.interval.ms     | 5 s    | must be a number
          transaction.timeout.ms              | soon   | is not a value that Kafka accepts: int
          security.protocol                   | tls    | is not a value that Kafka accepts: string (case
          """)
  void refusesKafkaPropertiesThatBreakGuarantees(String name, String value, String problem) {
    assertThat(problemsOf("--kafka.properties." + name + "=" + value))
        .singleElement()
        .asString()
        .startsWith("kafka.properties." + name + ": " + problem);
  }

  @Test
  void acceptsOtherKafkaProperties() {
    assertThat(
            load(
                    "--kafka.properties.isolation.level=read_uncommitted",
                    "--kafka.properties.transaction.timeout.ms=60000",
                    "--kafka.properties.my.own=x")
                .kafka()
                .transactionTimeout())
        .isEqualTo(Duration.ofMinutes(1));
    assertThat(
            load(
                    "--delivery.guarantee=at-least-once",
                    "--kafka.properties.enable.idempotence=false")
                .guarantee())
        .isEqualTo(DeliveryGuarantee.AT_LEAST_ONCE);
  }

  @Test
  void refusesTopicsThatFormALoop() {
    assertThat(problemsOf("--rejected.topic=restaurant.promos"))
        .singleElement()
        .asString()
        .startsWith("promos.topic and rejected.topic: must differ");
    assertThat(problemsOf("--rejected.topic=same", "--notifications.topic=same"))
        .singleElement()
        .asString()
        .startsWith("notifications.topic and rejected.topic: must differ");
    assertThat(problemsOf("--notifications.topic=restaurant.promos"))
        .singleElement()
        .asString()
        .startsWith("promos.topic and notifications.topic: must differ");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          promos.remember-ended        | 30                    | needs a unit
          promos.remember-ended        | -1 d                  | is not a duration
          promos.remember-ended        | 0 d                   | must be from
          promos.remember-ended        | 99999999999999999 d   | is not a duration
          subscribers.refresh-interval | 2 d                   | must be from 100 ms to 1 d
          kafka.bootstrap-servers      | kafka                 | host:port
          kafka.bootstrap-servers      | kafka:99999           | host:port
          kafka.bootstrap-servers      | kafka:1,              | host:port
          feedback.db.url              | jdbc:mysql://x/y      | jdbc:postgresql://host
          feedback.db.url              | jdbc:postgresql://x:y/z | jdbc:postgresql://host
          feedback.db.user             | ' '                   | must not be empty
          feedback.table               | a.b.c                 | public.promos
          promos.topic                 | a b                   | ASCII
          delivery.guarantee           | none                  | not one of exactly-once, at-least-once
          """)
  void suggestsValidValue(String key, String value, String hint) {
    assertThat(problemsOf("--" + key, value))
        .singleElement()
        .asString()
        .startsWith(key + ": ")
        .contains(hint);
  }

  @Test
  void refusesUnknownArguments() {
    assertThat(problemsOf("run", "--promos.topic", "--help=x", "--cheque", "--bootstrap-servers=x"))
        .containsExactlyInAnyOrder(
            "argument 6 is neither a --key nor the value of one",
            "--promos.topic needs a value; write --key=value if the value begins with --",
            "--cheque needs a value; write --key=value if the value begins with --",
            "bootstrap-servers: is not a key; did you mean kafka.bootstrap-servers? (command line)");
  }

  @Test
  void recognizesOptions() {
    CommandLine both = CommandLine.parse(new String[] {"--promos.topic", "x", "--check", "--help"});
    assertThat(both.check()).isTrue();
    assertThat(both.help()).isTrue();
    assertThat(load("--check")).isEqualTo(load());
    CommandLine neither = CommandLine.parse(new String[] {"--promos.topic=--check"});
    assertThat(neither.check()).isFalse();
    assertThat(neither.help()).isFalse();
  }

  @Test
  void recognizesPreview() {
    CommandLine file = CommandLine.parse(new String[] {"--preview", "promos.jsonl", "--json"});
    assertThat(file.preview()).isEqualTo("promos.jsonl");
    assertThat(file.json()).isTrue();
    CommandLine standardInput = CommandLine.parse(new String[] {"--preview", "-"});
    assertThat(standardInput.preview()).isEqualTo("-");
    assertThat(standardInput.json()).isFalse();
    assertThat(load("--preview", "-", "--json")).isEqualTo(load());
    assertThat(CommandLine.parse(new String[] {"--check"}).preview()).isNull();
  }

  @Test
  void refusesContradictingOptions() {
    assertThat(problemsOf("--json")).containsExactly("--json: works only with --preview FILE");
    assertThat(problemsOf("--preview=x", "--check"))
        .containsExactly("--check and --preview: give one of them, not both");
    assertThat(problemsOf("--preview="))
        .containsExactly("--preview: needs a file, or - for standard input");
    assertThat(problemsOf("--preview"))
        .containsExactly("--preview needs a value; write --key=value if the value begins with --");
  }

  @Test
  void readsRulesOfDelivery() {
    assertThat(
            load(
                    "--delivery.late-subscribers-within=2 h",
                    "--delivery.control-group-percent=12.5",
                    "--delivery.max-per-second=5000",
                    "--delivery.max-per-second-per-restaurant=100",
                    "--delivery.quiet-hours=22:00 - 08:00",
                    "--delivery.time-zone=Europe/Berlin",
                    "--promos.remember-ended=1 d")
                .delivery())
        .isEqualTo(
            new JobConfig.Delivery(
                Duration.ofDays(1),
                Duration.ofHours(2),
                1_250,
                5_000,
                100,
                new QuietHours(
                    LocalTime.of(22, 0), LocalTime.of(8, 0), ZoneId.of("Europe/Berlin"))));
    assertThat(load("--delivery.late-subscribers-within=").delivery().lateSubscribersWithin())
        .isNull();
    for (String wrong : List.of("-1", "100.01", "0.001", "ten", "")) {
      assertThat(problems(Map.of(), "--delivery.control-group-percent=" + wrong))
          .anyMatch(problem -> problem.contains("is not a percentage from 0 to 100"));
    }
    for (String wrong : List.of("0", "-1", "1.5", "many")) {
      assertThat(problems(Map.of(), "--delivery.max-per-second=" + wrong))
          .anyMatch(problem -> problem.contains("is not a whole number from 1"));
    }
    for (String wrong : List.of("22:00", "22:00-25:00", "22:00-08:00-09:00", "night")) {
      assertThat(problems(Map.of(), "--delivery.quiet-hours=" + wrong))
          .anyMatch(problem -> problem.contains("is not a span of time such as 22:00-08:00"));
    }
    assertThat(problems(Map.of(), "--delivery.quiet-hours=08:00-08:00"))
        .anyMatch(problem -> problem.contains("is empty or the whole day"));
    assertThat(problems(Map.of(), "--delivery.time-zone=Berlin"))
        .anyMatch(problem -> problem.contains("is not a time zone such as UTC"));
  }

  @Test
  void readsTopicsOfReportsAndCommands() {
    JobConfig config =
        load("--reports.topic=reports", "--reports.interval=5 s", "--control.topic=control");
    assertThat(config.reports()).isEqualTo(new JobConfig.Reports("reports", Duration.ofSeconds(5)));
    assertThat(config.controlTopic()).isEqualTo("control");
    for (String other :
        List.of("restaurant.promos", "subscriber.promos", "restaurant.promos.rejected")) {
      assertThat(problems(Map.of(), "--reports.topic=" + other))
          .anyMatch(problem -> problem.startsWith("reports.topic and "));
      assertThat(problems(Map.of(), "--control.topic=" + other))
          .anyMatch(problem -> problem.startsWith("control.topic and "));
    }
    assertThat(problems(Map.of(), "--control.topic=same", "--reports.topic=same"))
        .anyMatch(problem -> problem.startsWith("reports.topic and control.topic"));
  }

  /** Any input gives a configuration, or one message with a line for each problem. */
  @Property(tries = 300)
  void reportsEveryProblemOnOneLine(
      @ForAll @Size(max = 6) List<String> args,
      @ForAll @NotEmpty String value,
      @ForAll @Size(max = 6) List<Integer> keys) {
    List<String> all = new ArrayList<>(args);
    for (int key : keys) {
      all.add("--" + ConfigKeys.ALL.get(Math.floorMod(key, ConfigKeys.ALL.size())).name());
      all.add(value);
    }
    for (String line : problems(Map.of(), all.toArray(String[]::new))) {
      assertThat(line).matches("[^\\p{Cc}]+");
    }
  }

  /** No part of a secret is shown, whatever the spelling of its key and wherever it is set. */
  @Test
  void doesNotQuoteMisspeltSecrets() {
    for (String key : List.of("feedback.db.pasword", "feedback.db.password", "passwort")) {
      assertThat(problemsBeside(Map.of(), "--" + key, SECRET)).noneMatch(s -> s.contains(SECRET));
      assertThat(problemsBeside(Map.of(), "--" + key + ":" + SECRET))
          .noneMatch(s -> s.contains(SECRET));
      assertThat(problemsBeside(Map.of(), "--" + key + "=" + SECRET))
          .noneMatch(s -> s.contains(SECRET));
    }
  }

  /** Ignoring the option would start the job, where release 0.1 printed a report. */
  @Test
  void refusesObsoleteOptions() {
    assertThat(
            CommandLine.parse(new String[] {"--lost-notifications", "2026-11-25/2026-11-26"})
                .problems())
        .containsExactly(
            "--lost-notifications is obsolete: an outage of any length no longer loses notifications. Leave it out");
  }
}
