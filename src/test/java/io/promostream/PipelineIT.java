package io.promostream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.delivery.DeliveryBatch;
import io.promostream.local.Delivery;
import io.promostream.testing.HostileMessages;
import io.promostream.testing.HostileMessages.Hostile;
import io.promostream.testing.PromoJson;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From the promos' topic to both sinks, on a real broker and real databases. */
class PipelineIT {

  @TempDir Path checkpoints;

  private static String resource(String name) throws Exception {
    try (InputStream in = PipelineIT.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), UTF_8);
    }
  }

  private static long now() {
    return System.currentTimeMillis() / 1000;
  }

  private static PromoJson promo(String campaign) {
    return PromoJson.good()
        .with("restaurant_id", "\"r\"")
        .with("adv_campaign_id", "\"" + campaign + "\"");
  }

  private static List<String> campaignsAndClients(List<Delivery> deliveries) {
    return deliveries.stream().map(d -> d.promo().campaignId() + " " + d.clientId()).toList();
  }

  /** Checks that both sinks hold exactly these campaigns and clients, with equal fields. */
  private static void assertDelivered(TestJob job, List<String> expected) throws Exception {
    job.awaitDeliveries(expected.size());
    job.awaitCheckpoints();
    assertThat(campaignsAndClients(job.notifications()))
        .containsExactlyInAnyOrderElementsOf(expected);
    assertThat(job.rows()).containsExactlyInAnyOrderElementsOf(job.notifications());
  }

  @Test
  void deliversEachOfTheFirstTwoSamplePromosToEightClients() throws Exception {
    try (TestJob job = new TestJob(checkpoints)) {
      job.subscribers.execute(resource("/samples/subscribers_restaurants.sql"));
      job.start(2);
      resource("/samples/promos.jsonl").lines().forEach(line -> job.send(line.getBytes(UTF_8)));
      job.awaitDeliveries(16);
      job.awaitCheckpoints();
      Map<String, Long> perCampaign =
          job.notifications().stream()
              .collect(Collectors.groupingBy(d -> d.promo().campaignId(), Collectors.counting()));
      assertThat(perCampaign)
          .containsOnly(
              Map.entry("123e4567-e89b-12d3-a456-426614174003", 8L),
              Map.entry("123e4567-e89b-12d3-a456-426614174004", 8L));
      assertThat(job.rows()).containsExactlyInAnyOrderElementsOf(job.notifications());
      assertThat(job.feedback.query("SELECT DISTINCT feedback FROM subscribers_feedback"))
          .containsExactly("null");
      assertThat(job.rejected()).isEmpty();
    }
  }

  @Test
  void followsSubscriptionChangesWhilePromoIsLive() throws Exception {
    try (TestJob job = new TestJob(checkpoints)) {
      job.subscribe("a", "r");
      job.start(2);
      job.send(promo("c").bytes());
      assertDelivered(job, List.of("c a"));

      job.subscribe("b", "r");
      assertDelivered(job, List.of("c a", "c b"));

      job.unsubscribe("a", "r");
      job.send(promo("d").with("datetime_created", "1").bytes());
      TestJob.await("d", () -> job.rows().size() >= 3);
      job.awaitCheckpoints();
      job.subscribe("a", "r");
      job.send(promo("e").bytes());
      job.awaitDeliveries(job.rows().size() + 2);
      job.awaitCheckpoints();
      assertThat(campaignsAndClients(job.rows())).containsOnlyOnce("c a").contains("e a", "e b");
    }
  }

  @Test
  void holdsPromoUntilItsStartAndTheFirstRefresh() throws Exception {
    try (TestJob job = new TestJob(checkpoints)) {
      job.subscribe("a", "r");
      job.start(2);
      long start = now() + 6;
      job.send(promo("soon").with("adv_campaign_datetime_start", "" + start).bytes());
      job.send(promo("over").with("adv_campaign_datetime_end", "" + (now() - 1)).bytes());
      assertDelivered(job, List.of("soon a"));
      assertThat(job.rows()).allMatch(d -> d.matchedAt() >= start);
    }
  }

  @Test
  void switchesBetweenKeyedAndBroadcastDistribution() throws Exception {
    try (TestJob job = new TestJob(checkpoints, "--subscribers.distribution=keyed")) {
      job.subscribe("a", "r");
      job.subscribe("b", "s");
      job.start(2);
      job.send(promo("c").bytes());
      assertDelivered(job, List.of("c a"));
      String savepoint = job.stopWithSavepoint();

      job.change("--subscribers.distribution=broadcast");
      job.start(3, savepoint, new Configuration());
      job.send(promo("c").with("restaurant_id", "\"s\"").bytes());
      assertDelivered(job, List.of("c a", "c b"));
      savepoint = job.stopWithSavepoint();

      job.change("--subscribers.distribution=keyed");
      job.subscribe("late", "r");
      job.start(2, savepoint, new Configuration());
      assertDelivered(job, List.of("c a", "c b", "c late"));
    }
  }

  @Test
  void startsAtCommittedOffsetsOrAtConfiguredPosition() throws Exception {
    try (TestJob job = new TestJob(checkpoints)) {
      job.subscribe("a", "r");
      job.start(2);
      job.send(promo("c").bytes());
      assertDelivered(job, List.of("c a"));
      job.awaitCommittedOffsets(1);
      job.cancel();

      job.start(2);
      job.send(promo("d").bytes());
      assertDelivered(job, List.of("c a", "d a"));
      job.awaitCommittedOffsets(2);
      job.cancel();

      job.change("--promos.start-from=earliest");
      job.start(2);
      assertDelivered(job, List.of("c a", "d a", "c a", "d a"));
      job.cancel();

      job.change("--promos.start-from=latest");
      job.start(2);
      job.awaitCheckpoints();
      assertDelivered(job, List.of("c a", "d a", "c a", "d a"));
    }
  }

  /**
   * {@code promos.start-from} applies only to a start without state, so a restored job must skip no
   * promo that is still in the topic.
   */
  @Test
  void continuesWithEarliestPromoWhenRestoredOffsetsAreGone() throws Exception {
    try (TestJob job = new TestJob(checkpoints, "--promos.start-from=latest")) {
      job.subscribe("a", "r");
      job.start(2);
      job.awaitCheckpoints();
      job.send(new ProducerRecord<>(job.promosTopic, 0, null, promo("c").bytes()));
      assertDelivered(job, List.of("c a"));
      String checkpoint = job.cancel();
      job.send(new ProducerRecord<>(job.promosTopic, 0, null, promo("gone").bytes()));
      job.send(new ProducerRecord<>(job.promosTopic, 0, null, promo("kept").bytes()));
      job.deletePromosBefore(0, 2);

      job.start(2, checkpoint, new Configuration());
      assertDelivered(job, List.of("c a", "kept a"));
    }
  }

  @Test
  void deliversUnderAtLeastOnce() throws Exception {
    try (TestJob job = new TestJob(checkpoints, "--delivery.guarantee=at-least-once")) {
      job.subscribe("a", "r");
      job.start(2);
      for (int i = 0; i < 20; i++) {
        job.send(promo("c" + i).bytes());
      }
      assertDelivered(job, IntStream.range(0, 20).mapToObj(i -> "c" + i + " a").toList());
    }
  }

  @Test
  void writesToTableOfExistingInstallation() throws Exception {
    try (TestJob job = new TestJob(checkpoints)) {
      job.feedback.execute(
          """
          DROP TABLE subscribers_feedback;
          CREATE TABLE public.subscribers_feedback (
              id serial4 NOT NULL,
              note text NULL,
              client_id text NOT NULL,
              restaurant_id text NOT NULL,
              adv_campaign_id text NOT NULL,
              adv_campaign_content text NOT NULL,
              adv_campaign_owner text NOT NULL,
              adv_campaign_owner_contact text NOT NULL,
              adv_campaign_datetime_start int8 NOT NULL,
              adv_campaign_datetime_end int8 NOT NULL,
              datetime_created int8 NOT NULL,
              trigger_datetime_created int4 NOT NULL,
              feedback varchar NULL,
              CONSTRAINT id_pk PRIMARY KEY (id)
          )""");
      job.subscribe("a", "r");
      job.start(2);
      job.send(promo("c").bytes());
      assertDelivered(job, List.of("c a"));
    }
  }

  @Test
  void quotesTableNames() throws Exception {
    String schema = "\"Odd.Schema; DROP TABLE x; --\"";
    String name = schema + ".\"it's \"\"quoted\"\" \\ ? :a $1 %s {} é\"";
    try (TestJob job =
        new TestJob(checkpoints, "--subscribers.table=" + name, "--feedback.table=" + name)) {
      job.subscribe("nobody", "r");
      job.subscribers.execute(
          "CREATE SCHEMA %1$s; CREATE TABLE %2$s (client_id varchar, restaurant_id varchar);"
                  .formatted(schema, name)
              + "INSERT INTO %s VALUES ('a', 'r')".formatted(name));
      job.feedback.execute(
          "CREATE SCHEMA %1$s; CREATE TABLE %2$s (LIKE subscribers_feedback INCLUDING ALL)"
              .formatted(schema, name));
      job.start(2);
      job.send(promo("c").bytes());
      assertDelivered(job, List.of("c a"));
      // Refreshes that read parts of the table use its name in other statements.
      job.subscribers.execute("INSERT INTO %s VALUES ('b', 'r'), ('c', 's')".formatted(name));
      assertDelivered(job, List.of("c a", "c b"));
      assertThat(job.feedback.query("SELECT count(*) FROM subscribers_feedback"))
          .containsExactly("0");
    }
  }

  @Test
  void rejectsHostileMessagesUnchangedAndDeliversTheOthers() throws Exception {
    try (TestJob job = new TestJob(checkpoints)) {
      job.subscribe("a", "r");
      job.start(2);
      List<Hostile> hostile = HostileMessages.all();
      assertThat(hostile).hasSizeGreaterThanOrEqualTo(150);
      Random random = new Random(1);
      for (int i = 0; hostile.size() < 250; i++) {
        byte[] bytes = new byte[random.nextInt(300)];
        random.nextBytes(bytes);
        hostile.add(new Hostile(null, "random bytes " + i, bytes));
      }
      Map<String, Hostile> byKey = new HashMap<>();
      List<String> expected = new ArrayList<>();
      for (int i = 0; i < hostile.size(); i++) {
        String key = "key " + i;
        byKey.put(key, hostile.get(i));
        ProducerRecord<byte[], byte[]> message =
            new ProducerRecord<>(
                job.promosTopic, null, 1_000L + i, key.getBytes(UTF_8), hostile.get(i).value());
        message.headers().add("trace", new byte[] {0, (byte) 0xff});
        message.headers().add("reject.reason", "of an earlier run".getBytes(UTF_8));
        message.headers().add("none", null);
        job.send(message);
        if (i % 5 == 0) {
          job.send(promo("good " + i).bytes());
          expected.add("good " + i + " a");
        }
      }
      assertDelivered(job, expected);
      TestJob.await("all rejects", () -> job.rejected().size() >= hostile.size());
      assertThat(job.rejected()).hasSize(hostile.size());
      for (ConsumerRecord<byte[], byte[]> rejected : job.rejected()) {
        String key = new String(rejected.key(), UTF_8);
        Hostile sent = byKey.remove(key);
        assertThat(rejected.value()).as(sent.what()).isEqualTo(sent.value());
        assertThat(header(rejected, "trace")).isEqualTo(new byte[] {0, (byte) 0xff});
        assertThat(header(rejected, "none")).isNull();
        assertThat(rejected.headers().headers("reject.reason")).hasSize(1);
        if (sent.reason() != null) {
          assertThat(text(rejected, "reject.reason")).as(sent.what()).isEqualTo(sent.reason());
        }
        assertThat(text(rejected, "reject.detail")).isNotBlank();
        assertThat(text(rejected, "reject.topic")).isEqualTo(job.promosTopic);
        assertThat(text(rejected, "reject.partition")).matches("[0-2]");
        assertThat(text(rejected, "reject.offset")).matches("\\d+");
        assertThat(text(rejected, "reject.timestamp"))
            .isEqualTo("" + (1_000 + Integer.parseInt(key.substring(4))));
      }
      assertThat(byKey).isEmpty();
      assertThat(job.restarts()).isZero();
    }
  }

  @Test
  void omitsOversizedPartsOfRejectedMessages() throws Exception {
    try (TestJob job = new TestJob(checkpoints)) {
      job.limit(job.notificationsTopic, 50_000);
      job.limit(job.rejectedTopic, 60_000);
      job.subscribe("a", "r");
      job.start(2);
      byte[] large = promo("large").with("x", "\"" + "x".repeat(100_000) + "\"").bytes();
      byte[] tooLarge =
          promo("t").with("adv_campaign_content", "\"" + "x".repeat(49_000) + "\"").bytes();
      byte[] muchTooLarge =
          promo("m").with("adv_campaign_content", "\"" + "x".repeat(100_000) + "\"").bytes();
      byte[] escapes =
          promo("e").with("adv_campaign_content", "\"" + "\\u0001".repeat(7_500) + "\"").bytes();
      job.send(large);
      job.send(tooLarge);
      job.send(muchTooLarge);
      job.send(escapes);
      ProducerRecord<byte[], byte[]> hugeHeader =
          new ProducerRecord<>(job.promosTopic, new byte[70_000], new byte[] {1});
      hugeHeader.headers().add("huge", new byte[70_000]);
      job.send(hugeHeader);
      job.send(promo("last").bytes());
      assertDelivered(job, List.of("large a", "last a", "e a"));
      TestJob.await("three rejects", () -> job.rejected().size() >= 3);
      assertThat(job.rejected()).hasSize(3);
      for (ConsumerRecord<byte[], byte[]> rejected : job.rejected()) {
        switch (text(rejected, "reject.reason")) {
          case "too-large" -> {
            if (rejected.value() == null) {
              assertThat(text(rejected, "reject.omitted-bytes"))
                  .isEqualTo("" + muchTooLarge.length);
            } else {
              assertThat(rejected.value()).isEqualTo(tooLarge);
              assertThat(header(rejected, "reject.omitted-bytes")).isNull();
            }
          }
          default -> {
            assertThat(text(rejected, "reject.omitted-bytes")).isEqualTo("1");
            assertThat(text(rejected, "reject.omitted-key-bytes")).isEqualTo("70000");
            assertThat(text(rejected, "reject.omitted-headers")).isEqualTo("1");
          }
        }
      }
      assertThat(job.restarts()).isZero();
    }
  }

  private static byte[] header(ConsumerRecord<?, ?> message, String name) {
    Header header = message.headers().lastHeader(name);
    return header == null ? null : header.value();
  }

  private static String text(ConsumerRecord<?, ?> message, String name) {
    return new String(header(message, name), UTF_8);
  }

  @Test
  void tenThousandSimultaneousStartsBlockNoOtherPromo() throws Exception {
    int campaigns = 10_000;
    try (TestJob job = new TestJob(checkpoints)) {
      job.subscribers.execute(
          "INSERT INTO subscribers_restaurants (client_id, restaurant_id)"
              + " SELECT 'client', 'r' || n FROM generate_series(1, "
              + campaigns
              + ") AS n");
      job.subscribe("other", "other");
      job.start(2);
      long start = now() + 12;
      for (int i = 1; i <= campaigns; i++) {
        job.sendLater(
            promo("c")
                .with("restaurant_id", "\"r" + i + "\"")
                .with("adv_campaign_datetime_start", "" + start)
                .bytes());
      }
      TestJob.await("the start", () -> now() >= start);
      long checkpointsBefore = job.completedCheckpoints();
      int others = 0;
      int between = 0;
      while (job.rows().size() < campaigns) {
        job.send(promo("other" + others++).with("restaurant_id", "\"other\"").bytes());
        long visible = job.rows().stream().filter(d -> d.clientId().equals("other")).count();
        between = Math.max(between, (int) visible);
      }
      assertThat(between).as("other promos while the campaigns start").isPositive();
      assertThat(job.completedCheckpoints() - checkpointsBefore)
          .as("checkpoints while the campaigns start")
          .isPositive();
      job.awaitDeliveries(campaigns + others);
      job.awaitCheckpoints();
      assertThat(job.rows()).hasSize(campaigns + others).doesNotHaveDuplicates();
      assertThat(job.notifications()).containsExactlyInAnyOrderElementsOf(job.rows());
    }
  }

  @Test
  void interleavesOtherRestaurantsWithSlicesOfLargeOne() throws Exception {
    int slices = 300;
    try (TestJob job = new TestJob(checkpoints, "--delivery.guarantee=at-least-once")) {
      job.subscribers.execute(
          "INSERT INTO subscribers_restaurants (client_id, restaurant_id)"
              + " SELECT gen_random_uuid()::text, 'r' FROM generate_series(1, "
              + slices * 1_000
              + ")");
      job.subscribe("other", "other");
      SlowSink.reset();
      job.replaceConnectors(
          real ->
              new Connectors(
                  real.promos(),
                  real.subscribers(),
                  real.control(),
                  withSink(real.notifications(), new DiscardingSink<>()),
                  real.rejected(),
                  withSink(real.feedback(), new SlowSink()),
                  real.reports(),
                  real.limits(),
                  real.storageRules()));
      job.start(1);
      job.send(promo("hot").bytes());
      TestJob.await("the first slices", () -> SlowSink.TAKEN.size() >= 10);
      long checkpointsBefore = job.completedCheckpoints();
      job.send(promo("other").with("restaurant_id", "\"other\"").bytes());
      TestJob.await("all of it", () -> SlowSink.TAKEN.size() > slices);
      assertThat(SlowSink.TAKEN.stream().toList().indexOf("other"))
          .as("slices before the other promo")
          .isLessThan(slices / 2);
      assertThat(job.completedCheckpoints() - checkpointsBefore)
          .as("checkpoints while the hot promo goes out")
          .isPositive();
    }
  }

  private static <T> Outlet<T> withSink(Outlet<T> outlet, Sink<T> sink) {
    return new Outlet<>(
        outlet.target(), outlet.earlier(), stream -> stream.sinkTo(sink).uid(sink.toString()));
  }

  /** Is slow with each batch, which causes backpressure. */
  private static final class SlowSink implements Sink<DeliveryBatch> {

    /** The campaigns of the batches, in order of arrival. */
    static final Queue<String> TAKEN = new ConcurrentLinkedQueue<>();

    static void reset() {
      TAKEN.clear();
    }

    @Override
    public SinkWriter<DeliveryBatch> createWriter(WriterInitContext context) {
      return new SinkWriter<>() {
        @Override
        public void write(DeliveryBatch batch, Context unused) throws InterruptedException {
          Thread.sleep(10);
          TAKEN.add(batch.promo().campaignId());
        }

        @Override
        public void flush(boolean endOfInput) {
          // Nothing is buffered.
        }

        @Override
        public void close() {
          // Nothing is open.
        }
      };
    }
  }
}
