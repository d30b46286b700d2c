package io.promostream.local.page;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Writes what the page shows as JSON, in one line. */
final class StateJson {

  private static final int MAX_CAMPAIGNS_SHOWN = 50;

  private StateJson() {}

  static String state(Board board, Monitor monitor, Faults faults, Campaigns.Filter filter)
      throws IOException {
    return Json.object(
        json -> {
          long now = board.clock().millis();
          json.writeNumberField("now", now);
          json.writeNumberField("notifications", board.chart().total(Sink.NOTIFICATIONS));
          json.writeNumberField("rows", board.chart().total(Sink.ROWS));
          json.writeBooleanField("rows_readable", monitor.rowsReadable());
          rates(
              json,
              "notifications_per_second",
              board.chart().perSecond(Sink.NOTIFICATIONS, now / 1000));
          rates(json, "rows_per_second", board.chart().perSecond(Sink.ROWS, now / 1000));
          comparison(json, board.ledger().result());
          json.writeNumberField("refused", board.refused().get());
          Engine.@Nullable Flow flow = monitor.flow();
          if (flow != null) {
            flow(json, flow);
          }
          faults(json, faults);
          campaigns(json, board.campaigns(), filter);
        });
  }

  private static void rates(JsonGenerator json, String name, long[] rates) throws IOException {
    json.writeFieldName(name);
    json.writeArray(rates, 0, rates.length);
  }

  private static void comparison(JsonGenerator json, DeliveryLedger.Result result)
      throws IOException {
    json.writeNumberField("under_way", result.underWay());
    json.writeNumberField("lost", result.lost());
    json.writeNumberField("double", result.twice());
  }

  private static void flow(JsonGenerator json, Engine.Flow flow) throws IOException {
    json.writeObjectFieldStart("flow");
    json.writeStringField("state", flow.state());
    json.writeNumberField("tasks_running", flow.tasksRunning());
    json.writeNumberField("tasks", flow.tasks());
    json.writeNumberField("promos_read", flow.promosRead());
    json.writeNumberField("rejected", flow.rejected());
    json.writeNumberField("late", flow.late());
    json.writeNumberField("waiting", flow.waiting());
    json.writeNumberField("live", flow.live());
    json.writeNumberField("restaurants", flow.restaurants());
    json.writeNumberField("subscriptions", flow.subscriptions());
    Json.optional(json, "list_age", flow.listAgeSeconds());
    json.writeNumberField("checkpoint", flow.checkpoint());
    json.writeNumberField("checkpoint_millis", flow.checkpointMillis());
    json.writeNumberField("checkpoint_age_millis", flow.checkpointAgeMillis());
    json.writeEndObject();
  }

  private static void faults(JsonGenerator json, Faults faults) throws IOException {
    json.writeArrayFieldStart("faults");
    for (Faults.Event event : faults.events()) {
      json.writeStartObject();
      json.writeStringField("kind", event.kind().toString());
      json.writeNumberField("at", event.at());
      Json.optional(json, "took_millis", event.tookMillis());
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  private static void campaigns(JsonGenerator json, Campaigns campaigns, Campaigns.Filter filter)
      throws IOException {
    Campaigns.Counts counts = campaigns.counts();
    json.writeNumberField("campaigns_active", counts.active());
    json.writeNumberField("campaigns_over", counts.over());
    json.writeArrayFieldStart("campaigns");
    for (Campaigns.View campaign : campaigns.find(filter, MAX_CAMPAIGNS_SHOWN)) {
      Report report = campaign.report();
      json.writeStartObject();
      Json.id(json, report.id());
      json.writeStringField("text", campaign.text());
      json.writeBooleanField("own", campaign.own());
      json.writeStringField("state", report.state().toString());
      json.writeNumberField("start", report.start());
      json.writeNumberField("end", report.end());
      Json.optional(json, "audience", report.audience());
      json.writeNumberField("delivered", report.delivered());
      json.writeNumberField("pending", report.pending());
      json.writeNumberField("held_out", report.heldOut());
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  static String arrival(ClientFeed.Arrival arrival) throws IOException {
    return Json.object(
        json -> {
          Json.id(json, arrival.campaign());
          json.writeStringField("text", arrival.text());
          json.writeNumberField("matched_at", arrival.matchedAt());
          json.writeNumberField("arrived_at", arrival.arrivedAt());
        });
  }
}
