package io.promostream.config;

import io.promostream.config.JobConfig.Distribution;
import io.promostream.config.JobConfig.OnLostTransaction;
import io.promostream.config.JobConfig.StartFrom;
import java.time.Duration;
import java.time.ZoneId;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.apache.flink.connector.base.DeliveryGuarantee;

/** The keys of the configuration, each declared once. */
final class ConfigKeys {

  static final ConfigKey<String> KAFKA_BOOTSTRAP_SERVERS =
      required(
          "kafka.bootstrap-servers",
          "host:port,...",
          "Kafka brokers for the initial connection.",
          ConfigValues::bootstrapServers);

  static final ConfigKey<String> KAFKA_PROPERTIES =
      optional(
          "kafka.properties.*",
          "text",
          "",
          "Passed to every Kafka client under the rest of the name (SASL, TLS, ...). A secret may be"
              + " a ${provider:...} reference of Kafka's config.providers.",
          Function.identity());

  static final ConfigKey<String> PROMOS_TOPIC =
      topic("promos.topic", "restaurant.promos", "Topic to read promos from.");

  static final ConfigKey<String> PROMOS_GROUP_ID =
      optional(
          "promos.group-id",
          "text",
          "promo-stream",
          "Consumer group whose committed offsets show how far promos were read.",
          ConfigValues::text);

  static final ConfigKey<StartFrom> PROMOS_START_FROM =
      choice(
          "promos.start-from",
          StartFrom.COMMITTED,
          List.of(StartFrom.values()),
          "Where a start without checkpoint or savepoint begins to read; committed means earliest"
              + " where nothing was committed.");

  static final ConfigKey<Duration> PROMOS_REMEMBER_ENDED =
      duration(
          "promos.remember-ended",
          "7 d",
          // The limit of ten years catches a wrong unit and stays far below the overflow of a
          // long of nanoseconds.
          Duration.ofMillis(1),
          Duration.ofDays(3650),
          "How long after its end a campaign's recipients are remembered, so that late copies and"
              + " extensions bring nobody a second notification.");

  static final ConfigKey<String> NOTIFICATIONS_TOPIC =
      topic("notifications.topic", "subscriber.promos", "Topic to write notifications to.");

  static final ConfigKey<String> REJECTED_TOPIC =
      topic(
          "rejected.topic",
          "restaurant.promos.rejected",
          "Topic to write rejected promos and refused notifications to.");

  static final DatabaseKeys SUBSCRIBERS_DB = new DatabaseKeys("subscribers", "the subscriptions");

  static final ConfigKey<TableName> SUBSCRIBERS_TABLE =
      table(
          "subscribers.table",
          "public.subscribers_restaurants",
          "The subscriber list; the job only reads it.");

  static final ConfigKey<Duration> SUBSCRIBERS_REFRESH_INTERVAL =
      duration(
          "subscribers.refresh-interval",
          "30 s",
          // Each refresh reads the table's fingerprints. A shorter interval would only load a
          // server that other teams use.
          Duration.ofMillis(100),
          Duration.ofDays(1),
          "Time between two refreshes of the subscriber list.");

  static final ConfigKey<Distribution> SUBSCRIBERS_DISTRIBUTION =
      choice(
          "subscribers.distribution",
          Distribution.BROADCAST,
          List.of(Distribution.values()),
          "How changed subscriptions reach the subtasks: to all, each keeping its own; or by"
              + " restaurant, for lists that change too much to send them to all.");

  static final DatabaseKeys FEEDBACK_DB = new DatabaseKeys("feedback", "the feedback table");

  static final ConfigKey<TableName> FEEDBACK_TABLE =
      table(
          "feedback.table",
          "public.subscribers_feedback",
          "Receives one row for each notification.");

  static final ConfigKey<TableName> FEEDBACK_COMMITS_TABLE =
      table(
          "feedback.commits-table",
          "public.promo_stream_commits",
          "Keeps how far the feedback sink has come, and which job may write. In the database of the"
              + " feedback table; feedback.sql in the jar creates it.");

  static final ConfigKey<TableName> FEEDBACK_REFUSED_TABLE =
      table(
          "feedback.refused-table",
          "public.subscribers_feedback_refused",
          "Gets the rows that the feedback table refuses, each with its reason. In the same database;"
              + " feedback.sql in the jar creates it.");

