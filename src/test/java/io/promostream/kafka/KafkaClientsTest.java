package io.promostream.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.config.JobConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.junit.jupiter.api.Test;

/** What the producers are given. */
class KafkaClientsTest {

  private static Properties producers(String... settings) {
    List<String> args =
        new ArrayList<>(
            List.of(
                "--kafka.bootstrap-servers=broker:9092",
                "--subscribers.db.url=jdbc:postgresql://db/s",
                "--subscribers.db.user=reader",
                "--feedback.db.url=jdbc:postgresql://db/f",
                "--feedback.db.user=writer"));
    args.addAll(List.of(settings));
    return KafkaClients.producerProperties(JobConfig.load(args.toArray(String[]::new), Map.of()));
  }

  @Test
  void batchesAreLarge() {
    assertThat(producers()).containsEntry("batch.size", "65536");
  }

  @Test
  void theConfigurationHolds() {
    assertThat(
            producers(
                "--kafka.properties.batch.size=1000",
                "--kafka.properties.linger.ms=0",
                "--kafka.properties.transaction.timeout.ms=60000"))
        .containsEntry("batch.size", "1000")
        .containsEntry("linger.ms", "0")
        .containsEntry("transaction.timeout.ms", "60000")
        .containsEntry("bootstrap.servers", "broker:9092");
  }
}
