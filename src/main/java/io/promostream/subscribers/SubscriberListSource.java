package io.promostream.subscribers;

import io.promostream.config.Database;
import io.promostream.config.TableName;
import io.promostream.postgres.TableLineage;
import java.time.Clock;
import java.time.Duration;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.api.java.typeutils.ResultTypeQueryable;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.streaming.api.lineage.DefaultSourceLineageVertex;
import org.apache.flink.streaming.api.lineage.LineageVertexProvider;
import org.apache.flink.streaming.api.lineage.SourceLineageVertex;

/**
 * The subscriber list as an unbounded stream of its changes. It has one split and runs at
 * parallelism 1.
 *
 * <p>Every refresh compares one fingerprint per restaurant, which Postgres computes, with the one
 * last sent. It reads the clients of only the restaurants that differ. One audience comes from one
 * snapshot of the table; audiences of different restaurants may come from different snapshots. A
 * failed refresh leaves the list unchanged, is retried, and appears in log and metrics. It never
 * fails the job.
 */
public final class SubscriberListSource
    implements Source<ListUpdate, SubscriberListSplit, SubscriberListEnumerator.State>,
        ResultTypeQueryable<ListUpdate>,
        LineageVertexProvider {

  private final Database database;
  private final TableName table;
  private final Duration refreshInterval;
  private final ClientIds.Lookup clientIds;

  /**
   * @param table has the columns {@code client_id} and {@code restaurant_id}; the job needs SELECT
   *     on them
   * @param refreshInterval from the start of one refresh to the start of the next
   * @param clientIds which client ids the job can use; it skips other rows
   */
  public SubscriberListSource(
      Database database, TableName table, Duration refreshInterval, ClientIds.Lookup clientIds) {
    this.database = database;
    this.table = table;
    this.refreshInterval = refreshInterval;
    this.clientIds = clientIds;
  }

  @Override
  public Boundedness getBoundedness() {
    return Boundedness.CONTINUOUS_UNBOUNDED;
  }

  @Override
  public SourceReader<ListUpdate, SubscriberListSplit> createReader(SourceReaderContext context) {
    ListMetrics metrics = new ListMetrics(context.metricGroup(), Clock.systemUTC());
    return new SubscriberListReader(
        () ->
            new ListFetcher(
                database, table, refreshInterval, clientIds, ListFetcher.CHUNK_BYTES, metrics),
        metrics,
        context);
  }

  @Override
  public SplitEnumerator<SubscriberListSplit, SubscriberListEnumerator.State> createEnumerator(
      SplitEnumeratorContext<SubscriberListSplit> context) {
    return restoreEnumerator(
        context, new SubscriberListEnumerator.State(SubscriberListSplit.NOTHING_SENT));
  }

  @Override
  public SplitEnumerator<SubscriberListSplit, SubscriberListEnumerator.State> restoreEnumerator(
      SplitEnumeratorContext<SubscriberListSplit> context, SubscriberListEnumerator.State state) {
    return new SubscriberListEnumerator(context, state);
  }

  @Override
  public SimpleVersionedSerializer<SubscriberListSplit> getSplitSerializer() {
    return new SubscriberListSplit.Serializer();
  }

  @Override
  public SimpleVersionedSerializer<SubscriberListEnumerator.State>
      getEnumeratorCheckpointSerializer() {
    return new SubscriberListEnumerator.Serializer();
  }

  @Override
  public TypeInformation<ListUpdate> getProducedType() {
    return ListUpdate.TYPE;
  }

  @Override
  public SourceLineageVertex getLineageVertex() {
    DefaultSourceLineageVertex vertex = new DefaultSourceLineageVertex(getBoundedness());
    vertex.addDataset(TableLineage.dataset(database, table));
    return vertex;
  }
}
