package io.promostream.local.page;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.promostream.config.TableName;
import io.promostream.testing.TestBroker;
import io.promostream.testing.TestDatabase;
import io.promostream.testing.Waiting;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Each endpoint of the page, with topics and tables that the test fills instead of the job. */
class PageIT {

  private static final ObjectMapper JSON = new ObjectMapper();

  private final String prefix = "page-" + UUID.randomUUID() + "-";
  private final TestDatabase database =
      TestDatabase.create().withFeedbackTable().withSubscribersTable();
  private final FakeEngine engine = new FakeEngine();
  private Page page;
  private PageClient client;
  private KafkaProducer<byte[], byte[]> producer;

  @BeforeEach
  void start() throws Exception {
    for (String topic : List.of("promos", "notifications", "reports", "control")) {
      TestBroker.get().createTopic(prefix + topic, 1);
    }
    producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", TestBroker.get().bootstrapServers()),
            new ByteArraySerializer(),
            new ByteArraySerializer());
    page = Page.start(site(), engine, 0);
    client = new PageClient(page.address());
  }

  private Site site() {
    return new Site(
        TestBroker.get().bootstrapServers(),
        prefix + "promos",
        prefix + "notifications",
        prefix + "reports",
        prefix + "control",
        database.asSuperuser(),
        TableName.parse("public.subscribers_restaurants"),
        database.asSuperuser(),
        TableName.parse("public.subscribers_feedback"));
  }

  @AfterEach
  void stop() throws Exception {
    page.close();
    producer.close();
  }

  @Test
  void servesEveryFileOfThePageAndNothingElse() throws Exception {
    String html = client.get("/");
    assertThat(html).contains("<script type=\"module\" src=\"app.js\">");
    for (String file : List.of("app.js", "page.css", "icon.svg", "chart.js")) {
      assertThat(client.get("/" + file)).as(file).isNotEmpty();
    }
    for (String path :
        List.of("/nothing.js", "/../feedback.sql", "/%2e%2e/feedback.sql", "/api/publish")) {
      assertThat(client.status("GET", path, null)).as(path).isEqualTo(404);
    }
    assertThat(client.status("POST", "/api/nothing", "{}")).isEqualTo(404);
    assertThat(client.header("/", "Content-Security-Policy")).contains("default-src 'none'");
  }

  @Test
  void refusesRequestsOfOtherSites() throws Exception {
    int port = page.address().getPort();
    String post =
        "POST /api/publish HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n";
    assertThat(client.raw(post + "Host: evil.example:" + port + "\r\n\r\n{}")).contains(" 403 ");
    assertThat(
            client.raw(
                post + "Host: 127.0.0.1:" + port + "\r\nOrigin: http://evil.example\r\n\r\n{}"))
        .contains(" 403 ");
    assertThat(client.raw("GET /events HTTP/1.1\r\nHost: evil.example\r\n\r\n")).contains(" 403 ");
    assertThat(client.raw(post + "Host: 127.0.0.1:" + port + "\r\n\r\n{}")).contains(" 400 ");
  }

  @Test
  void publishesPromoAndCommands() throws Exception {
    JsonNode answer =
        client.post(
            "publish",
            "{\"restaurant_id\":\"r\",\"text\":\"Soup <b>\",\"starts_in\":0,\"lasts\":60}");
    client.post(
        "command", "{\"action\":\"pause\",\"restaurant_id\":\"r\",\"adv_campaign_id\":\"c\"}");
    client.post("command", "{\"action\":\"stop\"}");

    JsonNode promo = JSON.readTree(read("promos", 1).get(0));
    assertThat(promo.path("adv_campaign_id")).isEqualTo(answer.path("adv_campaign_id"));
    assertThat(promo.path("adv_campaign_content").asText()).isEqualTo("Soup <b>");
    assertThat(promo.path("adv_campaign_datetime_end").asLong())
        .isEqualTo(promo.path("adv_campaign_datetime_start").asLong() + 59);
    assertThat(promo.size()).isEqualTo(8);
    assertThat(read("control", 2))
        .containsExactly(
            "{\"action\":\"pause\",\"restaurant_id\":\"r\",\"adv_campaign_id\":\"c\","
                + "\"by\":\"the page of the local run\"}",
            "{\"action\":\"stop\",\"by\":\"the page of the local run\"}");
  }

  @Test
  void explainsWhatIsWrongWithRequest() throws Exception {
    assertThat(client.problem("publish", "{}")).isEqualTo("starts_in is missing");
    assertThat(client.problem("command", "{\"action\":\"explode\"}"))
        .isEqualTo("action must be pause, resume or stop");
    assertThat(client.problem("subscribe", "{\"client_id\":\"me\"}"))
        .isEqualTo("restaurant_id is missing");
    assertThat(client.problem("publish", "hello")).isEqualTo("not a JSON object");
    assertThat(client.status("POST", "/api/publish", " ".repeat(70_000))).isEqualTo(413);
  }

  @Test
  void changesAndListsSubscriptions() throws Exception {
    client.post("subscribe", "{\"client_id\":\"me\",\"restaurant_id\":\"r1\"}");
    client.post("subscribe", "{\"client_id\":\"me\",\"restaurant_id\":\"r1\"}");
    client.post("subscribe", "{\"client_id\":\"you\",\"restaurant_id\":\"r1\"}");
    client.post("subscribe", "{\"client_id\":\"me\",\"restaurant_id\":\"r2\"}");
    client.post("unsubscribe", "{\"client_id\":\"me\",\"restaurant_id\":\"r2\"}");

    assertThat(client.get("/api/restaurants"))
        .isEqualTo("{\"restaurants\":[{\"id\":\"r1\",\"subscribers\":2}]}");
  }

  @Test
  void previewsTheMessageThatItWouldPublish() throws Exception {
    String form =
        "{\"restaurant_id\":\"r\",\"adv_campaign_id\":\"c\",\"text\":\"Soup\",\"starts_in\":0,\"lasts\":60}";
    JsonNode previewed = client.post("preview", form).path("promo");
    assertThat(previewed.path("adv_campaign_content").asText()).isEqualTo("Soup");
    client.post("publish", form);

    JsonNode published = JSON.readTree(read("promos", 1).get(0));
    assertThat(previewed.fieldNames()).toIterable().hasSize(8);
    assertThat(published.fieldNames())
        .toIterable()
        .containsExactlyElementsOf(() -> previewed.fieldNames());
  }

  @Test
  void showsCampaignsOfReportsWithTextsOfPromos() throws Exception {
    send(
        "promos",
        null,
        "{\"restaurant_id\":\"r\",\"adv_campaign_id\":\"c\",\"adv_campaign_content\":\"Soup\"}");
    send("promos", null, "broken");
    send("reports", null, "broken");
    send("reports", "{}", CampaignsTest.json("c", "live", "10", 1));
    try (PageClient.Events events = client.events("show=active")) {
      JsonNode state = events.await("the campaign", s -> s.path("campaigns").size() == 1);
      JsonNode campaign = state.path("campaigns").get(0);
      assertThat(campaign.path("text").asText()).isEqualTo("Soup");
      assertThat(campaign.path("state").asText()).isEqualTo("live");
      assertThat(campaign.path("audience").asLong()).isEqualTo(10);
    }
    send("reports", "{\"restaurant_id\":\"r\",\"adv_campaign_id\":\"c\"}", null);
    try (PageClient.Events events = client.events("show=active")) {
      events.await("no campaign", s -> s.path("campaigns").size() == 0);
    }
  }

  @Test
  void comparesBothSinks() throws Exception {
    deliver("a");
    row("a");
    deliver("b");
    row("c");
    row("d");
    row("d");
    try (PageClient.Events events = client.events("")) {
      events.await("the double row", s -> is(s, 2, 4, 3, 0, 1));
      engine.checkpoints.addAndGet(1);
      row("b");
      events.await("the late row", s -> is(s, 2, 5, 2, 0, 1));
      events.await(
          "the lost notifications",
          s -> {
            engine.checkpoints.incrementAndGet();
            return is(s, 2, 5, 0, 2, 1);
          });
    }
  }

  private static boolean is(
      JsonNode state, long notifications, long rows, long underWay, long lost, long twice) {
    return state.path("notifications").asLong() == notifications
        && state.path("rows").asLong() == rows
        && state.path("under_way").asLong() == underWay
        && state.path("lost").asLong() == lost
        && state.path("double").asLong() == twice;
  }

  @Test
  void readsRowsCommittedAfterRowsWithGreaterIds() throws Exception {
    try (var late = database.connect();
        var statement = late.createStatement();
        PageClient.Events events = client.events("")) {
      late.setAutoCommit(false);
      statement.execute(insert("early-id"));
      row("a");
      events.await("the first row", s -> s.path("rows").asLong() == 1);
      row("b");
      events.await("the second row", s -> s.path("rows").asLong() == 2);
      late.commit();
      events.await("the late row", s -> s.path("rows").asLong() == 3);
      row("c");
      events.await("the last row", s -> s.path("rows").asLong() == 4);
      assertThat(events.next().path("double").asLong()).isZero();
    }
  }

  @Test
  void sendsNotificationsOfWatchedClientOnly() throws Exception {
    try (PageClient.Events events = client.events("client=me&show=active")) {
      events.next();
      deliver("other");
      deliver("me");
      events.await("the notification", s -> !events.notifications().isEmpty());
      assertThat(events.notifications())
          .hasSize(1)
          .allMatch(text -> text.contains("\"text\":\"Soup\""));
    }
    try (PageClient.Events again = client.events("client=me")) {
      again.await("the notification again", s -> again.notifications().size() == 1);
    }
  }

  @Test
  void causesFaultsOneAtATime() throws Exception {
    client.post("kill-taskmanager", "{}");
    assertThat(client.status("POST", "/api/restart-postgres", "{}")).isEqualTo(409);
    try (PageClient.Events events = client.events("")) {
      events.await(
          "the recovery",
          s -> {
            engine.checkpoints.incrementAndGet();
            return s.path("faults").path(0).path("took_millis").isNumber();
          });
      client.post("restart-postgres", "{}");
      JsonNode state = events.await("the second fault", s -> s.path("faults").size() == 2);
      assertThat(state.path("faults").findValuesAsText("kind"))
          .containsExactly("taskmanager", "postgres");
    }
    Waiting.until("both faults", () -> engine.faults.equals(List.of("kill", "restart")));
  }

  @Test
  void takesTheNextPortIfTheFirstIsInUse() throws Exception {
    try (Page second = Page.start(site(), engine, page.address().getPort())) {
      assertThat(second.address().getPort()).isGreaterThan(page.address().getPort());
    }
  }

  private void deliver(String client) throws Exception {
    send(
        "notifications",
        client,
        """
        {"restaurant_id":"r","adv_campaign_id":"c","adv_campaign_content":"Soup",\
        "adv_campaign_owner":"o","adv_campaign_owner_contact":"oc","adv_campaign_datetime_start":1,\
        "adv_campaign_datetime_end":2,"client_id":"%s","datetime_created":3,\
        "trigger_datetime_created":4}"""
            .formatted(client));
  }

  private void row(String client) {
    database.execute(insert(client));
  }

  private static String insert(String client) {
    return "INSERT INTO subscribers_feedback (restaurant_id, adv_campaign_id, adv_campaign_content,"
        + " adv_campaign_owner, adv_campaign_owner_contact, adv_campaign_datetime_start,"
        + " adv_campaign_datetime_end, datetime_created, client_id, trigger_datetime_created)"
        + " VALUES ('r', 'c', 'Soup', 'o', 'oc', 1, 2, 3, '"
        + client
        + "', 4)";
  }

  private void send(String topic, String key, String value) throws Exception {
    producer
        .send(
            new ProducerRecord<>(
                prefix + topic,
                key == null ? null : key.getBytes(UTF_8),
                value == null ? null : value.getBytes(UTF_8)))
        .get();
  }

  private List<String> read(String topic, int messages) {
    List<String> read = new ArrayList<>();
    try (KafkaConsumer<String, String> consumer =
        new KafkaConsumer<>(
            Map.of("bootstrap.servers", TestBroker.get().bootstrapServers()),
            new StringDeserializer(),
            new StringDeserializer())) {
      List<TopicPartition> partitions = List.of(new TopicPartition(prefix + topic, 0));
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      while (read.size() < messages) {
        consumer.poll(Duration.ofSeconds(1)).forEach(message -> read.add(message.value()));
      }
    }
    return read;
  }

  /** A job that always runs. The test completes its checkpoints. */
  private static final class FakeEngine implements Engine {

    final AtomicInteger checkpoints = new AtomicInteger(1);
    final List<String> faults = new CopyOnWriteArrayList<>();

    @Override
    public Flow flow() {
      return new Flow("RUNNING", 14, 14, 0, 0, 0, 0, 0, 0, 0, null, checkpoints.get(), 1, 1);
    }

    @Override
    public String preview(byte[] promo) {
      return "{\"promo\":" + new String(promo, UTF_8) + "}";
    }

    @Override
    public void killTaskManager() {
      faults.add("kill");
    }

    @Override
    public void restartDatabase() {
      faults.add("restart");
    }
  }
}
