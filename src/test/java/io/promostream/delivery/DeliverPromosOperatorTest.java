package io.promostream.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.config.JobConfig;
import io.promostream.config.JobConfig.Delivery;
import io.promostream.promo.Promo;
import io.promostream.subscribers.Audience;
import io.promostream.subscribers.ListUpdate;
import io.promostream.subscribers.ListUpdate.AudiencePart;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.util.Collector;
import org.junit.jupiter.api.Test;

/** The operator in a job whose sink blocks for a while. */
class DeliverPromosOperatorTest {

  /** Two hundred slices, of which two fill a network buffer. */
  private static final int CLIENTS = 200_000;

  /**
   * More slices than two network buffers and the tasks hold, and fewer than the ten buffers that a
   * task may fill in front of another one.
   */
  private static final int FEW = 12;

  private static final List<String> ARRIVED = Collections.synchronizedList(new ArrayList<>());
  private static final CountDownLatch BLOCKED = new CountDownLatch(1);
  private static final CountDownLatch UNBLOCKED = new CountDownLatch(1);

  @Test
  void sendsSmallPromoBeforeAllSlicesOfLargeOne() throws Exception {
    StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(1);
    DataStream<ListUpdate> list =
        env.fromData(
            ListUpdate.TYPE,
            new AudiencePart("small", 0, true, Audience.of("a")),
            new AudiencePart("large", 0, true, Audience.of(clients())));
    env.fromSource(new NumberSequenceSource(0, 2), WatermarkStrategy.noWatermarks(), "turns")
        .flatMap(new Restaurants())
        .returns(Promo.TYPE)
        .keyBy(Promo::restaurantId, Types.STRING)
        .connect(list.keyBy(ListUpdate::key, Types.STRING))
        .transform(
            "deliver-promos",
            DeliveryBatch.TYPE,
            new DeliverPromosOperator(
                new Delivery(Duration.ofHours(1), null, 0, null, null, null),
                new JobConfig.Reports(null, Duration.ofSeconds(10)),
                false,
                Long.MAX_VALUE))
        .rebalance()
        .map(new SlowSink())
        .returns(DeliveryBatch.TYPE)
        .sinkTo(new DiscardingSink<>());
    env.execute();

    assertThat(ARRIVED).startsWith("large").hasSizeGreaterThan(3);
    assertThat(ARRIVED.indexOf("small")).as("batches before the small one's").isBetween(1, FEW);
  }

  private static List<String> clients() {
    return Stream.generate(() -> UUID.randomUUID().toString()).limit(CLIENTS).toList();
  }

  /** Sends the promo of the large restaurant, and that of the small one once the sink blocks. */
  private static final class Restaurants implements FlatMapFunction<Long, Promo> {

    private static final long serialVersionUID = 1;

    @Override
    public void flatMap(Long turn, Collector<Promo> out) throws Exception {
      if (turn == 0) {
        out.collect(promo("large"));
      } else if (turn == 1) {
        BLOCKED.await();
        Thread.sleep(2_000);
        out.collect(promo("small"));
      } else {
        Thread.sleep(1_000);
        UNBLOCKED.countDown();
      }
    }

    private static Promo promo(String restaurant) {
      long now = System.currentTimeMillis() / 1000;
      return new Promo(restaurant, "c", "v", "owner", "contact", now - 60, now + 3_600, now);
    }
  }

  /** Blocks at the first batch. */
  private static final class SlowSink implements MapFunction<DeliveryBatch, DeliveryBatch> {

    private static final long serialVersionUID = 1;

    @Override
    public DeliveryBatch map(DeliveryBatch batch) throws Exception {
      ARRIVED.add(batch.promo().restaurantId());
      BLOCKED.countDown();
      UNBLOCKED.await();
      return batch;
    }
  }
}
