package io.promostream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.promostream.check.EnvironmentCheck;
import io.promostream.config.JobConfig;
import io.promostream.kafka.KafkaTarget;
import io.promostream.kafka.Message;
import io.promostream.metrics.JobMetric;
import io.promostream.promo.RejectedExpansion;
import io.promostream.replay.Committable;
import io.promostream.replay.Mark;
import io.promostream.replay.Replayer;
import io.promostream.replay.UnknownMarkException;
import io.promostream.testing.CapturedLogs;
import io.promostream.testing.SecuredSite;
import io.promostream.testing.Waiting;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.apache.logging.log4j.Level;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The configuration of k8s/overlays/prod with only the accounts of k8s/accounts. Broker and
 * database require TLS and a password.
 */
class SecurityIT {

  private static SecuredSite site;

  @TempDir Path checkpoints;

  @BeforeAll
  static void start() throws Exception {
    site = SecuredSite.get();
  }

  /** The output of {@code --check}, and its exit code. */
  private record Report(int exitCode, List<String> lines) {

    static Report of(JobConfig config) {
      ByteArrayOutputStream printed = new ByteArrayOutputStream();
      int exitCode = EnvironmentCheck.run(config, new PrintStream(printed, true, UTF_8));
      return new Report(
          exitCode,
          printed.toString(UTF_8).lines().map(line -> line.replaceAll(" +", " ")).toList());
    }

    List<String> of(String level) {
      return lines.stream().filter(line -> line.startsWith(level + " ")).toList();
    }
  }

  @Test
  void runsAndResumesWithTlsAndDocumentedPrivileges() throws Exception {
    SecuredJob.subscribe("anna");
    String checkpoint;
    try (SecuredJob job = new SecuredJob(site.config(), checkpoints, null)) {
      SecuredJob.send("first");
      SecuredJob.awaitReceivers("first", "anna");
      checkpoint = job.cancel();
    }
    try (SecuredJob job = new SecuredJob(site.config(), checkpoints, checkpoint)) {
      SecuredJob.send("second");
      SecuredJob.awaitReceivers("second", "anna");
      assertThat(SecuredJob.receivers("first")).containsExactly("anna");
    }
  }

  @Test
  void checkPassesWithDocumentedPrivileges() throws Exception {
    Report report = Report.of(site.config());
    System.out.println(String.join("\n", report.lines()));
    assertThat(report.of("problem")).isEmpty();
    assertThat(report.of("warning"))
        .singleElement()
        .asString()
        .contains("trigger_datetime_created is integer, which overflows on 2038-01-19");
    assertThat(report.exitCode()).isZero();
  }

  /** A privilege, and how to revoke and grant it. */
  private record Privilege(String what, Action revoke, Action grant) {
    interface Action {
      void run() throws Exception;
    }

    static Privilege of(List<String> aclCommand) {
      List<String> removal = new ArrayList<>(aclCommand);
      removal.set(removal.indexOf("--add"), "--remove");
      removal.add("--force");
      return new Privilege(
          String.join(" ", aclCommand.subList(2, aclCommand.size())),
          () -> site.kafkaAcls(removal),
          () -> site.kafkaAcls(aclCommand));
    }

    static Privilege of(String database, String grant) {
      String revoke = grant.replaceFirst("^GRANT", "REVOKE").replaceFirst(" TO ", " FROM ");
      return new Privilege(
          grant, () -> site.execute(database, revoke), () -> site.execute(database, grant));
    }

    @Override
    public String toString() {
      return what;
    }
  }

