package io.promostream.check;

import static java.util.concurrent.TimeUnit.SECONDS;
import static java.util.stream.Collectors.joining;

import io.promostream.config.JobConfig;
import io.promostream.config.KafkaLogin;
import io.promostream.config.KafkaProperties;
import io.promostream.kafka.KafkaAdvice;
import io.promostream.kafka.KafkaTarget;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.util.TimeUtils;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.DescribeClusterResult;
import org.apache.kafka.clients.admin.DescribeConsumerGroupsOptions;
import org.apache.kafka.clients.admin.DescribeTopicsOptions;
import org.apache.kafka.clients.admin.DescribeTransactionsResult;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.TransactionalIdNotFoundException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.jspecify.annotations.Nullable;

/** Checks the brokers, the topics, the groups and the rights to transactional ids. */
final class KafkaCheck {

  /** The time in which a healthy broker answers, including connecting and retries. */
  private static final Duration ANSWER = Duration.ofSeconds(15);

  /** The user name of a login module, which is not a secret. */
  private static final Pattern USERNAME = Pattern.compile("username\\s*=\\s*[\"']?[\\w.-]+");

  private static final String BROKER_TRANSACTION_TIMEOUT = "transaction.max.timeout.ms";

  /** A shorter retention can expire before anyone has handled an outage. */
  private static final Duration SHORT_RETENTION = Duration.ofDays(1);

  private static final String LOGIN = "kafka.properties." + KafkaLogin.PROPERTY;

  /** Subjects whose problems would fail every restart of the job. */
  static final Set<String> NEVER_STARTS = Set.of(BROKER_TRANSACTION_TIMEOUT, LOGIN);

  private final JobConfig config;
  private final Findings findings;
  private final Admin admin;
  private final boolean exactlyOnce;

  private KafkaCheck(JobConfig config, Findings findings, Admin admin) {
    this.config = config;
    this.findings = findings;
    this.admin = admin;
    exactlyOnce = config.guarantee() == DeliveryGuarantee.EXACTLY_ONCE;
  }

  static void run(JobConfig config, Findings findings) throws InterruptedException {
    for (String name : config.kafka().properties().keySet()) {
      if (!KafkaProperties.isKnown(name)) {
        findings.warning(
            "kafka.properties." + name, "no Kafka client knows this name", "check its spelling");
      }
    }
    with(config, findings, KafkaCheck::run);
  }

  /** Checks only for problems that would fail every restart of the job. */
  static void beforeStart(JobConfig config, Findings findings) throws InterruptedException {
    with(
        config,
        findings,
        check -> {
          Node broker = check.exactlyOnce ? check.checkBrokers() : null;
          if (broker != null) {
            check.checkBrokerSettings(broker);
          }
        });
  }

  private interface Look {
    void at(KafkaCheck check) throws InterruptedException;
  }

