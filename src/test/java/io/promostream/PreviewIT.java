package io.promostream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.SECONDS;
import static java.util.stream.Collectors.toMap;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.promostream.local.Delivery;
import io.promostream.local.EmbeddedBroker;
import io.promostream.local.Notifications;
import io.promostream.preview.Preview;
import io.promostream.testing.PromoJson;
import io.promostream.testing.TestBroker;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.GroupListing;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code --preview} foretells what the job does, and changes nothing. */
class PreviewIT {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String RESTAURANT = "123e4567-e89b-12d3-a456-426614174000";

  @TempDir Path checkpoints;

  /** What a preview printed. */
  private record Printed(int exitCode, String out, String err) {

    List<JsonNode> json() throws Exception {
      List<JsonNode> objects = new ArrayList<>();
      for (String line : out.lines().toList()) {
        objects.add(JSON.readTree(line));
      }
      return objects;
    }
  }

  private static Printed preview(TestJob job, boolean json, byte[]... promos) {
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    for (byte[] promo : promos) {
      file.writeBytes(promo);
      file.write('\n');
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int exitCode =
        new Preview(job.config(), 2)
            .run(
                "-",
                json,
                new ByteArrayInputStream(file.toByteArray()),
                new PrintStream(out, true, UTF_8),
                new PrintStream(err, true, UTF_8));
    return new Printed(exitCode, out.toString(UTF_8), err.toString(UTF_8));
  }

  private static PromoJson promo(String campaign) {
    return PromoJson.good().with("adv_campaign_id", "\"" + campaign + "\"");
  }

  /** Clients with ids of several kinds, duplicates, and rows that the job skips. */
  private static void subscribe(TestJob job) {
    for (int i = 0; i < 10; i++) {
      String uuid = UUID.nameUUIDFromBytes(new byte[] {(byte) i}).toString();
      job.subscribe(uuid, RESTAURANT);
      job.subscribe(uuid, RESTAURANT);
      job.subscribe(uuid.toUpperCase(Locale.ROOT), RESTAURANT);
      job.subscribe("клиент \"" + i, RESTAURANT);
      job.subscribe("elsewhere " + i, "another restaurant");
    }
    job.subscribe("", RESTAURANT);
    job.subscribe("x".repeat(256), RESTAURANT);
    job.subscribe("🍕".repeat(200), RESTAURANT);
  }

  @Test
  void foretellsDeliveriesAndRejections() throws Exception {
    List<byte[]> good =
        List.of(
            promo("first").with("adv_campaign_content", "\"Суп \\\"дня\\\"\"").bytes(),
            promo("second").bytes(),
            promo("late").with("adv_campaign_datetime_end", "1000000001").bytes(),
            promo("waiting").with("adv_campaign_datetime_start", "9000000000").bytes());
    List<byte[]> bad =
        List.of(
            promo("long").with("adv_campaign_content", "\"" + "x".repeat(21) + "\"").bytes(),
            promo("large").with("adv_campaign_owner", "\"" + "x".repeat(5_000) + "\"").bytes(),
            promo("typed").with("adv_campaign_owner", "null").bytes(),
            "{\"restaurant_id\":".getBytes(UTF_8),
            new byte[] {'"', (byte) 0xff, '"'});
    try (TestJob job = new TestJob(checkpoints, "--delivery.control-group-percent=30")) {
      job.limit(job.notificationsTopic, 6_000);
      job.feedback.execute(
          "ALTER TABLE subscribers_feedback ALTER COLUMN adv_campaign_content TYPE varchar(20)");
      subscribe(job);
      byte[][] promos = Stream.concat(good.stream(), bad.stream()).toArray(byte[][]::new);
      Printed printed = preview(job, true, promos);
      assertThat(printed.err()).isEmpty();
      assertThat(printed.exitCode()).isEqualTo(1);
      List<JsonNode> foretold = printed.json();
      assertThat(foretold).hasSize(promos.length);

      job.start(2);
      for (byte[] promo : promos) {
        job.send(promo);
      }
      job.awaitDeliveries(foretold.stream().mapToInt(PreviewIT::deliveriesNow).sum());
      TestJob.await("the rejected promos", () -> job.rejected().size() >= bad.size());
      job.awaitCheckpoints();

      for (String campaign : List.of("first", "second")) {
        JsonNode one = of(campaign, foretold);
        assertThat(one.get("state").textValue()).isEqualTo("live");
        assertThat(one.get("audience").intValue()).isEqualTo(31);
        assertThat(one.get("held_out").intValue()).isBetween(1, 20);
        assertThat(one.get("notifications").intValue())
            .isEqualTo(31 - one.get("held_out").intValue())
            .isEqualTo(clients(campaign, job).size());
        assertSampleWasSent(one, job);
      }
      assertThat(of("late", foretold).get("state").textValue()).isEqualTo("late");
      assertThat(of("late", foretold).get("notifications").intValue()).isZero();
      assertThat(clients("late", job)).isEmpty();
      assertThat(of("waiting", foretold).get("state").textValue()).isEqualTo("waiting");
      assertThat(of("waiting", foretold).get("delivery_begins").longValue())
          .isEqualTo(9_000_000_000L);
      assertThat(clients("waiting", job)).isEmpty();
      assertThat(
              job.rejected().stream()
                  .map(message -> header(message, "reason") + ": " + header(message, "detail")))
          .containsExactlyInAnyOrderElementsOf(
              foretold.stream()
                  .filter(one -> !one.get("accepted").booleanValue())
                  .map(
                      one ->
                          one.get("reject_reason").textValue()
                              + ": "
                              + one.get("reject_detail").textValue())
                  .toList());
    }
  }

  private static int deliveriesNow(JsonNode promo) {
    return promo.path("state").asText().equals("live") ? promo.get("notifications").intValue() : 0;
  }

  private static JsonNode of(String campaign, List<JsonNode> foretold) {
    return foretold.stream()
        .filter(one -> one.path("adv_campaign_id").asText().equals(campaign))
        .findFirst()
        .orElseThrow();
  }

  private static List<String> clients(String campaign, TestJob job) {
    return job.notifications().stream()
        .filter(delivery -> delivery.promo().campaignId().equals(campaign))
        .map(Delivery::clientId)
        .toList();
  }

  /** The message for the same client is the sample, except for the time of matching. */
  private static void assertSampleWasSent(JsonNode foretold, TestJob job) throws Exception {
    String sample = foretold.get("sample_notification").toString();
    String client = foretold.get("sample_notification").get("client_id").textValue();
    assertThat(foretold.get("sample_client").textValue()).isEqualTo("audience");
    List<String> sent = new ArrayList<>();
    try (Notifications topic =
        new Notifications(TestBroker.get().bootstrapServers(), job.notificationsTopic)) {
      topic.read(
          message -> {
            if (new String(message.key(), UTF_8).equals(client)) {
              sent.add(withoutTime(new String(message.value(), UTF_8)));
            }
          });
    }
    assertThat(sent).contains(withoutTime(sample));
  }

  private static String withoutTime(String notification) {
    return notification.replaceAll("\"trigger_datetime_created\":\\d+", "");
  }

  private static String header(ConsumerRecord<byte[], byte[]> message, String name) {
    return new String(message.headers().lastHeader("reject." + name).value(), UTF_8);
  }

  @Test
  void changesNothing() throws Exception {
    try (TestJob job = new TestJob(checkpoints)) {
      subscribe(job);
      Map<String, String> before = everything(job);
      assertThat(preview(job, false, promo("c").bytes(), "no JSON".getBytes(UTF_8)).exitCode())
          .isEqualTo(1);
      assertThat(preview(job, true, promo("c").bytes()).exitCode()).isZero();
      assertThat(everything(job)).isEqualTo(before);
    }
  }

  @Test
  void createsNoTopic() throws Exception {
    try (EmbeddedBroker broker = EmbeddedBroker.start(Map.of("auto.create.topics.enable", "true"));
        TestJob job =
            new TestJob(checkpoints, "--kafka.bootstrap-servers=" + broker.bootstrapServers())) {
      Printed printed = preview(job, false, promo("c").bytes());
      assertThat(printed.exitCode()).as(printed.err()).isZero();
      try (Admin admin = broker.admin()) {
        assertThat(admin.listTopics().names().get(60, SECONDS)).isEmpty();
      }
    }
  }

  /** Topics, ends of the partitions, groups, and the rows of all tables. */
  private static Map<String, String> everything(TestJob job) throws Exception {
    Map<String, String> all = new TreeMap<>();
    try (Admin admin = TestBroker.get().admin()) {
      Set<String> topics = admin.listTopics().names().get(60, SECONDS);
      all.put("topics", topics.stream().sorted().toList().toString());
      all.put(
          "groups",
          admin.listGroups().all().get(60, SECONDS).stream()
              .map(GroupListing::groupId)
              .sorted()
              .toList()
              .toString());
      List<TopicPartition> partitions =
          Stream.of(job.promosTopic, job.notificationsTopic, job.rejectedTopic)
              .map(topic -> new TopicPartition(topic, 0))
              .toList();
      admin
          .listOffsets(partitions.stream().collect(toMap(p -> p, p -> OffsetSpec.latest())))
          .all()
          .get(60, SECONDS)
          .forEach((partition, end) -> all.put(partition.toString(), "" + end.offset()));
    }
    for (String table :
        List.of("subscribers_feedback", "subscribers_feedback_refused", "promo_stream_commits")) {
      all.put(table, job.feedback.query("SELECT count(*) FROM " + table).toString());
    }
    all.put(
        "subscribers_restaurants",
        job.subscribers
            .query("SELECT count(*), max(xmin::text::bigint) FROM subscribers_restaurants")
            .toString());
    return all;
  }

  @Test
  void saysWhatItCannotReach() throws Exception {
    try (TestJob job = new TestJob(checkpoints)) {
      job.subscribers.execute("ALTER TABLE subscribers_restaurants RENAME TO moved");
      Printed noList = preview(job, false, promo("c").bytes());
      assertThat(noList.exitCode()).isEqualTo(1);
      assertThat(noList.out()).isEmpty();
      assertThat(noList.err())
          .startsWith("Cannot read the subscriber list from public.subscribers_restaurants: ")
          .contains("does not exist");

      job.change("--feedback.table=public.missing");
      assertThat(preview(job, false, promo("c").bytes()).err())
          .startsWith("Table public.missing does not exist.");
      job.change("--feedback.db.url=jdbc:postgresql://127.0.0.1:9/rows");
      assertThat(preview(job, false, promo("c").bytes()).err())
          .startsWith("Cannot read the definition of table public.missing: cannot connect to");
    }
    try (TestJob job =
        new TestJob(
            checkpoints,
            "--kafka.bootstrap-servers=127.0.0.1:9",
            "--kafka.properties.default.api.timeout.ms=2000",
            "--kafka.properties.request.timeout.ms=1000")) {
      Printed noBroker = preview(job, true, promo("c").bytes());
      assertThat(noBroker.exitCode()).isEqualTo(1);
      assertThat(noBroker.out()).isEmpty();
      assertThat(noBroker.err())
          .startsWith(
              "Cannot read the limits of topic %s from 127.0.0.1:9: "
                  .formatted(job.notificationsTopic))
          .contains("Check kafka.bootstrap-servers");
    }
  }
}
