package io.promostream;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.config.JobConfig;
import java.util.ArrayList;
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
  private static final String CONTROL = "kafka://kafka-1:9092/promos.control";
  private static final String NOTIFICATIONS = "kafka://kafka-1:9092/subscriber.promos";
  private static final String REJECTED = "kafka://kafka-1:9092/restaurant.promos.rejected";
  private static final String REPORTS = "kafka://kafka-1:9092/promos.reports";
  private static final String FEEDBACK = "postgres://a:5433,b:5432/marketing.push.feedback";

  private static final String[] COMMANDS_AND_REPORTS = {
    "--control.topic=promos.control", "--reports.topic=promos.reports"
  };

  private static LineageGraph lineage(String guarantee, String... settings) {
    List<String> args =
        new ArrayList<>(
            List.of(
                "--delivery.guarantee=" + guarantee,
                "--kafka.bootstrap-servers=" + SERVERS,
                "--subscribers.db.url=jdbc:postgresql://crm/customers?sslmode=verify-full",
                "--subscribers.db.user=reader",
                "--feedback.db.url=jdbc:postgresql://a:5433,b/marketing?targetServerType=primary",
                "--feedback.db.user=writer",
                "--feedback.table=push.feedback"));
    args.addAll(List.of(settings));
    Map<String, String> login =
        Map.of(
            "PROMO_STREAM_KAFKA_PROPERTIES_SECURITY_PROTOCOL",
            "SASL_SSL",
            "PROMO_STREAM_KAFKA_PROPERTIES_SASL_MECHANISM",
            "PLAIN",
            "PROMO_STREAM_KAFKA_PROPERTIES_SASL_JAAS_CONFIG",
            "org.apache.kafka.common.security.plain.PlainLoginModule required"
                + " username=\"promo-stream\" password=\"secret\";");
    StreamExecutionEnvironment env = new StreamExecutionEnvironment(new Configuration());
    PromoStreamJob.prepare(env, JobConfig.load(args.toArray(String[]::new), login));
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

  @ParameterizedTest
  @ValueSource(strings = {"exactly-once", "at-least-once"})
  void showsCommandsAndReports(String guarantee) {
    LineageGraph lineage = lineage(guarantee, COMMANDS_AND_REPORTS);
    assertThat(LineageUris.of(lineage.sources()))
        .containsExactlyInAnyOrder(PROMOS, SUBSCRIBERS, CONTROL);
    assertThat(LineageUris.of(lineage.sinks()))
        .containsExactlyInAnyOrder(NOTIFICATIONS, REJECTED, FEEDBACK, REPORTS);
    assertThat(LineageUris.edges(lineage))
        .containsExactlyInAnyOrder(
            edge(PROMOS, NOTIFICATIONS),
            edge(SUBSCRIBERS, NOTIFICATIONS),
            edge(CONTROL, NOTIFICATIONS),
            edge(PROMOS, FEEDBACK),
            edge(SUBSCRIBERS, FEEDBACK),
            edge(CONTROL, FEEDBACK),
            edge(PROMOS, REPORTS),
            edge(SUBSCRIBERS, REPORTS),
            edge(CONTROL, REPORTS),
            edge(PROMOS, REJECTED),
            edge(CONTROL, REJECTED));
  }

  private static String edge(String source, String sink) {
    return "[%s] -> [%s]".formatted(source, sink);
  }

  /** A listener may print what it receives. The connector's own facets contain the password. */
  @ParameterizedTest
  @ValueSource(strings = {"exactly-once", "at-least-once"})
  void showsNoPropertyOfKafkaClientsExceptServers(String guarantee) {
    LineageGraph lineage = lineage(guarantee, COMMANDS_AND_REPORTS);
    List<LineageDatasetFacet> facets =
        Stream.of(lineage.sources(), lineage.sinks())
            .flatMap(List::stream)
            .flatMap(vertex -> vertex.datasets().stream())
            .flatMap(dataset -> dataset.facets().values().stream())
            .toList();
    assertThat(facets)
        .hasSize(5)
        .allSatisfy(
            facet ->
                assertThat(((KafkaDatasetFacet) facet).getProperties())
                    .isEqualTo(Map.of("bootstrap.servers", SERVERS)));
  }
}
