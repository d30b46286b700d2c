package io.promostream;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.runtime.jobgraph.JobVertexID;
import org.apache.flink.streaming.api.graph.StreamGraphHasherV2;

/** The ids that Flink makes of the operators' uids: those of the job's vertices. */
public final class VertexIds {

  private VertexIds() {}

  /** The vertices that must not be rescaled on their own, with their ids by uid. */
  public static Map<String, String> notToBeScaledAlone() {
    Map<String, String> ids = new LinkedHashMap<>();
    List.of(Uids.SUBSCRIBERS, Uids.OWN_SHARE, Uids.DELIVER_PROMOS)
        .forEach(uid -> ids.put(uid, of(uid)));
    return ids;
  }

  private static String of(String uid) {
    return new JobVertexID(StreamGraphHasherV2.generateUserSpecifiedHash(uid)).toHexString();
  }
}
