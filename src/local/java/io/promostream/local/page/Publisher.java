package io.promostream.local.page;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.SECONDS;

import io.promostream.promo.Promo;
import io.promostream.promo.PromoField;
import java.io.IOException;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Writes promos and commands to their topics. */
final class Publisher implements AutoCloseable {

  private final Site site;
  private final KafkaProducer<byte[], byte[]> producer;

  Publisher(Site site) {
    this.site = site;
    producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", site.bootstrapServers()),
            new ByteArraySerializer(),
            new ByteArraySerializer());
  }

  void publish(Promo promo) throws Exception {
    send(site.promos(), message(promo));
  }

  /** The message of a promo. */
  static byte[] message(Promo promo) throws IOException {
    return message(
        json -> {
          for (PromoField field : PromoField.values()) {
            if (field.isTime()) {
              json.writeNumberField(field.toString(), field.time(promo));
            } else {
              json.writeStringField(field.toString(), field.text(promo));
            }
          }
        });
  }

  void send(Command command) throws Exception {
    send(
        site.control(),
        message(
            json -> {
              json.writeStringField("action", command.action());
              if (command.restaurantId() != null) {
                json.writeStringField("restaurant_id", command.restaurantId());
              }
              if (command.campaignId() != null) {
                json.writeStringField("adv_campaign_id", command.campaignId());
              }
              json.writeStringField("by", "the page of the local run");
            }));
  }

  private static byte[] message(Json.Fields fields) throws IOException {
    return Json.object(fields).getBytes(UTF_8);
  }

  private void send(String topic, byte[] message) throws Exception {
    producer.send(new ProducerRecord<>(topic, message)).get(30, SECONDS);
  }

  @Override
  public void close() {
    producer.close();
  }
}
