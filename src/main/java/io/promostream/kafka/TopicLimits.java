package io.promostream.kafka;

import static java.util.concurrent.TimeUnit.SECONDS;

import io.promostream.config.JobConfig;
import java.io.IOException;
import java.io.Serializable;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.record.AbstractRecords;
import org.apache.kafka.common.record.CompressionType;
import org.apache.kafka.common.record.Record;
import org.apache.kafka.common.record.RecordBatch;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The largest allowed message: the smallest of the producer's limits ({@code max.request.size},
 * {@code buffer.memory}) and the topic's limit ({@code max.message.bytes}), minus the bytes that
 * compression by either may add ({@code compression.type}).
 */
public final class TopicLimits {

  private static final Logger LOG = LoggerFactory.getLogger(TopicLimits.class);

  /** The values of {@code compression.type}, of a producer or a topic, that compress nothing. */
  private static final Set<String> UNCOMPRESSED = Set.of("none", "producer", "uncompressed");

  private TopicLimits() {}

  /** Looks up the limits of a topic when they are needed. */
  @FunctionalInterface
  public interface Lookup extends Serializable {

    /**
     * The largest message that the topic accepts, in bytes, including the overhead of its batch.
     *
     * @throws IOException if the broker does not answer
     */
    int maxMessageBytes(String topic) throws IOException;

    /** Whether the topic is compacted and therefore refuses messages without a key. */
    default boolean needsKeys(String topic) throws IOException {
      return false;
    }
  }

  /**
   * A lookup that asks the broker. If the account may not read the settings, or the topic does not
   * exist, the producer's limit applies.
   *
   * @param topics the topics that may be looked up; one connection reads them all
   */
  public static Lookup ofBroker(JobConfig.Kafka kafka, String... topics) {
    return new BrokerLookup(kafka, List.of(topics));
  }

  /** The limit of a topic, read over an existing connection. */
  static int maxMessageBytes(JobConfig.Kafka kafka, Admin admin, String topic) throws IOException {
    return limit(kafka, settings(kafka, admin, topic));
  }

  /** Keeps what it read for a moment, because a task asks several questions when it starts. */
  private static final class BrokerLookup implements Lookup {

    private static final long serialVersionUID = 1;
    private static final long KEPT_NANOS = 1_000_000_000L;

    private final JobConfig.Kafka kafka;
    private final List<String> topics;
    private transient @Nullable Map<String, Config> found;
    private transient long readNanos;

    BrokerLookup(JobConfig.Kafka kafka, List<String> topics) {
      this.kafka = kafka;
      this.topics = topics;
    }

    @Override
    public int maxMessageBytes(String topic) throws IOException {
      return limit(kafka, settings().get(topic));
    }

    @Override
    public boolean needsKeys(String topic) throws IOException {
      Config settings = settings().get(topic);
      return settings != null
          && settings
              .get(TopicConfig.CLEANUP_POLICY_CONFIG)
              .value()
              .contains(TopicConfig.CLEANUP_POLICY_COMPACT);
    }

    private Map<String, Config> settings() throws IOException {
      Map<String, Config> recent = found;
      if (recent == null || System.nanoTime() - readNanos > KEPT_NANOS) {
        recent = new HashMap<>();
        try (Admin admin = Admin.create(KafkaClients.properties(kafka))) {
          for (String topic : topics) {
            recent.put(topic, TopicLimits.settings(kafka, admin, topic));
          }
        }
        found = recent;
        readNanos = System.nanoTime();
      }
      return recent;
    }
  }

  private static int limit(JobConfig.Kafka kafka, @Nullable Config settings) {
    int limit = kafka.maxRecordSize();
    boolean compressed = !UNCOMPRESSED.contains(kafka.compression());
    if (settings != null) {
      String maxMessageBytes = settings.get(TopicConfig.MAX_MESSAGE_BYTES_CONFIG).value();
      limit = Math.min(limit, Integer.parseInt(maxMessageBytes));
      // If the topic has its own codec, the broker compresses again before it checks the size.
      compressed |=
          !UNCOMPRESSED.contains(settings.get(TopicConfig.COMPRESSION_TYPE_CONFIG).value());
    }
    // Incompressible data grows by at most 1/256, plus the frame of the codec.
    return compressed ? limit - limit / 256 - 512 : limit;
  }

  /** The topic's settings, or null if the account may not read them or the topic does not exist. */
  private static @Nullable Config settings(JobConfig.Kafka kafka, Admin admin, String topic)
      throws IOException {
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
    try {
      return admin.describeConfigs(List.of(resource)).values().get(resource).get(60, SECONDS);
    } catch (ExecutionException e) {
      if (!(e.getCause() instanceof AuthorizationException
          || e.getCause() instanceof UnknownTopicOrPartitionException)) {
        throw new IOException(
            "Cannot read the limits of topic %s from %s: %s"
                .formatted(topic, kafka.bootstrapServers(), KafkaAdvice.causeAndAdvice(e)),
            e);
      }
      LOG.warn(
          "Cannot read {} of topic {}, so the producer's limit of {} bytes holds. Grant DescribeConfigs on the topic.",
          TopicConfig.MAX_MESSAGE_BYTES_CONFIG,
          topic,
          kafka.maxRecordSize(),
          e.getCause());
      return null;
    } catch (TimeoutException e) {
      throw new IOException("Cannot read the limits of topic " + topic + " within 60 s", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("Interrupted while reading the limits of topic " + topic, e);
    }
  }

  /**
   * The current limit of a topic. Somebody may raise the limit while the job runs, so it is read
   * again before a message counts as too large, but not more often than every 10 s. If somebody
   * lowers the limit, the job notices that when the topic refuses a message.
   */
  public static final class Current {

    private static final long EXPIRY_NANOS = 10_000_000_000L;

    private final Lookup limits;
    private final String topic;
    private int bytes;
    private long readNanos;

    public Current(Lookup limits, String topic) throws IOException {
      this.limits = limits;
      this.topic = topic;
      read();
    }

    private void read() throws IOException {
      readNanos = System.nanoTime();
      bytes = limits.maxMessageBytes(topic);
    }

    /** The last known limit. */
    public int bytes() {
      return bytes;
    }

    /** Whether the topic accepts a message of this size. */
    public boolean accepts(int size) {
      if (size > bytes && System.nanoTime() - readNanos > EXPIRY_NANOS) {
        try {
          read();
        } catch (IOException e) {
          LOG.warn("{}. The last known limit of {} bytes applies.", e.getMessage(), bytes);
        }
      }
      return size <= bytes;
    }
  }

  /** The reason for rejecting a message that is larger than its topic's limit. */
  public static String tooLarge(int bytes, String topic, int limit) {
    return "The message takes %d bytes, but topic %s accepts at most %d"
        .formatted(bytes, topic, limit);
  }

  /** The producer's upper bound of a message's size in bytes. */
  public static int sizeOf(Message message) {
    Header[] headers =
        message.headers().isEmpty()
            ? Record.EMPTY_HEADERS
            : message.toRecord("unnamed").headers().toArray();
    return AbstractRecords.estimateSizeInBytesUpperBound(
        RecordBatch.CURRENT_MAGIC_VALUE,
        CompressionType.NONE,
        message.key(),
        message.value(),
        headers);
  }
}