  static final ConfigKey<OnLostTransaction> FEEDBACK_ON_LOST_TRANSACTION =
      choice(
          "feedback.on-lost-transaction",
          OnLostTransaction.FAIL,
          List.of(OnLostTransaction.values()),
          "What to do when Postgres or Kafka has lost commits that it had confirmed (a failover to a"
              + " standby that was behind, a restored backup), or when Kafka has forgotten how far an"
              + " old savepoint was written: fail until this is changed, or log and count it and go"
              + " on.");

  static final ConfigKey<DeliveryGuarantee> DELIVERY_GUARANTEE =
      choice(
          "delivery.guarantee",
          DeliveryGuarantee.EXACTLY_ONCE,
          List.of(DeliveryGuarantee.EXACTLY_ONCE, DeliveryGuarantee.AT_LEAST_ONCE),
          "exactly-once shows a delivery when the next checkpoint completes; at-least-once sooner,"
              + " and after a failure some of them twice.");

  static final ConfigKey<Duration> DELIVERY_LATE_SUBSCRIBERS_WITHIN =
      optional(
          "delivery.late-subscribers-within",
          "duration",
          "",
          "How long after its start a live campaign still reaches clients who subscribe meanwhile, as"
              + " of the refresh that finds them. Empty: until its end.",
          text ->
              text.isBlank()
                  ? null
                  : ConfigValues.duration(text, Duration.ofSeconds(1), Duration.ofDays(3650)));

  static final ConfigKey<Integer> DELIVERY_CONTROL_GROUP_PERCENT =
      optional(
          "delivery.control-group-percent",
          "0 to 100",
          "0",
          "The share of each campaign's clients that gets neither notification nor row, so that the"
              + " effect of campaigns can be measured. At most two decimals.",
          ConfigValues::percent);

  static final ConfigKey<Integer> DELIVERY_MAX_PER_SECOND =
      limit(
          "delivery.max-per-second",
          "The most deliveries a second of the whole job; the subtasks share it in equal parts.");

  static final ConfigKey<Integer> DELIVERY_MAX_PER_SECOND_PER_RESTAURANT =
      limit(
          "delivery.max-per-second-per-restaurant",
          "The most deliveries a second of one restaurant.");

  static final ConfigKey<QuietHours> DELIVERY_QUIET_HOURS =
      optional(
          "delivery.quiet-hours",
          "HH:MM-HH:MM",
          "",
          "The hours of each day in which nothing is delivered. A campaign that is live afterwards is"
              + " delivered then; one that ends in them is missed.",
          text -> text.isBlank() ? null : ConfigValues.quietHours(text));

  static final ConfigKey<ZoneId> DELIVERY_TIME_ZONE =
      optional(
          "delivery.time-zone",
          "zone such as Europe/Berlin",
          "UTC",
          "The time zone of the quiet hours.",
          ConfigValues::zone);

  static final ConfigKey<String> REPORTS_TOPIC =
      optional(
          "reports.topic",
          "topic",
          "",
          "Compacted topic that gets a report of each campaign: its state and numbers. Empty: no"
              + " reports.",
          text -> text.isBlank() ? null : ConfigValues.topic(text));

  static final ConfigKey<Duration> REPORTS_INTERVAL =
      duration(
          "reports.interval",
          "10 s",
          Duration.ofMillis(1),
          Duration.ofDays(1),
          "The shortest time between two reports of a campaign whose numbers change. Reports are"
              + " written at checkpoints.");

  static final ConfigKey<String> CONTROL_TOPIC =
      optional(
          "control.topic",
          "topic",
          "",
          "Topic with commands that pause, resume and stop campaigns. Empty: no commands.",
          text -> text.isBlank() ? null : ConfigValues.topic(text));

  static final ConfigKey<String> TRANSACTION_PREFIX =
      optional(
          "transaction-prefix",
          "letters, digits, - _ .",
          "promo-stream",
          "Begins the names of this job's transactions, at most 100 characters; distinct for every"
              + " job that shares a broker or a database.",
          ConfigValues::transactionPrefix);

