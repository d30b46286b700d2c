package io.promostream.local.page;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.promostream.testing.Waiting;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Each endpoint of the page, with topics and tables that the test fills instead of the job. */
class PageIT extends PageOnTestSite {

  private static final ObjectMapper JSON = new ObjectMapper();

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
}