  static Stream<Arguments> privileges() throws Exception {
    SecuredSite site = SecuredSite.get();
    List<String> told =
        List.of(
            "problem topic restaurant.promos Topic authorization failed.: grant READ on it",
            "problem group promo-stream FindCoordinator request for groupId `CoordinatorKey(idValue='promo-stream', type=GROUP)` failed due to authorization failure: grant READ on it",
            "problem topic subscriber.promos no right to WRITE: grant WRITE on it",
            "problem topic subscriber.promos no right to READ: grant READ on it",
            "warning topic subscriber.promos its max.message.bytes cannot be read: ",
            "problem topic restaurant.promos.rejected no right to WRITE: grant WRITE on it",
            "problem topic restaurant.promos.rejected no right to READ: grant READ on it",
            "warning topic restaurant.promos.rejected its max.message.bytes cannot be read: ",
            "problem transactions promo-stream no right to transactional ids: grant ",
            "problem groups promo-stream/ FindCoordinator request for groupId `CoordinatorKey(idValue='promo-stream/notifications/', type=GROUP)` failed due to authorization failure: grant READ on the groups that begin with promo-stream/",
            "warning transaction.max.timeout.ms cannot be read, nor can offsets.retention.minutes: ");
    List<String> toldOfSubscribers =
        List.of(
            "problem subscribers.db cannot connect to ",
            "problem table public.subscribers_restaurants ",
            "problem table public.subscribers_restaurants no right to SELECT client_id, restaurant_id: GRANT SELECT ON ");
    List<String> toldOfFeedback =
        List.of(
            "problem feedback.db cannot connect to ",
            "problem table public.subscribers_feedback ",
            "problem table public.subscribers_feedback no right to INSERT restaurant_id, ",
            "problem table public.subscribers_feedback no right to subscribers_feedback_id_seq, which fills id: GRANT USAGE ON SEQUENCE ",
            "problem table public.subscribers_feedback_refused no right to INSERT restaurant_id, ",
            "problem table public.promo_stream_commits no right to SELECT prefix, writer, ",
            "problem table public.promo_stream_commits no right to INSERT prefix, writer, ",
            "problem table public.promo_stream_commits no right to UPDATE prefix, writer, ");

    List<Privilege> privileges =
        Stream.of(
                site.aclCommands().stream().map(Privilege::of),
                SecuredSite.grants("subscribers.sql").stream()
                    .map(grant -> Privilege.of(SecuredSite.SUBSCRIBERS, grant)),
                SecuredSite.grants("feedback.sql").stream()
                    .map(grant -> Privilege.of(SecuredSite.FEEDBACK, grant)))
            .flatMap(each -> each)
            .toList();
    List<String> sentences =
        Stream.of(told, toldOfSubscribers, toldOfFeedback).flatMap(List::stream).toList();
    assertThat(privileges).hasSameSizeAs(sentences);
    return java.util.stream.IntStream.range(0, sentences.size())
        .mapToObj(i -> Arguments.of(privileges.get(i), sentences.get(i)));
  }

