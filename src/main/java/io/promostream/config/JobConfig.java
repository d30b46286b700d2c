package io.promostream.config;

import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.jspecify.annotations.Nullable;

/**
 * The job's validated configuration. {@code configuration.md} explains each value.
 *
 * @param controlTopic with commands; null for none
 * @param guarantee exactly-once or at-least-once, never {@code NONE}
 * @param transactionPrefix letters, digits, {@code -}, {@code _} and {@code .}, at most 100
 */
public record JobConfig(
    Kafka kafka,
    Promos promos,
    String notificationsTopic,
    String rejectedTopic,
    Subscribers subscribers,
    Feedback feedback,
    Delivery delivery,
    Reports reports,
    @Nullable String controlTopic,
    DeliveryGuarantee guarantee,
    String transactionPrefix)
    implements Serializable {

  /**
   * Reads and checks the configuration.
   *
   * @param args the job's arguments; {@link CommandLine} handles {@code --help} and {@code --check}
   * @throws ConfigException listing every problem, if there is any
   */
  public static JobConfig load(String[] args, Map<String, String> environment) {
    Settings settings = Settings.gather(CommandLine.parse(args), environment);
    DeliveryGuarantee guarantee = settings.get(ConfigKeys.DELIVERY_GUARANTEE);
    JobConfig config =
        new JobConfig(
            new Kafka(
                settings.get(ConfigKeys.KAFKA_BOOTSTRAP_SERVERS),
                settings.kafkaProperties(guarantee)),
            new Promos(
                settings.get(ConfigKeys.PROMOS_TOPIC),
                settings.get(ConfigKeys.PROMOS_GROUP_ID),
                settings.get(ConfigKeys.PROMOS_START_FROM)),
            settings.get(ConfigKeys.NOTIFICATIONS_TOPIC),
            settings.get(ConfigKeys.REJECTED_TOPIC),
            new Subscribers(
                settings.database(ConfigKeys.SUBSCRIBERS_DB),
                settings.get(ConfigKeys.SUBSCRIBERS_TABLE),
                settings.get(ConfigKeys.SUBSCRIBERS_REFRESH_INTERVAL),
                settings.get(ConfigKeys.SUBSCRIBERS_DISTRIBUTION)),
            new Feedback(
                settings.database(ConfigKeys.FEEDBACK_DB),
                settings.get(ConfigKeys.FEEDBACK_TABLE),
                settings.get(ConfigKeys.FEEDBACK_COMMITS_TABLE),
                settings.get(ConfigKeys.FEEDBACK_REFUSED_TABLE),
                settings.get(ConfigKeys.FEEDBACK_ON_LOST_TRANSACTION)),
            new Delivery(
                settings.get(ConfigKeys.PROMOS_REMEMBER_ENDED),
                settings.get(ConfigKeys.DELIVERY_LATE_SUBSCRIBERS_WITHIN),
                settings.get(ConfigKeys.DELIVERY_CONTROL_GROUP_PERCENT),
                settings.get(ConfigKeys.DELIVERY_MAX_PER_SECOND),
                settings.get(ConfigKeys.DELIVERY_MAX_PER_SECOND_PER_RESTAURANT),
                settings.quietHours()),
            new Reports(
                settings.get(ConfigKeys.REPORTS_TOPIC), settings.get(ConfigKeys.REPORTS_INTERVAL)),
            settings.get(ConfigKeys.CONTROL_TOPIC),
            guarantee,
            settings.get(ConfigKeys.TRANSACTION_PREFIX));
    settings.requireDistinct(
        ConfigKeys.PROMOS_TOPIC,
        ConfigKeys.REJECTED_TOPIC,
        "or the job would reject its own rejected promos in a loop");
    settings.requireDistinct(
        ConfigKeys.PROMOS_TOPIC,
        ConfigKeys.NOTIFICATIONS_TOPIC,
        "or the job would read its own notifications as promos");
    settings.requireDistinct(
        ConfigKeys.NOTIFICATIONS_TOPIC,
        ConfigKeys.REJECTED_TOPIC,
        "or clients would receive rejected promos");
    for (ConfigKey<?> optional : List.of(ConfigKeys.REPORTS_TOPIC, ConfigKeys.CONTROL_TOPIC)) {
      for (ConfigKey<?> other :
          List.of(
              ConfigKeys.PROMOS_TOPIC, ConfigKeys.NOTIFICATIONS_TOPIC, ConfigKeys.REJECTED_TOPIC)) {
        settings.requireDistinct(optional, other, "or their readers would get the wrong messages");
      }
    }
    settings.requireDistinct(
        ConfigKeys.REPORTS_TOPIC,
        ConfigKeys.CONTROL_TOPIC,
        "or the job would read its own reports as commands");
    settings.throwIfWrong();
    return config;
  }

  /**
   * The Kafka brokers and the properties of the clients.
   *
   * @param properties for every Kafka client, by Kafka's names; may contain secrets
   */
  public record Kafka(String bootstrapServers, Map<String, String> properties)
      implements Serializable {

    /**
     * The codec of the producers, unless the configuration names another one. Notifications of one
     * promo differ only in the client, so lz4 shrinks them to a seventh. That saves more processor
     * time in sending and storing than it costs: a fifth of all processes' time at ten subscribers
     * a promo, and a quarter at 1,000 (performance.md).
     */
    private static final String DEFAULT_COMPRESSION = "lz4";

    public Kafka {
      properties = Map.copyOf(properties);
    }

    /** The codec of the producers, as Kafka names it. */
    public String compression() {
      return properties
          .getOrDefault(ProducerConfig.COMPRESSION_TYPE_CONFIG, DEFAULT_COMPRESSION)
          .strip();
    }

    /**
     * How long a transaction may stay open before the broker aborts it. The default is Kafka's, one
     * minute.
     */
    public Duration transactionTimeout() {
      return Duration.ofMillis(
          number(ProducerConfig.TRANSACTION_TIMEOUT_CONFIG, Duration.ofMinutes(1).toMillis()));
    }

    /**
     * The size in bytes of the largest record that a producer can send. It is bounded by
     * max.request.size (default 1 MiB) and by buffer.memory (default 32 MiB), which must hold it.
     */
    public int maxRecordSize() {
      return (int)
          Math.min(number(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, 1 << 20), bufferMemory());
    }

    /** The bytes that a producer may buffer until the broker acknowledges them. */
    public long bufferMemory() {
      return number(ProducerConfig.BUFFER_MEMORY_CONFIG, 32 << 20);
    }

    private long number(String property, long otherwise) {
      String configured = properties.get(property);
      return configured == null ? otherwise : Long.parseLong(configured.strip());
    }

    /** Shows the names of the properties only. */
    @Override
    public String toString() {
      return "Kafka[bootstrapServers="
          + bootstrapServers
          + ", properties="
          + new TreeSet<>(properties.keySet())
          + "]";
    }
  }

  /** The promo source. */
  public record Promos(String topic, String groupId, StartFrom startFrom) implements Serializable {}

  /**
   * The rules of delivery that an operator sets.
   *
   * @param rememberEnded how long the job remembers a campaign's recipients after its end
   * @param lateSubscribersWithin how long after its start a campaign reaches clients who subscribe
   *     while it is live; null for no limit
   * @param controlGroupHundredths the share of clients that gets nothing, in hundredths of a
   *     percent
   * @param maxPerSecond deliveries of the whole job; null for no limit
   * @param maxPerSecondPerRestaurant deliveries of one restaurant; null for no limit
   * @param quietHours in which nothing is delivered; null for none
   */
  public record Delivery(
      Duration rememberEnded,
      @Nullable Duration lateSubscribersWithin,
      Integer controlGroupHundredths,
      @Nullable Integer maxPerSecond,
      @Nullable Integer maxPerSecondPerRestaurant,
      @Nullable QuietHours quietHours)
      implements Serializable {}

  /**
   * The reports on campaigns.
   *
   * @param topic null for no reports
   * @param interval the shortest time between two reports of a campaign whose numbers change
   */
  public record Reports(@Nullable String topic, Duration interval) implements Serializable {}

  /** The first offset to read when the job starts without checkpoint or savepoint. */
  public enum StartFrom {
    /** The committed offset of the group, or the earliest offset if there is none. */
    COMMITTED,
    EARLIEST,
    LATEST
  }

  /** The subscriber list and how the job reads it. */
  public record Subscribers(
      Database database, TableName table, Duration refreshInterval, Distribution distribution)
      implements Serializable {}

  /** How the job distributes changed subscriptions to the subtasks. */
  public enum Distribution {
    /** Every subtask receives all changes and keeps those of its own restaurants. */
    BROADCAST,
    /** Each subtask receives only the changes of its own restaurants. */
    KEYED
  }

  /**
   * The feedback sink.
   *
   * @param commitsTable stores the progress of the sink and the job that may write
   * @param refusedTable receives the rows that the feedback table refuses
   */
  public record Feedback(
      Database database,
      TableName table,
      TableName commitsTable,
      TableName refusedTable,
      OnLostTransaction onLostTransaction)
      implements Serializable {}

  /** The reaction when Postgres or Kafka has lost confirmed commits. */
  public enum OnLostTransaction {
    /** The job fails, and fails again at each restart until this is changed. */
    FAIL,
    /** The job logs and counts the loss, and continues without the lost deliveries. */
    CONTINUE
  }
}
