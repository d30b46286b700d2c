package io.promostream;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.config.JobConfig;
import io.promostream.config.JobConfig.Distribution;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.java.typeutils.runtime.kryo.KryoSerializer;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.runtime.jobgraph.DistributionPattern;
import org.apache.flink.runtime.jobgraph.JobVertex;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.graph.StreamGraph;
import org.apache.flink.streaming.api.graph.StreamNode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The parts of the job graph that savepoints and readers of the web UI rely on. */
class PromoStreamTopologyTest {

  private static StreamGraph graph(Configuration flink, String... settings) {
    List<String> args =
        new ArrayList<>(
            List.of(
                "--kafka.bootstrap-servers=kafka:9092",
                "--subscribers.db.url=jdbc:postgresql://subscribers/db",
                "--subscribers.db.user=reader",
                "--feedback.db.url=jdbc:postgresql://feedback/db",
                "--feedback.db.user=writer"));
    args.addAll(List.of(settings));
    StreamExecutionEnvironment env = new StreamExecutionEnvironment(flink);
    PromoStreamJob.prepare(env, JobConfig.load(args.toArray(String[]::new), Map.of()));
    return env.getStreamGraph();
  }

  @ParameterizedTest
  @EnumSource
  void operatorsHaveUniqueUidsAndNames(Distribution distribution) {
    StreamGraph graph =
        graph(
            new Configuration(),
            "--subscribers.distribution=" + distribution.name().toLowerCase(Locale.ROOT));
    assertThat(graph.getStreamNodes())
        .extracting(StreamNode::getTransformationUID)
        .doesNotContainNull()
        .doesNotHaveDuplicates();
    assertThat(graph.getStreamNodes())
        .extracting(StreamNode::getOperatorName)
        .allMatch(name -> name.matches("(Source: )?[a-z-]+(: (Writer|Committer))?"));
  }

  @ParameterizedTest
  @EnumSource
  void uidsDoNotDependOnConfiguration(Distribution distribution) {
    StreamGraph graph =
        graph(
            new Configuration(),
            "--subscribers.distribution=" + distribution.name().toLowerCase(Locale.ROOT),
            "--promos.topic=elsewhere",
            "--transaction-prefix=another");
    List<String> uids =
        new ArrayList<>(
            List.of(
                "promos",
                "parse-promo",
                "subscribers",
                "deliver-promos",
                "to-notifications",
                "notifications",
                "Sink Committer: notifications",
                "feedback",
                "feedback-at-least-once",
                "Sink Committer: feedback",
                "to-rejected",
                "rejected",
                "Sink Committer: rejected"));
    if (distribution == Distribution.KEYED) {
      uids.add("address-refreshes");
    }
    assertThat(graph.getStreamNodes())
        .extracting(StreamNode::getTransformationUID)
        .containsExactlyInAnyOrderElementsOf(uids);
  }

  /**
   * Over a forward edge each subtask sends only to the first receiver that it is connected with. If
   * only one end is rescaled, the other receivers get no records.
   */
  @ParameterizedTest
  @EnumSource
  void everyVertexCanBeRescaledAlone(Distribution distribution) {
    StreamGraph graph =
        graph(
            new Configuration(),
            "--subscribers.distribution=" + distribution.name().toLowerCase(Locale.ROOT));
    for (JobVertex vertex : graph.getJobGraph().getVertices()) {
      assertThat(vertex.getInputs())
          .as(vertex.getName())
          .allMatch(edge -> edge.getDistributionPattern() == DistributionPattern.ALL_TO_ALL);
    }
  }

  @ParameterizedTest
  @EnumSource
  void noTypeFallsBackToKryo(Distribution distribution) {
    // Building the graph already refuses generic types. This checks the resulting serializers.
    StreamGraph graph =
        graph(
            new Configuration(),
            "--subscribers.distribution=" + distribution.name().toLowerCase(Locale.ROOT));
    for (StreamNode node : graph.getStreamNodes()) {
      List<TypeSerializer<?>> serializers = new ArrayList<>(List.of(node.getTypeSerializersIn()));
      serializers.add(node.getTypeSerializerOut());
      serializers.add(node.getStateKeySerializer());
      assertThat(serializers)
          .as(node.getOperatorName())
          .noneMatch(serializer -> serializer instanceof KryoSerializer);
    }
  }

  @ParameterizedTest
  @CsvSource({"-1,720", "256,256"})
  void usesConfiguredOrDefaultMaxParallelism(int configured, int expected) {
    Configuration flink = new Configuration().set(CoreOptions.DEFAULT_PARALLELISM, 3);
    if (configured > 0) {
      flink.set(PipelineOptions.MAX_PARALLELISM, configured);
    }
    StreamGraph graph = graph(flink);
    StreamNode node =
        graph.getStreamNodes().stream()
            .filter(n -> "deliver-promos".equals(n.getTransformationUID()))
            .findFirst()
            .orElseThrow();
    assertThat(node.getMaxParallelism()).isEqualTo(expected);
    assertThat(node.getParallelism()).isEqualTo(3);
  }
}