  /** Proves that each privilege is needed, and that the check names a missing one. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("privileges")
  void checkNamesMissingPrivilege(Privilege privilege, String told) throws Exception {
    privilege.revoke().run();
    try {
      Report report = Report.of(site.config());
      List<String> findings = new ArrayList<>(report.of("problem"));
      findings.addAll(report.of("warning"));
      findings.removeIf(finding -> finding.contains("overflows on 2038-01-19"));
      // Three tables are in this schema.
      findings.removeIf(
          finding ->
              finding.contains("permission denied for schema")
                  && finding.matches(".*(_refused|_commits) .*"));
      // Depends on the privilege on the sequence.
      findings.removeIf(finding -> finding.contains("cannot read the sequence of id"));
      assertThat(findings).singleElement().asString().startsWith(told);
    } finally {
      privilege.grant().run();
    }
  }

  @Test
  void checkRequiresTransactionalIdsOfBothSinks() throws Exception {
    List<String> ofBoth =
        site.aclCommands().stream()
            .filter(command -> command.contains("--transactional-id"))
            .findFirst()
            .orElseThrow();
    for (String sink : List.of("notifications", "rejected")) {
      List<String> ofOne = new ArrayList<>(ofBoth);
      ofOne.replaceAll(argument -> argument.equals("promo-stream/") ? argument + sink : argument);
      Privilege.of(ofBoth).revoke().run();
      Privilege.of(ofOne).grant().run();
      try {
        assertThat(Report.of(site.config()).of("problem"))
            .singleElement()
            .asString()
            .startsWith("problem transactions promo-stream no right to transactional ids: grant ");
      } finally {
        Privilege.of(ofOne).revoke().run();
        Privilege.of(ofBoth).grant().run();
      }
    }
  }

  /** A wrong secret, and the expected messages with the account and the remedy. */
  static Stream<Arguments> wrongSecrets() throws Exception {
    SecuredSite site = SecuredSite.get();
    String subscribers = "cannot connect to " + site.database().url("restaurants");
    String feedback = "cannot connect to " + site.database().url("feedback");
    String authority = site.otherAuthority();
    String notSigned = "PKIX path validation failed";
    return Stream.of(
        Arguments.of(
            "kafka-password",
            "wrong",
            List.of(
                site.brokers(),
                "invalid credentials with SASL mechanism SCRAM-SHA-512",
                "heck sasl.mechanism and sasl.jaas.config under kafka.properties")),
        Arguments.of(
            "kafka-ca.pem",
            authority,
            List.of(site.brokers(), notSigned, "heck ssl.truststore.* under kafka.properties")),
        Arguments.of(
            "subscribers-db-password",
            "wrong",
            List.of(
                subscribers,
                "password authentication failed for user \"promo_stream_reader\"",
                "Check the user, its password")),
        Arguments.of(
            "feedback-db-password",
            "wrong",
            List.of(
                feedback,
                "password authentication failed for user \"promo_stream_writer\"",
                "Check the user, its password")),
        Arguments.of(
            "postgres-ca.pem",
            authority,
            List.of(feedback, notSigned, "Check sslmode and sslrootcert in the URL")));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("wrongSecrets")
  void checkNamesWrongSecret(String file, String content, List<String> said) throws Exception {
    Report report = Report.of(site.configWith(site.secretsWith(file, content), Map.of()));
    assertThat(report.exitCode()).isEqualTo(1);
    List<String> problems = report.of("problem");
    System.out.println(String.join("\n", problems));
    // Both databases share one certificate authority.
    assertThat(problems).hasSize(file.equals("postgres-ca.pem") ? 2 : 1);
    assertThat(problems).last().asString().contains(said);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("wrongSecrets")
  void everyFailedStartNamesWrongSecret(String file, String content, List<String> said)
      throws Exception {
    JobConfig config = site.configWith(site.secretsWith(file, content), Map.of());
    try (CapturedLogs logs = new CapturedLogs(Level.INFO, java.util.logging.Level.OFF);
        SecuredJob job = new SecuredJob(config, checkpoints, null)) {
      // An unreadable list does not fail the job, and is logged once.
      boolean ofTheList = file.startsWith("subscribers");
      Waiting.until("failures", () -> failures(logs, ofTheList).size() >= (ofTheList ? 1 : 3));
      assertThat(failures(logs, ofTheList))
          .allSatisfy(failure -> assertThat(failure).contains(said));
    }
  }

  private static List<String> failures(CapturedLogs logs, boolean ofTheList) {
    return logs.lines().stream()
        .filter(
            line ->
                ofTheList
                    ? line.contains("Cannot read the subscriber list")
                    : line.contains(" to FAILED ")
                        || line.contains("Trying to recover from a global failure"))
        .toList();
  }

  @Test
  void runningJobReadsCorrectedPasswordFile() throws Exception {
    SecuredJob.subscribe("berta");
    Path secrets = site.secretsWith(SecuredSite.SUBSCRIBERS_PASSWORD, "of yesterday");
    try (CapturedLogs logs = new CapturedLogs(Level.INFO, java.util.logging.Level.OFF);
        SecuredJob job = new SecuredJob(site.configWith(secrets, Map.of()), checkpoints, null)) {
      SecuredJob.send("rotated");
      Waiting.until(
          "a failed refresh",
          () ->
              logs.lines().stream()
                  .anyMatch(line -> line.contains("Cannot read the subscriber list")));
      Files.copy(
          site.secrets.resolve(SecuredSite.SUBSCRIBERS_PASSWORD),
          secrets.resolve(SecuredSite.SUBSCRIBERS_PASSWORD),
          java.nio.file.StandardCopyOption.REPLACE_EXISTING);
      SecuredJob.awaitReceivers("rotated", "anna", "berta");
    }
  }

  /** Runs every Kafka operation of the sinks with only the account's privileges. */
  @Test
  void replayerNeedsOnlyDocumentedPrivileges() throws Exception {
    KafkaTarget<Message> target =
        new KafkaTarget<>(
            site.config("--transaction-prefix=promo-stream"),
            // Not the topic of the notifications, which other tests of this class read.
            SecuredSite.REJECTED,
            Uids.REJECTED,
            new RejectedExpansion(),
            JobMetric.REJECTED_WRITTEN,
            "a start of the job");
    long twoDaysAgo = System.currentTimeMillis() - 2 * 86_400_000L;
    Committable old = new Committable(1, 1, new byte[0], 1, 1, Long.MAX_VALUE, twoDaysAgo);
    Message message = new Message(new byte[1], new byte[1], List.of());
    try (Replayer<Message> replayer = target.open(new UnregisteredMetricsGroup())) {
      Mark mark = replayer.takeOver("of the test", Mark.NONE, old);
      replayer.commit("of the test", mark, old, List.of(message));
      Waiting.until("the mark", () -> replayer.readMark("of the test").equals(mark.after(old)));
      assertThat(replayer.holdLease()).isTrue();
      replayer.releaseLease();
    }
    Privilege brokerSettings = Privilege.of(site.aclCommands().get(site.aclCommands().size() - 1));
    brokerSettings.revoke().run();
    try (Replayer<Message> replayer = target.open(new UnregisteredMetricsGroup())) {
      assertThatThrownBy(() -> replayer.takeOver("nobody", Mark.NONE, old))
          .isInstanceOf(UnknownMarkException.class)
          .hasMessageContaining("offsets.retention.minutes is 1440");
      replayer.releaseLease();
    } finally {
      brokerSettings.grant().run();
    }
  }
}
