package io.promostream.kafka;

import static java.util.concurrent.TimeUnit.SECONDS;

import io.promostream.config.JobConfig;
import io.promostream.config.KafkaAdvice;
import java.io.IOException;
import java.io.Serializable;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.AbstractRecords;
import org.apache.kafka.common.record.CompressionType;
import org.apache.kafka.common.record.RecordBatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How large a message may be: what the producer sends ({@code max.request.size}, {@code
 * buffer.memory}) and the topic takes ({@code max.message.bytes}), whichever is least, less what
 * compression by either may add ({@code compression.type}). A larger one would fail the sink, again
 * and again.
 */
public final class TopicLimits {

  private static final Logger LOG = LoggerFactory.getLogger(TopicLimits.class);

  /** As a producer's setting, and as those of a topic by which its broker compresses nothing. */
  private static final Set<String> UNCOMPRESSED = Set.of("none", "producer", "uncompressed");

  private TopicLimits() {}

  /** Finds the limit of a topic, where and when it is needed. */
  @FunctionalInterface
  public interface Lookup extends Serializable {

    /**
     * The largest message that the topic takes, in bytes, its batch's frame included.
     *
     * @throws IOException if the broker can't be asked
     */
    int maxMessageBytes(String topic) throws IOException;
  }

  /** Asks the broker; where it may not tell, or has no such topic, the producer's limit holds. */
  public static Lookup ofBroker(JobConfig.Kafka kafka) {
    return topic -> ask(kafka, topic);
  }

  private static int ask(JobConfig.Kafka kafka, String topic) throws IOException {
    int limit = kafka.maxRecordSize();
    boolean compressed =
        !UNCOMPRESSED.contains(
            kafka.properties().getOrDefault(ProducerConfig.COMPRESSION_TYPE_CONFIG, "none"));
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
    try (Admin admin = Admin.create(KafkaClients.properties(kafka))) {
      Config settings =
          admin.describeConfigs(List.of(resource)).values().get(resource).get(60, SECONDS);
      String most = settings.get(TopicConfig.MAX_MESSAGE_BYTES_CONFIG).value();
      limit = Math.min(limit, Integer.parseInt(most));
      // With a codec of the topic's own the broker compresses anew, and then looks at the size.
      compressed |=
          !UNCOMPRESSED.contains(settings.get(TopicConfig.COMPRESSION_TYPE_CONFIG).value());
    } catch (ExecutionException e) {
      if (!(e.getCause() instanceof AuthorizationException
          || e.getCause() instanceof UnknownTopicOrPartitionException)) {
        throw new IOException(
            "the limits of topic %s can't be read from %s: %s"
                .formatted(topic, kafka.bootstrapServers(), KafkaAdvice.causeAndAdvice(e)),
            e);
      }
      LOG.warn(
          "{} of topic {} can't be read, {} bytes are taken for it: a lower limit of the topic would fail the job. Grant DescribeConfigs on the topic.",
          TopicConfig.MAX_MESSAGE_BYTES_CONFIG,
          topic,
          limit,
          e.getCause());
    } catch (TimeoutException e) {
      throw new IOException("the limits of topic " + topic + " can't be read in 60 s", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while reading the limits of topic " + topic, e);
    }
    // What does not compress grows a little: by a 256th at most, plus the codec's frame.
    return compressed ? limit - limit / 256 - 512 : limit;
  }

  /** What a message takes at most, in bytes, as the producer reckons it. */
  public static int sizeOf(Message message) {
    Header[] headers =
        message.headers().stream()
            .map(header -> new RecordHeader(header.key(), header.value()))
            .toArray(Header[]::new);
    return AbstractRecords.estimateSizeInBytesUpperBound(
        RecordBatch.CURRENT_MAGIC_VALUE,
        CompressionType.NONE,
        message.key(),
        message.value(),
        headers);
  }
}
