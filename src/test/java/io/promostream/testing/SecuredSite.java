package io.promostream.testing;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.SECONDS;

import io.promostream.config.JobConfig;
import io.promostream.local.EmbeddedBroker;
import io.promostream.local.EmbeddedDatabase;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.utils.Exit;
import org.apache.kafka.tools.AclCommand;

/**
 * A broker and a Postgres server that let the job in by TLS and password only, with the topics and
 * tables of an installation, and with the accounts of {@code k8s/accounts}, which may do what is
 * written there. The tests of one JVM share it.
 */
public final class SecuredSite {

  public static final String SUBSCRIBERS = "restaurants";
  public static final String FEEDBACK = "feedback";
  public static final String PROMOS = "restaurant.promos";
  public static final String NOTIFICATIONS = "subscriber.promos";
  public static final String REJECTED = "restaurant.promos.rejected";

  public static final String KAFKA_PASSWORD = "kafka-password";
  public static final String SUBSCRIBERS_PASSWORD = "subscribers-db-password";
  public static final String FEEDBACK_PASSWORD = "feedback-db-password";

  private static final Path ACCOUNTS = Path.of("k8s/accounts");
  private static final Path CONFIGURATION = Path.of("k8s/overlays/prod/promo-stream.yaml");
  private static final String MOUNTED = "/run/secrets/promo-stream";
  private static final String LISTENER = "SECURED";

  private static SecuredSite site;

  /** Where the Secret is mounted: files with passwords and certificates. */
  public final Path secrets;

  private final Path directory;
  private final EmbeddedBroker broker;
  private final EmbeddedDatabase database;
  private int copies;

  private SecuredSite(Path directory) throws Exception {
    this.directory = directory;
    this.secrets = Files.createDirectory(directory.resolve("secrets"));
    Certificates certificates = Certificates.create(directory);
    Files.copy(certificates.ca(), secrets.resolve("kafka-ca.pem"));
    Files.copy(certificates.ca(), secrets.resolve("postgres-ca.pem"));
    broker = startBroker(certificates);
    database = startDatabase(certificates);
  }

  /** The site, started when it is first asked for, stopped with the JVM. */
  public static synchronized SecuredSite get() throws Exception {
    if (site == null) {
      SecuredSite started = new SecuredSite(Files.createTempDirectory("promo-stream-secured-"));
      Runtime.getRuntime().addShutdownHook(new Thread(started.broker::close));
      started.createTopicsAndTables();
      for (String account : List.of(KAFKA_PASSWORD, SUBSCRIBERS_PASSWORD, FEEDBACK_PASSWORD)) {
        started.changePassword(account, "s3cret-" + account.charAt(0) + UUID.randomUUID());
      }
      site = started;
    }
    return site;
  }

  private static EmbeddedBroker startBroker(Certificates certificates) throws Exception {
    String listener = "listener.name." + LISTENER.toLowerCase(java.util.Locale.ROOT) + ".";
    return EmbeddedBroker.start(
        Map.ofEntries(
            // The kit's own listener is the tests' back door.
            Map.entry(
                "listeners",
                "EXTERNAL://127.0.0.1:0,CONTROLLER://localhost:0," + LISTENER + "://127.0.0.1:0"),
            Map.entry(
                "listener.security.protocol.map",
                "EXTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT," + LISTENER + ":SASL_SSL"),
            Map.entry(listener + "ssl.keystore.type", "PKCS12"),
            Map.entry(listener + "ssl.keystore.location", certificates.keyStore().toString()),
            Map.entry(listener + "ssl.keystore.password", Certificates.PASSWORD),
            Map.entry(listener + "ssl.key.password", Certificates.PASSWORD),
            Map.entry(listener + "sasl.enabled.mechanisms", "SCRAM-SHA-512"),
            Map.entry(
                listener + "scram-sha-512.sasl.jaas.config",
                "org.apache.kafka.common.security.scram.ScramLoginModule required;"),
            Map.entry(
                "authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer"),
            Map.entry("allow.everyone.if.no.acl.found", "false"),
            Map.entry("super.users", "User:ANONYMOUS")));
  }

  private EmbeddedDatabase startDatabase(Certificates certificates) throws IOException {
    Path rules = directory.resolve("pg_hba.conf");
    Files.writeString(
        rules,
        """
        host    all %s all trust
        hostssl all all all scram-sha-256
        """
            .formatted(EmbeddedDatabase.SUPERUSER));
    return EmbeddedDatabase.start(
        Map.of(
            "hba_file", rules.toString(),
            "ssl", "on",
            "ssl_cert_file", certificates.chain().toString(),
            "ssl_key_file", certificates.key().toString(),
            "password_encryption", "scram-sha-256"));
  }

  private void createTopicsAndTables() throws Exception {
    for (String topic : List.of(PROMOS, NOTIFICATIONS, REJECTED)) {
      broker.createTopic(topic, 2);
    }
    for (String name : List.of(SUBSCRIBERS, FEEDBACK)) {
      database.createDatabase(name);
      // So that nothing is allowed because everybody is.
      execute(
          name,
          "REVOKE ALL ON DATABASE %s FROM PUBLIC; REVOKE ALL ON SCHEMA public FROM PUBLIC"
              .formatted(name));
    }
    execute(SUBSCRIBERS, TestDatabase.subscribersTable());
    execute(
        FEEDBACK,
        TestDatabase.feedbackTable()
            + "DROP TABLE public.subscribers_feedback; CREATE TABLE public.subscribers_feedback (%s)"
                .formatted(TestDatabase.EXISTING_FEEDBACK_COLUMNS));
    execute(SUBSCRIBERS, Files.readString(ACCOUNTS.resolve("subscribers.sql")));
    execute(FEEDBACK, Files.readString(ACCOUNTS.resolve("feedback.sql")));
    for (List<String> command : aclCommands()) {
      kafkaAcls(command);
    }
  }

