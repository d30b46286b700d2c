package io.promostream.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.config.JobConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.junit.jupiter.api.Test;

/** The configuration of the producers. */
class KafkaClientsTest {

  private static Properties producers(String... settings) {
    return producers(1 << 20, settings);
  }

  private static Properties producers(int largest, String... settings) {
    List<String> args =
        new ArrayList<>(
            List.of(
                "--kafka.bootstrap-servers=broker:9092",
                "--subscribers.db.url=jdbc:postgresql://db/s",
                "--subscribers.db.user=reader",
                "--feedback.db.url=jdbc:postgresql://db/f",
                "--feedback.db.user=writer"));
    args.addAll(List.of(settings));
    return KafkaClients.producerProperties(
        JobConfig.load(args.toArray(String[]::new), Map.of()), largest);
  }

  @Test
  void usesLargeBatches() {
    assertThat(producers()).containsEntry("batch.size", 64 << 10);
  }

  @Test
  void compressesUnlessToldOtherwise() {
    assertThat(producers()).containsEntry("compression.type", "lz4");
    assertThat(producers("--kafka.properties.compression.type=zstd"))
        .containsEntry("compression.type", "zstd");
  }

  @Test
  void configuredPropertiesOverrideDefaults() {
    assertThat(
            producers(
                "--kafka.properties.batch.size=1000",
                "--kafka.properties.transaction.timeout.ms=50000"))
        .containsEntry("batch.size", 1000)
        .containsEntry("transaction.timeout.ms", "50000")
        .containsEntry("bootstrap.servers", "broker:9092");
  }

  @Test
  void batchIsNotLargerThanLargestMessage() {
    assertThat(producers(5_000)).containsEntry("batch.size", 5_000);
    assertThat(producers(5_000, "--kafka.properties.batch.size=9000"))
        .containsEntry("batch.size", 5_000);
  }
}
