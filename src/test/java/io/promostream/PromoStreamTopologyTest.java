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
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.graph.StreamGraph;
import org.apache.flink.streaming.api.graph.StreamNode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What a savepoint, and whoever reads the web UI, rely on in the graph. */
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
  void everyOperatorHasAUidOfItsOwnAndAName(Distribution distribution) {
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
  @CsvSource({"broadcast,own-share", "keyed,address-refreshes"})
  void theUidsAreLiteralsWhateverIsConfigured(String distribution, String way) {
    StreamGraph graph =
        graph(
            new Configuration(),
            "--subscribers.distribution=" + distribution,
            "--promos.topic=elsewhere",
            "--transaction-prefix=another");
    assertThat(graph.getStreamNodes())
        .extracting(StreamNode::getTransformationUID)
        .containsExactlyInAnyOrder(
            "promos",
            "parse-promo",
            "subscribers",
            way,
            "deliver-promos",
            "to-notifications",
            "notifications",
            "Sink Committer: notifications",
            "feedback",
            "Sink Committer: feedback",
            "rejected",
            "Sink Committer: rejected");
  }

  @ParameterizedTest
  @EnumSource
  void noTypeFallsBackToKryo(Distribution distribution) {
    // Generic types are refused when the graph is built; this looks at what has been built.
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

  /**
   * Else the list would be cut up by other key groups than the promos, and nobody would get any.
   */
  @ParameterizedTest
  @CsvSource({"-1,720", "256,256"})
  void listAndPromosAreCutUpByTheSameKeyGroups(int configured, int expected) {
    Configuration flink = new Configuration().set(CoreOptions.DEFAULT_PARALLELISM, 3);
    if (configured > 0) {
      flink.set(PipelineOptions.MAX_PARALLELISM, configured);
    }
    StreamGraph graph = graph(flink);
    for (String uid : List.of("own-share", "deliver-promos")) {
      StreamNode node =
          graph.getStreamNodes().stream()
              .filter(n -> uid.equals(n.getTransformationUID()))
              .findFirst()
              .orElseThrow();
      assertThat(node.getMaxParallelism()).as(uid).isEqualTo(expected);
      assertThat(node.getParallelism()).as(uid).isEqualTo(3);
    }
  }
}
