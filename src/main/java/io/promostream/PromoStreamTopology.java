package io.promostream;

import io.promostream.config.JobConfig;
import io.promostream.delivery.DeliverPromosOperator;
import io.promostream.delivery.DeliveryBatch;
import io.promostream.notification.NotificationTemplate;
import io.promostream.promo.ParsePromo;
import io.promostream.promo.Promo;
import io.promostream.replay.Backlog;
import io.promostream.replay.EarlierTransactions;
import io.promostream.replay.Idle;
import io.promostream.replay.ReplayOperator;
import io.promostream.subscribers.AddressRefreshes;
import io.promostream.subscribers.ListUpdate;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

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
 *               keyed state of a restaurant: its audience, its campaigns, who got what
 *                                   | DeliveryBatch (promo, a slice of its audience)
 *                               rebalance
 *                      +------------+-------------+
 *                ReplayOperator               ReplayOperator
 *        keeps its batches in the checkpoint, and writes them when that is complete
 *            one message a client          one row a client
 *         Kafka subscriber.promos    Postgres subscribers_feedback
 * </pre>
 */
final class PromoStreamTopology {

  /**
   * Key groups of the restaurants, and so the highest parallelism, where {@code
   * pipeline.max-parallelism} does not say: a number of many divisors, for even shares. It can't be
   * changed under existing state.
   */
  static final int DEFAULT_MAX_PARALLELISM = 720;

  private final StreamExecutionEnvironment env;
  private final JobConfig config;
  private final Connectors connectors;

  /**
   * Said to each operator that deals in key groups, since Flink would derive it from parallelism:
   * for one with state as it was when the job first started, for one without as it is now.
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
    DataStream<DeliveryBatch> batches = deliver(promos, audiences());
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
        promos.getSideOutput(ParsePromo.REJECTED),
        connectors.rejected(),
        Uids.TO_REJECTED,
        Uids.REJECTED,
        Uids.REJECTED_COMMITTER);
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

  private DataStream<DeliveryBatch> deliver(
      DataStream<Promo> promos, DataStream<ListUpdate> audiences) {
    return promos
        .keyBy(Promo::restaurantId, Types.STRING)
        .connect(audiences)
        .transform(
            Uids.DELIVER_PROMOS,
            DeliveryBatch.TYPE,
            new DeliverPromosOperator(config.promos().rememberEnded(), roomWithoutReports()))
        .setMaxParallelism(maxParallelism)
        .uid(Uids.DELIVER_PROMOS);
  }

  /** Under at-least-once the sinks report nothing, for they hold nothing. */
  private long roomWithoutReports() {
    return config.guarantee() == DeliveryGuarantee.AT_LEAST_ONCE
        ? Long.MAX_VALUE
        : Backlog.MIN_ROOM_BYTES;
  }

  /**
   * Adds a way out. Under either guarantee the same operators hold state, so that it may be changed
   * over any checkpoint.
   *
   * @param connectors uid of the connector's writer, which only at-least-once has
   * @param committer uid of release 0.1's committer
   */
  private <T> void replay(
      DataStream<T> in, Outlet<T> outlet, String uid, String connectors, String committer) {
    boolean atLeastOnce = config.guarantee() == DeliveryGuarantee.AT_LEAST_ONCE;
    SingleOutputStreamOperator<T> replayed =
        in.transform(uid, in.getType(), new ReplayOperator<>(outlet.target(), atLeastOnce))
            .uid(uid);
    if (atLeastOnce) {
      outlet.atLeastOnce().accept(replayed);
    } else {
      replayed = replayed.transform(connectors, in.getType(), new Idle<>()).uid(connectors);
    }
    if (!atLeastOnce || connectors.equals(Uids.FEEDBACK_AT_LEAST_ONCE)) {
      replayed
          .transform(
              connectors + ": Committer",
              in.getType(),
              new EarlierTransactions<>(outlet.earlier(), config.feedback().onLostTransaction()))
          .uid(committer);
    }
  }
}
