package io.promostream;

import io.promostream.config.JobConfig;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.jobgraph.JobEdge;
import org.apache.flink.runtime.jobgraph.JobVertex;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** The vertices of the job as Flink runs it, which its autoscaler knows by their ids. */
public final class VertexIds {

  private VertexIds() {}

  /**
   * The vertices that must not be rescaled on their own, by id: those of one subtask for good, and
   * both ends of a forward edge. Over such an edge each subtask sends to the first that it is
   * connected with. With more receivers than senders some get nothing, and nobody says so.
   */
  public static Map<String, String> notToBeScaledAlone(Configuration flink, JobConfig config) {
    var env = StreamExecutionEnvironment.getExecutionEnvironment(flink);
    PromoStreamTopology.build(env, config, Connectors.of(config));
    Map<String, String> names = new TreeMap<>();
    for (JobVertex vertex : env.getStreamGraph(false).getJobGraph().getVertices()) {
      if (vertex.getMaxParallelism() == 1) {
        put(names, vertex);
      }
      for (JobEdge edge : vertex.getInputs()) {
        if (edge.isForward()) {
          put(names, edge.getSource().getProducer());
          put(names, vertex);
        }
      }
    }
    return names;
  }

  private static void put(Map<String, String> names, JobVertex vertex) {
    names.put(vertex.getID().toHexString(), vertex.getName());
  }
}
