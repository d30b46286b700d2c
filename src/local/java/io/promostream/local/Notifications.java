package io.promostream.local;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.promostream.promo.Promo;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** The committed notifications of a topic, from its beginning, as other services read them. */
public final class Notifications implements AutoCloseable {

  private static final JsonFactory JSON = new JsonFactory();

  private final KafkaConsumer<byte[], byte[]> consumer;
  private final List<TopicPartition> partitions;

  public Notifications(String bootstrapServers, String topic) {
    consumer =
        new KafkaConsumer<>(
            Map.of("bootstrap.servers", bootstrapServers, "isolation.level", "read_committed"),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer());
    partitions =
        consumer.partitionsFor(topic).stream()
            .map(partition -> new TopicPartition(topic, partition.partition()))
            .toList();
    consumer.assign(partitions);
    consumer.seekToBeginning(partitions);
  }

  /** Passes on the notifications that were committed between the last call and this one. */
  public void read(Consumer<ConsumerRecord<byte[], byte[]>> action) {
    Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
    while (partitions.stream().anyMatch(p -> consumer.position(p) < ends.get(p))) {
      consumer.poll(Duration.ofMillis(100)).forEach(action);
    }
  }

  /** Reads the notifications that were committed since the last call into memory, for tests. */
  public List<Delivery> read() {
    List<Delivery> deliveries = new ArrayList<>();
    read(message -> deliveries.add(parse(message)));
    return deliveries;
  }

  /**
   * Reads one notification strictly: it must have exactly the ten fields in their order, and the
   * client's id as key.
   *
   * @throws IllegalArgumentException if the message breaks the format, with its place and the
   *     problem
   */
  public static Delivery parse(ConsumerRecord<byte[], byte[]> message) {
    try (JsonParser json = JSON.createParser(message.value())) {
      expect(json, JsonToken.START_OBJECT);
      String restaurantId = text(json, "restaurant_id");
      String campaignId = text(json, "adv_campaign_id");
      String content = text(json, "adv_campaign_content");
      String owner = text(json, "adv_campaign_owner");
      String ownerContact = text(json, "adv_campaign_owner_contact");
      long start = integer(json, "adv_campaign_datetime_start");
      long end = integer(json, "adv_campaign_datetime_end");
      String clientId = text(json, "client_id");
      long created = integer(json, "datetime_created");
      long matchedAt = integer(json, "trigger_datetime_created");
      expect(json, JsonToken.END_OBJECT);
      if (json.nextToken() != null) {
        throw new IOException("more than one JSON value");
      }
      if (!Arrays.equals(message.key(), clientId.getBytes(StandardCharsets.UTF_8))) {
        throw new IOException("the key is not the client_id");
      }
      return new Delivery(
          new Promo(restaurantId, campaignId, content, owner, ownerContact, start, end, created),
          clientId,
          matchedAt);
    } catch (IOException | RuntimeException e) {
      throw new IllegalArgumentException(
          message.topic()
              + " partition "
              + message.partition()
              + " offset "
              + message.offset()
              + ": "
              + e.getMessage(),
          e);
    }
  }

  private static String text(JsonParser json, String field) throws IOException {
    value(json, field, JsonToken.VALUE_STRING);
    String text = json.getText();
    if (text.codePoints().anyMatch(c -> c == 0 || (c >= 0xD800 && c <= 0xDFFF))) {
      throw new IOException(
          field + " holds U+0000 or half a surrogate pair, which no row can hold");
    }
    return text;
  }

  private static long integer(JsonParser json, String field) throws IOException {
    value(json, field, JsonToken.VALUE_NUMBER_INT);
    return json.getLongValue();
  }

  private static void value(JsonParser json, String field, JsonToken token) throws IOException {
    expect(json, JsonToken.FIELD_NAME);
    if (!json.currentName().equals(field)) {
      throw new IOException("expected the field " + field + ", but found " + json.currentName());
    }
    expect(json, token);
  }

  private static void expect(JsonParser json, JsonToken expected) throws IOException {
    JsonToken token = json.nextToken();
    if (token != expected) {
      throw new IOException(
          "expected " + expected + ", but found " + token + " (" + json.currentName() + ")");
    }
  }

  @Override
  public void close() {
    consumer.close();
  }
}
