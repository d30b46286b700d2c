package io.promostream.local.page;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;

/** The comparison of both sinks on the page. */
class PageComparisonIT extends PageOnTestSite {

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
  void countsRefusedDeliveriesApart() throws Exception {
    deliver("a");
    refusedRow("a");
    row("b");
    refusedNotification("b", "notification-refused");
    refusedNotification("c", "report-refused");
    try (PageClient.Events events = client.events("")) {
      events.await("the refusals", s -> s.path("refused").asLong() == 2 && is(s, 1, 1, 0, 0, 0));
      row("c");
      events.await("the delivery in one sink", s -> is(s, 1, 2, 1, 0, 0));
    }
  }

  private void refusedRow(String client) {
    database.execute(
        insert(client)
            .replace("subscribers_feedback ", "subscribers_feedback_refused ")
            .replace("client_id, trigger", "reason, client_id, trigger")
            .replace("3, '", "3, '23505', '"));
  }

  private void refusedNotification(String client, String reason) throws Exception {
    ProducerRecord<byte[], byte[]> message =
        new ProducerRecord<>(prefix + "rejected", notification(client).getBytes(UTF_8));
    message.headers().add("reject.reason", reason.getBytes(UTF_8));
    producer.send(message).get();
  }
}
