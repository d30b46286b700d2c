package io.promostream.config;

import java.io.Serializable;
import java.time.Duration;
import java.util.Map;
import java.util.TreeSet;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.kafka.clients.producer.ProducerConfig;

/**
 * The job's configuration, read once. {@code configuration.md} says what each key means.
 *
 * @param guarantee exactly or at least once, never none
 * @param transactionPrefix letters, digits, {@code -}, {@code _} and {@code .}, at most 100
 */
public record JobConfig(
    Kafka kafka,
    Promos promos,
    String notificationsTopic,
    String rejectedTopic,
    Subscribers subscribers,
    Feedback feedback,
    DeliveryGuarantee guarantee,
    String transactionPrefix)
    implements Serializable {

  /**
   * Reads and checks the configuration.
   *
   * @param args of the job; {@code --help} and {@code --check} are no matter here, see {@link
   *     CommandLine}
   * @throws ConfigException if anything is wrong with it, with all that is
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
                settings.get(ConfigKeys.PROMOS_START_FROM),
                settings.get(ConfigKeys.PROMOS_REMEMBER_ENDED)),
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
            guarantee,
            settings.get(ConfigKeys.TRANSACTION_PREFIX));
    settings.requireDistinct(
        ConfigKeys.PROMOS_TOPIC,
        ConfigKeys.REJECTED_TOPIC,
        "the job would reject its own rejects for ever");
    settings.requireDistinct(
        ConfigKeys.PROMOS_TOPIC,
        ConfigKeys.NOTIFICATIONS_TOPIC,
        "the job would read its own notifications as promos");
    settings.requireDistinct(
        ConfigKeys.NOTIFICATIONS_TOPIC,
        ConfigKeys.REJECTED_TOPIC,
        "clients would be sent what was rejected");
    settings.throwIfWrong();
    return config;
  }

  /**
   * The brokers, and how to talk to them.
   *
   * @param properties for every Kafka client, by Kafka's names; may hold secrets
   */
  public record Kafka(String bootstrapServers, Map<String, String> properties)
      implements Serializable {

    public Kafka {
      properties = Map.copyOf(properties);
    }

    /**
     * How long a transaction may stay open before the broker aborts it: as configured, or else
     * Kafka's own minute.
     */
    public Duration transactionTimeout() {
      return Duration.ofMillis(
          number(ProducerConfig.TRANSACTION_TIMEOUT_CONFIG, Duration.ofMinutes(1).toMillis()));
    }

    /**
     * The greatest record in bytes that a producer sends: max.request.size and buffer.memory, in
     * which it must find room, both bound it. As configured, or Kafka's own 1 MiB and 32 MiB.
     */
    public int maxRecordSize() {
      return (int)
          Math.min(number(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, 1 << 20), bufferMemory());
    }

    /** The bytes that a producer keeps until the broker has taken them. */
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

  /**
   * Where promos come from.
   *
   * @param rememberEnded how long after its end a campaign's receivers are remembered
   */
  public record Promos(String topic, String groupId, StartFrom startFrom, Duration rememberEnded)
      implements Serializable {}

  /** Where a start without checkpoint or savepoint begins to read promos. */
  public enum StartFrom {
    /** After what the group committed last, or else with the earliest. */
    COMMITTED,
    EARLIEST,
    LATEST
  }

  /** The subscriptions, and how they are read. */
  public record Subscribers(
      Database database, TableName table, Duration refreshInterval, Distribution distribution)
      implements Serializable {}

  /** How changed subscriptions reach the subtasks. */
  public enum Distribution {
    /** To all; each keeps the restaurants that are its own. */
    BROADCAST,
    /** By restaurant. */
    KEYED
  }

  /**
   * Where feedback rows go.
   *
   * @param commitsTable how far the sinks have come, and which job may write
   * @param refusedTable rows that the table refuses
   */
  public record Feedback(
      Database database,
      TableName table,
      TableName commitsTable,
      TableName refusedTable,
      OnLostTransaction onLostTransaction)
      implements Serializable {}

  /** What follows when Postgres or Kafka has lost commits that it had confirmed. */
  public enum OnLostTransaction {
    /** The job fails, and fails again at each restart until this is changed. */
    FAIL,
    /** The loss is logged and counted, and the job goes on without what was lost. */
    CONTINUE
  }
}
