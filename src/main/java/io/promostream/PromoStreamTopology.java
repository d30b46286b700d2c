package io.promostream;

import io.promostream.config.JobConfig;
import io.promostream.control.Command;
import io.promostream.control.ParseCommand;
import io.promostream.delivery.DeliverPromosOperator;
import io.promostream.delivery.DeliveryBatch;
import io.promostream.kafka.Message;
import io.promostream.kafka.TopicLineage;
import io.promostream.notification.NotificationTemplate;
import io.promostream.promo.ParsePromo;
import io.promostream.promo.Promo;
import io.promostream.promo.RawPromo;
import io.promostream.replay.Backlog;
import io.promostream.replay.EarlierTransactions;
import io.promostream.replay.Idle;
import io.promostream.replay.ReplayOperator;
import io.promostream.subscribers.AddressRefreshes;
import io.promostream.subscribers.ListUpdate;
import java.util.List;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.dag.Transformation;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.DataStreamSink;
import org.apache.flink.streaming.api.datastream.DataStreamSource;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.lineage.LineageDataset;
import org.apache.flink.streaming.api.lineage.LineageVertex;
import org.apache.flink.streaming.api.transformations.TransformationWithLineage;

/**
 * The job's graph.
 *
 * <pre>
 *  Kafka restaurant.promos                         Postgres subscribers_restaurants
 *         |                                                   |  polled every refresh-interval
 *    ParsePromo ---- rejected ----> Kafka ...rejected   SubscriberListSource (parallelism 1)
 *         | Promo                                             | audiences that changed
 *    keyBy restaurant                                     broadcast
 *         |                                                   | each subtask keeps the restaurants
 *         +--------------> DeliverPromosOperator <------------+ whose keys it owns
 *               keyed state per restaurant: audience, campaigns, recipients
 *                                   | DeliveryBatch (promo, a slice of its audience)
 *                               rebalance
 *                      +------------+-------------+
 *                ReplayOperator               ReplayOperator
 *        keeps its batches in the checkpoint and writes them when it completes
 *          one message per client        one row per client
 *         Kafka subscriber.promos    Postgres subscribers_feedback
 * </pre>
 *
 * <p>With a control topic, one more source broadcasts commands to {@code DeliverPromosOperator}.
 * With a reports topic, a side output of it goes through one more {@code ReplayOperator}.
 */
final class PromoStreamTopology {

  /**
   * The number of key groups, and thus the highest parallelism, unless {@code
   * pipeline.max-parallelism} is set. It has many divisors, so that subtasks get equal shares at
   * most parallelisms. It cannot change once state exists.
   */
  static final int DEFAULT_MAX_PARALLELISM = 720;

  private final StreamExecutionEnvironment env;
  private final JobConfig config;
  private final Connectors connectors;

  /**
   * Set on each operator that uses key groups. Otherwise Flink derives it from the parallelism: for
   * an operator with state, from the one at the first start; for a stateless operator, from the
   * current one.
   */
  private final int maxParallelism;

  private PromoStreamTopology(
      StreamExecutionEnvironment env, JobConfig config, Connectors connectors) {
    this.env = env;
    this.config = config;
    this.connectors = connectors;
    this.maxParallelism =
        env.getMaxParallelism() > 0 ? env.getMaxParallelism() : DEFAULT_MAX_PARALLELISM;
  }

  /** Adds the job to an environment. */
  static void build(StreamExecutionEnvironment env, JobConfig config, Connectors connectors) {
    new PromoStreamTopology(env, config, connectors).build();
  }

  private void build() {
    SingleOutputStreamOperator<Promo> promos = promos();
    DataStream<ListUpdate> updates = audiences();
    DataStream<Message> rejected = promos.getSideOutput(ParsePromo.REJECTED);
    if (connectors.control() != null) {
      SingleOutputStreamOperator<Command> commands = commands(connectors.control());
      updates = updates.union(broadcast(commands));
      rejected = rejected.union(commands.getSideOutput(ParsePromo.REJECTED));
    }
    SingleOutputStreamOperator<DeliveryBatch> batches = deliver(promos, updates);
    replay(
        batches.rebalance(),
        connectors.notifications(),
        Uids.TO_NOTIFICATIONS,
        Uids.NOTIFICATIONS,
        Uids.NOTIFICATIONS_COMMITTER);
    replay(
        batches.rebalance(),
        connectors.feedback(),
        Uids.FEEDBACK,
        Uids.FEEDBACK_AT_LEAST_ONCE,
        Uids.FEEDBACK_COMMITTER);
    replay(
        rejected, connectors.rejected(), Uids.TO_REJECTED, Uids.REJECTED, Uids.REJECTED_COMMITTER);
    if (connectors.reports() != null) {
      replay(
          batches.getSideOutput(DeliverPromosOperator.REPORTS),
          connectors.reports(),
          Uids.TO_REPORTS,
          Uids.REPORTS,
          Uids.REPORTS_COMMITTER,
          true);
    }
  }

  private SingleOutputStreamOperator<Promo> promos() {
    return env.fromSource(connectors.promos(), WatermarkStrategy.noWatermarks(), Uids.PROMOS)
        .uid(Uids.PROMOS)
        .process(
            new ParsePromo(
                connectors.limits(),
                connectors.storageRules(),
                config.notificationsTopic(),
                config.rejectedTopic(),
                NotificationTemplate::largest))
        .returns(Promo.TYPE)
        .uid(Uids.PARSE_PROMO)
        .name(Uids.PARSE_PROMO);
  }