  private static void with(JobConfig config, Findings findings, Look look)
      throws InterruptedException {
    Map<String, Object> properties = new HashMap<>(config.kafka().properties());
    properties.put(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, config.kafka().bootstrapServers());
    properties.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, (int) ANSWER.toMillis());
    properties.put(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, (int) ANSWER.toMillis() / 2);
    Admin admin;
    try {
      admin = Admin.create(properties);
    } catch (KafkaException e) {
      findings.problem(
          KafkaLogin.isBlamedFor(e) ? LOGIN : "kafka",
          "cannot create a Kafka client: " + reason(e, config),
          "correct kafka.bootstrap-servers or .properties");
      return;
    }
    try {
      look.at(new KafkaCheck(config, findings, admin));
    } finally {
      admin.close(Duration.ofSeconds(1));
    }
  }

  private void run() throws InterruptedException {
    Node broker = checkBrokers();
    if (broker == null) {
      return;
    }
    // A mark is a consumer group's offset on the sink's topic, and Kafka requires READ on a topic
    // to commit an offset.
    List<AclOperation> written =
        exactlyOnce ? List.of(AclOperation.WRITE, AclOperation.READ) : List.of(AclOperation.WRITE);
    checkTopic(config.promos().topic(), List.of(AclOperation.READ));
    checkTopic(config.notificationsTopic(), written);
    checkTopic(config.rejectedTopic(), written);
    if (config.reports().topic() != null) {
      checkTopic(config.reports().topic(), written);
    }
    if (config.controlTopic() != null) {
      checkTopic(config.controlTopic(), List.of(AclOperation.READ));
    }
    checkGroup(config.promos().groupId());
    if (exactlyOnce) {
      checkBrokerSettings(broker);
      checkTransactionalIds();
      checkMarks();
    }
  }

  /** Returns one broker, or null if no broker answers. */
  private Node checkBrokers() throws InterruptedException {
    try {
      DescribeClusterResult cluster = admin.describeCluster();
      Set<Node> nodes = Set.copyOf(get(cluster.nodes()));
      findings.ok(
          "kafka", "%d broker(s), cluster %s".formatted(nodes.size(), get(cluster.clusterId())));
      return nodes.iterator().next();
    } catch (KafkaException e) {
      findings.problem(
          "kafka",
          "no answer from " + config.kafka().bootstrapServers() + ": " + reason(e, config),
          KafkaAdvice.of(e));
      return null;
    }
  }

  private void checkTopic(String topic, List<AclOperation> needed) throws InterruptedException {
    String subject = "topic " + topic;
    TopicDescription found;
    try {
      found =
          get(
              admin
                  .describeTopics(
                      List.of(topic), new DescribeTopicsOptions().includeAuthorizedOperations(true))
                  .topicNameValues()
                  .get(topic));
    } catch (UnknownTopicOrPartitionException e) {
      findings.problem(
          subject, "does not exist", "create it; its partitions bound how many subtasks use it");
      return;
    } catch (KafkaException e) {
      findings.problem(subject, reason(e, config), "grant " + names(needed) + " on it");
      return;
    }
    List<AclOperation> refused =
        needed.stream().filter(one -> isRefused(found.authorizedOperations(), one)).toList();
    if (!refused.isEmpty()) {
      findings.problem(
          subject, "no right to " + names(refused), "grant " + names(refused) + " on it");
    } else {
      findings.ok(
          subject,
          "%d partition(s), %d replica(s)"
              .formatted(found.partitions().size(), found.partitions().get(0).replicas().size()));
    }
    if (needed.contains(AclOperation.WRITE)) {
      checkSize(subject, topic);
    }
  }

  private static String names(List<AclOperation> operations) {
    return operations.stream().map(AclOperation::name).collect(joining(" and "));
  }

  private void checkSize(String subject, String topic) throws InterruptedException {
    int ours = config.kafka().maxRecordSize();
    boolean rejects = topic.equals(config.rejectedTopic());
    try {
      Config settings = configOf(new ConfigResource(ConfigResource.Type.TOPIC, topic));
      int most = Integer.parseInt(value(settings, TopicConfig.MAX_MESSAGE_BYTES_CONFIG));
      if (most < ours) {
        findings.warning(
            subject,
            "takes messages of %d bytes, the job could send %d: %s"
                .formatted(
                    most,
                    ours,
                    rejects
                        ? "larger rejected promos are written without their values"
                        : "promos with larger notifications are rejected"),
            "raise the topic's max.message.bytes to " + ours);
      } else {
        findings.ok(subject, "takes messages of %d bytes, enough for %d".formatted(most, ours));
      }
      boolean compacted =
          value(settings, TopicConfig.CLEANUP_POLICY_CONFIG)
              .contains(TopicConfig.CLEANUP_POLICY_COMPACT);
      if (topic.equals(config.reports().topic())) {
        if (!compacted) {
          findings.warning(
              subject,
              "is not compacted, so it keeps every report, or loses the last one of a campaign",
              "set its cleanup.policy to compact");
        }
      } else if (compacted) {
        findings.warning(
            subject,
            "is compacted, so it keeps only the last message of each key"
                + (rejects ? ", and the job gives a key to each promo without one" : ""),
            "set its cleanup.policy to delete");
      }
    } catch (KafkaException e) {
      findings.warning(
          subject,
          "its max.message.bytes cannot be read: " + reason(e, config),
          "grant DESCRIBE_CONFIGS on it, or make sure that it is at least " + ours);
    }
  }

  private void checkGroup(String group) throws InterruptedException {
    String subject = "group " + group;
    String missing = missingRightTo(group);
    if (missing == null) {
      findings.ok(subject, "may be read");
    } else {
      findings.problem(subject, missing, "grant READ on it");
    }
  }

  /** Marks and lease are offsets of consumer groups; some of these groups may not exist yet. */
  private void checkMarks() throws InterruptedException {
    String begin = config.transactionPrefix() + "/";
    String subject = "groups " + begin;
    for (String group : KafkaTarget.idPrefixes(config)) {
      String missing = missingRightTo(group);
      if (missing != null) {
        findings.problem(subject, missing, "grant READ on the groups that begin with " + begin);
        return;
      }
    }
    findings.ok(subject, "may be read");
  }

  /** Returns the problem of a group, or null. A group that does not exist yet is no problem. */
  private @Nullable String missingRightTo(String group) throws InterruptedException {
    try {
      ConsumerGroupDescription found =
          get(
              admin
                  .describeConsumerGroups(
                      List.of(group),
                      new DescribeConsumerGroupsOptions().includeAuthorizedOperations(true))
                  .describedGroups()
                  .get(group));
      return isRefused(found.authorizedOperations(), AclOperation.READ) ? "no right to READ" : null;
    } catch (GroupIdNotFoundException e) {
      return null;
    } catch (KafkaException e) {
      return reason(e, config);
    }
  }

  private void checkBrokerSettings(Node broker) throws InterruptedException {
    String subject = BROKER_TRANSACTION_TIMEOUT;
    Duration ours = config.kafka().transactionTimeout();
    try {
      Config settings = configOf(new ConfigResource(ConfigResource.Type.BROKER, broker.idString()));
      checkRetention(settings);
      Duration most =
          Duration.ofMillis(Long.parseLong(value(settings, BROKER_TRANSACTION_TIMEOUT)));
      String found =
          "the brokers allow %s, the job asks for %s"
              .formatted(
                  TimeUtils.formatWithHighestUnit(most), TimeUtils.formatWithHighestUnit(ours));
      if (most.compareTo(ours) < 0) {
        findings.problem(
            subject,
            found,
            "raise it, or set kafka.properties.transaction.timeout.ms to " + most.toMillis());
      } else {
        findings.ok(subject, found);
      }
    } catch (KafkaException e) {
      findings.warning(
          subject,
          "cannot be read, nor can %s: %s".formatted(KafkaTarget.MARK_RETENTION, reason(e, config)),
          "grant DESCRIBE_CONFIGS on the cluster, or make sure that they are at least %d and %d"
              .formatted(ours.toMillis(), SHORT_RETENTION.toMinutes()));
    }
  }

  private void checkRetention(Config settings) {
    Duration retention =
        Duration.ofMinutes(Long.parseLong(value(settings, KafkaTarget.MARK_RETENTION)));
    String found =
        "the brokers keep marks for %s: after a longer outage in the middle of a delivery, feedback.on-lost-transaction decides"
            .formatted(TimeUtils.formatWithHighestUnit(retention));
    if (retention.compareTo(SHORT_RETENTION) < 0) {
      findings.warning(
          KafkaTarget.MARK_RETENTION,
          found,
          "raise it to " + SHORT_RETENTION.toMinutes() + " or more");
    } else {
      findings.ok(KafkaTarget.MARK_RETENTION, found);
    }
  }

  /**
   * Describes the transactional ids. WRITE on an id implies DESCRIBE, and Kafka reports a missing
   * WRITE only to a producer, so this is the closest check that changes nothing.
   */
  private void checkTransactionalIds() throws InterruptedException {
    String subject = "transactions " + config.transactionPrefix();
    List<String> ids = KafkaTarget.idPrefixes(config);
    DescribeTransactionsResult described = admin.describeTransactions(ids);
    try {
      for (String id : ids) {
        checkTransactionalId(described.description(id));
      }
      findings.ok(subject, "may be described");
    } catch (AuthorizationException e) {
      findings.problem(
          subject,
          "no right to transactional ids",
          "grant DESCRIBE and WRITE on those that begin with " + config.transactionPrefix() + "/");
    } catch (KafkaException e) {
      findings.warning(subject, reason(e, config), "look at the brokers' transaction coordinators");
    }
  }

  private static void checkTransactionalId(KafkaFuture<?> description) throws InterruptedException {
    try {
      get(description);
    } catch (TransactionalIdNotFoundException e) {
      // The id has not been used yet, but the role may describe it.
    }
  }

  private Config configOf(ConfigResource resource) throws InterruptedException {
    return get(admin.describeConfigs(List.of(resource)).values().get(resource));
  }

  private static String value(Config settings, String name) {
    ConfigEntry entry = settings.get(name);
    if (entry == null || entry.value() == null) {
      throw new KafkaException("the broker does not report " + name);
    }
    return entry.value();
  }

  /** {@code allowed} is null or empty if the broker does not report operations. */
  private static boolean isRefused(Set<AclOperation> allowed, AclOperation needed) {
    return allowed != null
        && !allowed.isEmpty()
        && !allowed.contains(needed)
        && !allowed.contains(AclOperation.ALL);
  }

  private static <T> T get(KafkaFuture<T> future) throws InterruptedException {
    try {
      return future.get(2 * ANSWER.toSeconds(), SECONDS);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof KafkaException kafka ? kafka : new KafkaException(e.getCause());
    } catch (TimeoutException e) {
      throw new KafkaException("no answer", e);
    }
  }

  /**
   * Joins the messages of a failure and its causes, and masks secrets: a misconfigured login module
   * quotes its configuration.
   */
  private static String reason(Throwable failure, JobConfig config) {
    StringBuilder reason = new StringBuilder(String.valueOf(failure.getMessage()));
    for (Throwable cause = failure.getCause(); cause != null; cause = cause.getCause()) {
      if (cause.getMessage() != null && reason.indexOf(cause.getMessage()) < 0) {
        reason.append(": ").append(cause.getMessage());
      }
    }
    String shown = KafkaLogin.withoutQuotes(reason.toString());
    for (Map.Entry<String, String> property : config.kafka().properties().entrySet()) {
      if (KafkaProperties.isSecret(property.getKey())) {
        shown = withoutWordsOf(property.getValue(), shown);
      }
    }
    return shown;
  }

  private static String withoutWordsOf(String secret, String text) {
    String words =
        Arrays.stream(USERNAME.matcher(secret).replaceAll("").split("[\\s\"'=;]+", -1))
            // Class names are not secrets, and masking short words would make the message
            // unreadable.
            .filter(word -> word.length() > 3 && !word.startsWith("org.apache.kafka."))
            .map(Pattern::quote)
            .collect(joining("|"));
    return words.isEmpty() ? text : text.replaceAll(words, "***");
  }
}
