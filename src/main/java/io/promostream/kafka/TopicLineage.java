package io.promostream.kafka;

import io.promostream.config.JobConfig;
import java.util.List;
import java.util.Properties;
import org.apache.flink.connector.kafka.lineage.DefaultKafkaDatasetFacet;
import org.apache.flink.connector.kafka.lineage.DefaultKafkaDatasetIdentifier;
import org.apache.flink.connector.kafka.lineage.LineageUtil;
import org.apache.flink.streaming.api.lineage.LineageDataset;
import org.apache.flink.streaming.api.lineage.SourceLineageVertex;
import org.apache.kafka.clients.CommonClientConfigs;

/**
 * Names topics in the job's lineage as Flink's connector does. The connector's own datasets contain
 * all properties of the client, and among them its password.
 */
public final class TopicLineage {

  private TopicLineage() {}

  /** A topic that a source of the job reads. */
  public static SourceLineageVertex source(JobConfig.Kafka kafka, String topic) {
    return LineageUtil.sourceLineageVertexOf(List.of(dataset(kafka, topic)));
  }

  /** A topic as a dataset, in the namespace {@code kafka://} of the first bootstrap server. */
  static LineageDataset dataset(JobConfig.Kafka kafka, String topic) {
    Properties servers = new Properties();
    servers.setProperty(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, kafka.bootstrapServers());
    return LineageUtil.datasetOf(
        LineageUtil.namespaceOf(servers),
        new DefaultKafkaDatasetFacet(
            DefaultKafkaDatasetIdentifier.ofTopics(List.of(topic)), servers));
  }
}
