package io.promostream.check;

import io.promostream.config.ConfigException;
import io.promostream.config.JobConfig;
import io.promostream.config.KafkaProperties;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Refuses Kafka properties that are valid alone but invalid together, because a source or sink with
 * them would fail at each restart. It skips references, which are not resolved here, and classes,
 * which may exist only on the cluster; the clients validate both.
 */
public final class ClientChecks {

  private final List<String> problems = new ArrayList<>();

  private ClientChecks() {}

  /**
   * Checks the properties of the job's producers, consumers and Admin clients.
   *
   * @param producers the properties of the producers
   * @throws ConfigException with all problems, as Kafka describes them
   */
  public static void check(JobConfig config, Properties producers) {
    ClientChecks checks = new ClientChecks();
    checks.checkProducer(config, known(config, producers));
    checks.checkConsumer(config, known(config, config.kafka().properties()));
    checks.checkAdmin(known(config, config.kafka().properties()));
    if (!checks.problems.isEmpty()) {
      throw new ConfigException(checks.problems.stream().distinct().toList());
    }
  }

  private static Map<String, Object> known(JobConfig config, Map<?, ?> properties) {
    Map<String, Object> known = new HashMap<>();
    known.put(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, config.kafka().bootstrapServers());
    properties.forEach(
        (name, value) -> {
          if (KafkaProperties.isKnownBeforehand((String) name, value.toString())) {
            known.put((String) name, value);
          }
        });
    return known;
  }

  private void checkProducer(JobConfig config, Map<String, Object> properties) {
    properties.put(ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class);
    properties.put(ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class);
    if (config.guarantee() == DeliveryGuarantee.EXACTLY_ONCE) {
      properties.put(ProducerConfig.TRANSACTIONAL_ID_CONFIG, config.transactionPrefix());
      // Transactions need idempotence. Setting it makes Kafka name the properties that conflict.
      properties.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, "true");
    }
    judge(
        () -> {
          ProducerConfig producer = new ProducerConfig(properties);
          // ProducerConfig does not compare these; the client does so when it is created or sends.
          if (properties.containsKey(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG)) {
            requireAtLeast(
                producer,
                ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG,
                ProducerConfig.LINGER_MS_CONFIG,
                ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG);
          }
        });
  }

  private void checkConsumer(JobConfig config, Map<String, Object> properties) {
    properties.put(ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class);
    properties.put(ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class);
    properties.put(ConsumerConfig.GROUP_ID_CONFIG, config.promos().groupId());
    properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
    judge(() -> new ConsumerConfig(properties));
  }

  private void checkAdmin(Map<String, Object> properties) {
    judge(
        () -> {
          AdminClientConfig admin = new AdminClientConfig(properties);
          if (properties.containsKey(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG)) {
            requireAtLeast(
                admin,
                AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG,
                AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG);
          }
        });
  }

  private void judge(Runnable client) {
    try {
      client.run();
    } catch (KafkaException e) {
      problems.add("kafka.properties: " + e.getMessage());
    }
  }

  private void requireAtLeast(AbstractConfig client, String name, String... others) {
    long least = 0;
    for (String other : others) {
      least += number(client, other);
    }
    if (number(client, name) < least) {
      problems.add(
          "kafka.properties.%s: must be at least %s, which is %d"
              .formatted(name, String.join(" + ", others), least));
    }
  }

  private static long number(AbstractConfig client, String name) {
    return ((Number) client.values().get(name)).longValue();
  }
}
