package io.promostream;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.config.JobConfig;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.kafka.lineage.KafkaDatasetFacet;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.lineage.LineageDatasetFacet;
import org.apache.flink.streaming.api.lineage.LineageGraph;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The lineage of the job's graph. {@code LineageIT} proves that a listener receives it. */
class LineageTest {

  private static final String SERVERS = "kafka-1:9092,kafka-2:9092";

  private static final String PROMOS = "kafka://kafka-1:9092/restaurant.promos";
  private static final String SUBSCRIBERS =
      "postgres://crm:5432/customers.public.subscribers_restaurants";
  private static final String NOTIFICATIONS = "kafka://kafka-1:9092/subscriber.promos";
  private static final String REJECTED = "kafka://kafka-1:9092/restaurant.promos.rejected";
  private static final String FEEDBACK = "postgres://a:5433,b:5432/marketing.push.feedback";

  private static LineageGraph lineage(String guarantee) {
    StreamExecutionEnvironment env = new StreamExecutionEnvironment(new Configuration());
    PromoStreamJob.prepare(
        env,
        JobConfig.load(
            new String[] {
              "--delivery.guarantee=" + guarantee,
              "--kafka.bootstrap-servers=" + SERVERS,
              "--subscribers.db.url=jdbc:postgresql://crm/customers?sslmode=verify-full",
              "--subscribers.db.user=reader",
              "--feedback.db.url=jdbc:postgresql://a:5433,b/marketing?targetServerType=primary",
              "--feedback.db.user=writer",
              "--feedback.table=push.feedback"
            },
            Map.of(
                "PROMO_STREAM_KAFKA_PROPERTIES_SECURITY_PROTOCOL",
                "SASL_SSL",
                "PROMO_STREAM_KAFKA_PROPERTIES_SASL_MECHANISM",
                "PLAIN",
                "PROMO_STREAM_KAFKA_PROPERTIES_SASL_JAAS_CONFIG",
                "org.apache.kafka.common.security.plain.PlainLoginModule required"
                    + " username=\"promo-stream\" password=\"secret\";")));
    return env.getStreamGraph().getLineageGraph();
  }

  @ParameterizedTest
  @ValueSource(strings = {"exactly-once", "at-least-once"})
  void showsSourcesSinksAndEdges(String guarantee) {
    LineageGraph lineage = lineage(guarantee);
    assertThat(LineageUris.of(lineage.sources())).containsExactlyInAnyOrder(PROMOS, SUBSCRIBERS);
    assertThat(LineageUris.of(lineage.sinks()))
        .containsExactlyInAnyOrder(NOTIFICATIONS, REJECTED, FEEDBACK);
    assertThat(LineageUris.edges(lineage))
        .containsExactlyInAnyOrder(
            edge(PROMOS, NOTIFICATIONS),
            edge(SUBSCRIBERS, NOTIFICATIONS),
            edge(PROMOS, FEEDBACK),
            edge(SUBSCRIBERS, FEEDBACK),
            edge(PROMOS, REJECTED));
  }

  private static String edge(String source, String sink) {
    return "[%s] -> [%s]".formatted(source, sink);
  }

  /** A listener may print what it receives. The connector's own facets contain the password. */
  @ParameterizedTest
  @ValueSource(strings = {"exactly-once", "at-least-once"})
  void showsNoPropertyOfKafkaClientsExceptServers(String guarantee) {
    LineageGraph lineage = lineage(guarantee);
    List<LineageDatasetFacet> facets =
        Stream.of(lineage.sources(), lineage.sinks())
            .flatMap(List::stream)
            .flatMap(vertex -> vertex.datasets().stream())
            .flatMap(dataset -> dataset.facets().values().stream())
            .toList();
    assertThat(facets)
        .hasSize(3)
        .allSatisfy(
            facet ->
                assertThat(((KafkaDatasetFacet) facet).getProperties())
                    .isEqualTo(Map.of("bootstrap.servers", SERVERS)));
  }
}