  static final List<ConfigKey<?>> ALL =
      List.of(
          KAFKA_BOOTSTRAP_SERVERS,
          KAFKA_PROPERTIES,
          PROMOS_TOPIC,
          PROMOS_GROUP_ID,
          PROMOS_START_FROM,
          PROMOS_REMEMBER_ENDED,
          NOTIFICATIONS_TOPIC,
          REJECTED_TOPIC,
          SUBSCRIBERS_DB.url(),
          SUBSCRIBERS_DB.user(),
          SUBSCRIBERS_DB.password(),
          SUBSCRIBERS_DB.passwordFile(),
          SUBSCRIBERS_TABLE,
          SUBSCRIBERS_REFRESH_INTERVAL,
          SUBSCRIBERS_DISTRIBUTION,
          FEEDBACK_DB.url(),
          FEEDBACK_DB.user(),
          FEEDBACK_DB.password(),
          FEEDBACK_DB.passwordFile(),
          FEEDBACK_TABLE,
          FEEDBACK_COMMITS_TABLE,
          FEEDBACK_REFUSED_TABLE,
          FEEDBACK_ON_LOST_TRANSACTION,
          DELIVERY_GUARANTEE,
          DELIVERY_LATE_SUBSCRIBERS_WITHIN,
          DELIVERY_CONTROL_GROUP_PERCENT,
          DELIVERY_MAX_PER_SECOND,
          DELIVERY_MAX_PER_SECOND_PER_RESTAURANT,
          DELIVERY_QUIET_HOURS,
          DELIVERY_TIME_ZONE,
          REPORTS_TOPIC,
          REPORTS_INTERVAL,
          CONTROL_TOPIC,
          TRANSACTION_PREFIX);

  private ConfigKeys() {}

  /** The four keys of a database. */
  record DatabaseKeys(
      ConfigKey<String> url,
      ConfigKey<String> user,
      ConfigKey<String> password,
      ConfigKey<String> passwordFile) {

    DatabaseKeys(String group, String what) {
      this(
          required(
              group + ".db.url",
              "jdbc:postgresql://host:port/database",
              "The Postgres database of " + what + ".",
              ConfigValues::jdbcUrl),
          required(group + ".db.user", "text", "The role to connect as.", ConfigValues::text),
          optional(
              group + ".db.password",
              "text",
              "",
              "The role's password; refused on the command line. It travels in the job graph.",
              // It may come out of a file by way of a variable.
              Secret::withoutLineBreak),
          optional(
              group + ".db.password-file",
              "path",
              "",
              "File that holds the password, read for each connection on the machine that connects;"
                  + " instead of the password.",
              Function.identity()));
    }
  }

  /** Finds the key, or the family of keys, that contains a name. */
  static Optional<ConfigKey<?>> find(String name) {
    return ALL.stream()
        .filter(
            key ->
                key.isFamily()
                    ? name.startsWith(key.familyPrefix())
                        && name.length() > key.familyPrefix().length()
                    : name.equals(key.name()))
        .findFirst();
  }

  /** Whether a key's value must not be shown or given on the command line. */
  static boolean isSecret(String name) {
    return name.equals(SUBSCRIBERS_DB.password().name())
        || name.equals(FEEDBACK_DB.password().name())
        || (name.startsWith(KAFKA_PROPERTIES.familyPrefix())
            && KafkaProperties.isSecret(name.substring(KAFKA_PROPERTIES.familyPrefix().length())));
  }

  private static <T> ConfigKey<T> required(
      String name, String type, String meaning, Function<String, T> parser) {
    return new ConfigKey<>(name, type, null, meaning, parser);
  }

  private static <T> ConfigKey<T> optional(
      String name, String type, String defaultText, String meaning, Function<String, T> parser) {
    return new ConfigKey<>(name, type, defaultText, meaning, parser);
  }

  private static ConfigKey<Integer> limit(String name, String meaning) {
    return optional(
        name,
        "number from 1",
        "",
        meaning + " Bursts last a second at most. Empty: no limit.",
        text -> text.isBlank() ? null : ConfigValues.positive(text));
  }

  private static ConfigKey<String> topic(String name, String defaultText, String meaning) {
    return optional(name, "topic", defaultText, meaning, ConfigValues::topic);
  }

  private static ConfigKey<TableName> table(String name, String defaultText, String meaning) {
    return optional(name, "schema.table", defaultText, meaning, TableName::parse);
  }

  private static ConfigKey<Duration> duration(
      String name, String defaultText, Duration atLeast, Duration atMost, String meaning) {
    return optional(
        name,
        "duration",
        defaultText,
        meaning,
        text -> ConfigValues.duration(text, atLeast, atMost));
  }

  private static <E extends Enum<E>> ConfigKey<E> choice(
      String name, E defaultValue, List<E> values, String meaning) {
    return optional(
        name,
        ConfigValues.choices(values),
        ConfigValues.written(defaultValue),
        meaning,
        text -> ConfigValues.choice(text, values));
  }
}