  private DataStream<ListUpdate> audiences() {
    SingleOutputStreamOperator<ListUpdate> updates =
        env.fromSource(connectors.subscribers(), WatermarkStrategy.noWatermarks(), Uids.SUBSCRIBERS)
            .returns(ListUpdate.TYPE)
            .uid(Uids.SUBSCRIBERS)
            .forceNonParallel();
    return switch (config.subscribers().distribution()) {
      case BROADCAST -> updates.broadcast();
      case KEYED ->
          updates
              .flatMap(new AddressRefreshes(maxParallelism))
              .returns(ListUpdate.TYPE)
              .forceNonParallel()
              .uid(Uids.ADDRESS_REFRESHES)
              .name(Uids.ADDRESS_REFRESHES)
              .keyBy(ListUpdate::key, Types.STRING);
    };
  }

  /** One subtask parses all commands, so that every other subtask gets them in the same order. */
  private SingleOutputStreamOperator<Command> commands(Source<RawPromo, ?, ?> control) {
    DataStreamSource<RawPromo> commands =
        env.fromSource(control, WatermarkStrategy.noWatermarks(), Uids.CONTROL);
    showInLineage(
        commands.getTransformation(), TopicLineage.source(config.kafka(), config.controlTopic()));
    return commands
        .uid(Uids.CONTROL)
        .forceNonParallel()
        .process(new ParseCommand(connectors.limits(), config.rejectedTopic()))
        .returns(Command.TYPE)
        .uid(Uids.PARSE_COMMAND)
        .name(Uids.PARSE_COMMAND)
        .forceNonParallel();
  }

  private static DataStream<ListUpdate> broadcast(DataStream<Command> commands) {
    return commands
        .map(command -> (ListUpdate) new ListUpdate.CommandGiven(command))
        .returns(ListUpdate.TYPE)
        .name(Uids.COMMANDS)
        .uid(Uids.COMMANDS)
        .setParallelism(1)
        .broadcast();
  }

  private SingleOutputStreamOperator<DeliveryBatch> deliver(
      DataStream<Promo> promos, DataStream<ListUpdate> audiences) {
    return promos
        .keyBy(Promo::restaurantId, Types.STRING)
        .connect(audiences)
        .transform(
            Uids.DELIVER_PROMOS,
            DeliveryBatch.TYPE,
            new DeliverPromosOperator(
                config.delivery(),
                config.reports(),
                connectors.control() != null,
                roomWithoutReports()))
        .setMaxParallelism(maxParallelism)
        .uid(Uids.DELIVER_PROMOS);
  }

  /** Under at-least-once the sinks hold no batches, so they never report their room. */
  private long roomWithoutReports() {
    return config.guarantee() == DeliveryGuarantee.AT_LEAST_ONCE
        ? Long.MAX_VALUE
        : Backlog.MIN_ROOM_BYTES;
  }

  /**
   * Adds an output. The same operators hold state under both guarantees, so a restore from any
   * checkpoint may change the guarantee.
   *
   * @param sinkUid uid of the connector's sink, which only at-least-once has
   * @param committerUid uid of the committer of the connector's sink
   */
  private <T> void replay(
      DataStream<T> in, Outlet<T> outlet, String uid, String sinkUid, String committerUid) {
    replay(in, outlet, uid, sinkUid, committerUid, false);
  }

  /**
   * Adds an output, see above.
   *
   * @param ordered whether one subtask writes everything. After a rescale, several would write what
   *     was restored beside what is new, and a compacted topic would keep the older report.
   */
  private <T> void replay(
      DataStream<T> in,
      Outlet<T> outlet,
      String uid,
      String sinkUid,
      String committerUid,
      boolean ordered) {
    boolean atLeastOnce = config.guarantee() == DeliveryGuarantee.AT_LEAST_ONCE;
    SingleOutputStreamOperator<T> replayed =
        in.transform(uid, in.getType(), new ReplayOperator<>(outlet.target(), atLeastOnce))
            .uid(uid);
    DataStreamSink<?> sink =
        atLeastOnce
            ? outlet.atLeastOnce().apply(replayed)
            : replayed.sinkTo(new Idle<>()).uid(sinkUid).name(sinkUid);
    if (ordered) {
      replayed.forceNonParallel();
      sink.setParallelism(1);
    }
    LineageDataset output = outlet.target().dataset();
    showInLineage(sink.getTransformation(), () -> List.of(output));
    if (!atLeastOnce || sinkUid.equals(Uids.FEEDBACK_AT_LEAST_ONCE)) {
      replayed
          .transform(
              sinkUid + ": Committer",
              in.getType(),
              new EarlierTransactions<>(outlet.earlier(), config.feedback().onLostTransaction()))
          .uid(committerUid);
    }
  }

  /**
   * Sets what a source or sink shows in the job's lineage. Those of the Kafka connector would show
   * the properties of their client, and among them the password.
   */
  private static void showInLineage(Transformation<?> connector, LineageVertex vertex) {
    ((TransformationWithLineage<?>) connector).setLineageVertex(vertex);
  }
}
