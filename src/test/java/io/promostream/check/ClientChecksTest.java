package io.promostream.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.promostream.config.ConfigException;
import io.promostream.config.JobConfig;
import io.promostream.kafka.KafkaClients;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ClientChecksTest {

  private static final String LOGIN =
      "org.apache.kafka.common.security.plain.PlainLoginModule required password=hunter2;";

  private static List<String> problems(String... kafkaProperties) {
    List<String> args =
        new ArrayList<>(
            List.of(
                "--kafka.bootstrap-servers=no-such-broker:9092",
                "--subscribers.db.url=jdbc:postgresql://lists/lists",
                "--subscribers.db.user=reader",
                "--feedback.db.url=jdbc:postgresql://rows/rows",
                "--feedback.db.user=writer"));
    for (String property : kafkaProperties) {
      args.add(
          (property.startsWith("delivery.guarantee") ? "--" : "--kafka.properties.") + property);
    }
    JobConfig config =
        JobConfig.load(
            args.toArray(String[]::new),
            Map.of("PROMO_STREAM_KAFKA_PROPERTIES_SASL_JAAS_CONFIG", LOGIN));
    ConfigException refused =
        catchThrowableOfType(
            ConfigException.class,
            () -> ClientChecks.check(config, KafkaClients.producerProperties(config)));
    return refused == null ? List.of() : refused.getMessage().lines().toList();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          max.in.flight.requests.per.connection=10              | max.in.flight.requests.per.connection must be set to at most 5
          retries=0                                             | Must set retries to non-zero
          delivery.timeout.ms=30000                             | delivery.timeout.ms: must be at least linger.ms + request.timeout.ms, which is 30005
          linger.ms=1000 delivery.timeout.ms=30999              | delivery.timeout.ms: must be at least linger.ms + request.timeout.ms, which is 31000
          default.api.timeout.ms=29999                          | default.api.timeout.ms: must be at least request.timeout.ms, which is 30000
          group.protocol=consumer session.timeout.ms=10000      | session.timeout.ms
          security.protocol=SASL_SSL sasl.mechanism=            | sasl.mechanism
          """)
  void refusesPropertiesThatKafkaClientsRefuse(String properties, String told) {
    assertThat(problems(properties.split(" ", -1)))
        .singleElement()
        .asString()
        .startsWith("kafka.properties")
        .contains(told)
        .doesNotContain("hunter2");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "client.id=job",
        "max.in.flight.requests.per.connection=5",
        "delivery.timeout.ms=30050",
        "linger.ms=200000",
        "request.timeout.ms=90000",
        "delivery.guarantee=at-least-once retries=0",
        // Missing or unknown until the job runs.
        "retries=${env:RETRIES} config.providers=env config.providers.env.class=org.example.Mine",
        "interceptor.classes=org.example.Mine partitioner.class=org.example.Mine",
        "security.protocol=SSL ssl.truststore.location=/no/such/file",
        "my.own=x",
      })
  void acceptsOtherProperties(String properties) {
    assertThat(problems(properties.split(" ", -1))).isEmpty();
  }

  @Test
  void reportsAllProblems() {
    assertThat(problems("retries=0", "default.api.timeout.ms=1")).hasSize(2);
  }
}
