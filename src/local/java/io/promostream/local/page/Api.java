package io.promostream.local.page;

import io.promostream.promo.Promo;
import java.io.IOException;
import java.time.Clock;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What a person can do on the page. Each action takes a JSON object and returns one. */
final class Api {

  private final Board board;
  private final Publisher publisher;
  private final Subscriptions subscriptions;
  private final Engine engine;
  private final Faults faults;
  private final Clock clock;
  private final Map<String, Action> actions =
      Map.of(
          "/api/preview", this::preview,
          "/api/publish", this::publish,
          "/api/command", this::command,
          "/api/subscribe", this::subscribe,
          "/api/unsubscribe", this::unsubscribe,
          "/api/kill-taskmanager", request -> fault(request, Faults.Kind.TASKMANAGER),
          "/api/restart-postgres", request -> fault(request, Faults.Kind.POSTGRES));

  Api(
      Board board,
      Publisher publisher,
      Subscriptions subscriptions,
      Engine engine,
      Faults faults,
      Clock clock) {
    this.board = board;
    this.publisher = publisher;
    this.subscriptions = subscriptions;
    this.engine = engine;
    this.faults = faults;
    this.clock = clock;
  }

  /** An action of a person. */
  interface Action {
    String act(FlatJson request) throws Exception;
  }

  /** An action that is not possible now. */
  static final class ConflictException extends Exception {
    ConflictException(String message) {
      super(message);
    }
  }

  /** The action of a path; null if there is none. */
  @Nullable Action action(String path) {
    return actions.get(path);
  }

  /** The restaurants with the most subscribers, for the forms. */
  String restaurants() throws Exception {
    var popular = subscriptions.popular();
    return Json.object(
        json -> {
          json.writeArrayFieldStart("restaurants");
          for (Subscriptions.Restaurant restaurant : popular) {
            json.writeStartObject();
            json.writeStringField("id", restaurant.id());
            json.writeNumberField("subscribers", restaurant.subscribers());
            json.writeEndObject();
          }
          json.writeEndArray();
        });
  }

  private String preview(FlatJson request) throws Exception {
    return engine.preview(Publisher.message(promo(request)));
  }

  private String publish(FlatJson request) throws Exception {
    Promo promo = promo(request);
    CampaignId id = new CampaignId(promo.restaurantId(), promo.campaignId());
    board.campaigns().published(id);
    publisher.publish(promo);
    return Json.object(json -> Json.id(json, id));
  }

  private Promo promo(FlatJson request) {
    return PromoForm.read(request, clock.instant().getEpochSecond());
  }

  private String command(FlatJson request) throws Exception {
    publisher.send(Command.read(request));
    return done();
  }

  private String subscribe(FlatJson request) throws Exception {
    request.only(Set.of("client_id", "restaurant_id"));
    String client = PromoForm.id(request, "client_id", null);
    board.clients().watch(client);
    subscriptions.subscribe(client, PromoForm.id(request, "restaurant_id", null));
    return done();
  }

  private String unsubscribe(FlatJson request) throws Exception {
    request.only(Set.of("client_id", "restaurant_id"));
    subscriptions.unsubscribe(
        PromoForm.id(request, "client_id", null), PromoForm.id(request, "restaurant_id", null));
    return done();
  }

  private String fault(FlatJson request, Faults.Kind kind) throws Exception {
    request.only(Set.of());
    if (!faults.begin(kind)) {
      throw new ConflictException("The job has not recovered from the last fault yet.");
    }
    return done();
  }

  private static String done() throws IOException {
    return Json.object(json -> {});
  }
}