  /** Runs SQL as superuser. */
  public void execute(String databaseName, String sql) {
    try (Connection connection = database.connect(databaseName);
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    } catch (SQLException e) {
      throw new IllegalStateException(sql, e);
    }
  }

  /** The GRANTs of a file of {@code k8s/accounts}. */
  public static List<String> grants(String file) throws IOException {
    return Stream.of(Files.readString(ACCOUNTS.resolve(file)).split(";"))
        .map(statement -> statement.replaceAll("--.*", "").strip().replaceAll("\\s+", " "))
        .filter(statement -> statement.startsWith("GRANT "))
        .toList();
  }

  /**
   * The arguments of each {@code kafka-acls.sh} that {@code k8s/accounts/kafka.sh} calls: it runs
   * as it is, with a kafka-acls.sh on its PATH that notes them.
   */
  public List<List<String>> aclCommands() throws Exception {
    Path bin = Files.createDirectories(directory.resolve("bin"));
    Path noted = bin.resolve("noted");
    Files.deleteIfExists(noted);
    Path shim = bin.resolve("kafka-acls.sh");
    Files.writeString(shim, "#!/bin/sh\nprintf '%s\\n' \"$@\" '' >> '" + noted + "'\n");
    Files.setPosixFilePermissions(shim, PosixFilePermissions.fromString("rwx------"));
    ProcessBuilder script =
        new ProcessBuilder(
            ACCOUNTS.resolve("kafka.sh").toString(),
            "--bootstrap-server",
            broker.bootstrapServers());
    script.environment().merge("PATH", bin.toString(), (path, first) -> first + ":" + path);
    if (script.inheritIO().start().waitFor() != 0) {
      throw new IllegalStateException("kafka.sh failed");
    }
    return Arrays.stream(Files.readString(noted).split("\n\n"))
        .map(command -> command.lines().toList())
        .toList();
  }

  /** Kafka's own kafka-acls.sh, by the broker's back door; returns when its change is in force. */
  public void kafkaAcls(List<String> arguments) throws Exception {
    int before = acls();
    PrintStream out = System.out;
    System.setOut(new PrintStream(OutputStream.nullOutputStream(), false, UTF_8));
    Exit.setExitProcedure(
        (code, message) -> {
          throw new IllegalStateException(arguments + " ended with " + code);
        });
    try {
      AclCommand.main(arguments.toArray(String[]::new));
    } finally {
      Exit.resetExitProcedure();
      System.setOut(out);
    }
    Waiting.until("the change by " + arguments, () -> acls() != before);
  }

  private int acls() throws Exception {
    try (Admin admin = broker.admin()) {
      return admin.describeAcls(AclBindingFilter.ANY).values().get(30, SECONDS).size();
    }
  }

  /** Gives an account a password, and its file. */
  public void changePassword(String account, String password) throws Exception {
    switch (account) {
      case KAFKA_PASSWORD -> {
        ScramCredentialInfo info = new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096);
        try (Admin admin = broker.admin()) {
          admin
              .alterUserScramCredentials(
                  List.of(new UserScramCredentialUpsertion("promo-stream", info, password)))
              .all()
              .get(30, SECONDS);
        }
      }
      case SUBSCRIBERS_PASSWORD ->
          execute("postgres", "ALTER ROLE promo_stream_reader PASSWORD '" + password + "'");
      default -> execute("postgres", "ALTER ROLE promo_stream_writer PASSWORD '" + password + "'");
    }
    Files.writeString(secrets.resolve(account), password);
  }

  /** The secrets, but one of them another. */
  public Path secretsBut(String file, String content) throws IOException {
    Path copy = Files.createDirectory(directory.resolve("secrets-" + ++copies));
    try (Stream<Path> files = Files.list(secrets)) {
      for (Path secret : files.toList()) {
        Files.copy(secret, copy.resolve(secret.getFileName()));
      }
    }
    Files.writeString(copy.resolve(file), content);
    return copy;
  }

  /** A certificate authority that signed nothing here. */
  public String otherAuthority() throws Exception {
    Path other = directory.resolve("other");
    if (!Files.exists(other)) {
      Certificates.create(Files.createDirectory(other));
    }
    return Files.readString(other.resolve("ca.pem"));
  }

  public JobConfig config(String... settings) throws IOException {
    return configWith(secrets, Map.of(), settings);
  }

  /**
   * The configuration of overlays/prod, with this site's addresses.
   *
   * @param mounted the directory of the secrets
   * @param settings {@code --key=value}, beyond that
   */
  public JobConfig configWith(Path mounted, Map<String, String> environment, String... settings)
      throws IOException {
    Path file = mounted.resolveSibling(mounted.getFileName() + ".yaml");
    String postgres = "127.0.0.1:" + database.port();
    Files.writeString(
        file,
        Files.readString(CONFIGURATION)
            .replaceAll("bootstrap-servers: \\S+", "bootstrap-servers: " + brokers())
            .replaceAll("//[\\w-]+-db\\.example:5432", "//" + postgres)
            .replace(MOUNTED, mounted.toString()));
    List<String> arguments = new ArrayList<>(List.of("--config", file.toString()));
    arguments.add("--subscribers.refresh-interval=300 ms");
    arguments.addAll(List.of(settings));
    return JobConfig.load(arguments.toArray(String[]::new), environment);
  }

  /** Where the job finds the broker. */
  public String brokers() {
    return broker.bootstrapServers(LISTENER);
  }

  /** Where the tests find the broker, without TLS and with all rights. */
  public EmbeddedBroker backDoor() {
    return broker;
  }

  public EmbeddedDatabase database() {
    return database;
  }
}
