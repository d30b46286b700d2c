package io.promostream.local.page;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URLDecoder;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Sends the page's state as server-sent events until the browser goes away: {@code state} twice a
 * second, and {@code notification} for each notification of the client that the person watches.
 */
final class EventStream {

  private static final long MILLIS = 500;

  private final Board board;
  private final Monitor monitor;
  private final Faults faults;

  EventStream(Board board, Monitor monitor, Faults faults) {
    this.board = board;
    this.monitor = monitor;
    this.faults = faults;
  }

  void send(HttpExchange exchange) throws IOException, InterruptedException {
    Map<String, String> parameters = parameters(exchange.getRequestURI().getRawQuery());
    String client = parameters.getOrDefault("client", "");
    Campaigns.Filter filter =
        new Campaigns.Filter(
            !"over".equals(parameters.get("show")), parameters.getOrDefault("text", ""));
    if (!client.isEmpty()) {
      board.clients().watch(client);
    }
    exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
    exchange.sendResponseHeaders(200, 0);
    long seen = 0;
    try (OutputStream out = exchange.getResponseBody()) {
      while (true) {
        for (ClientFeed.Arrival arrival : board.clients().after(client, seen)) {
          event(out, "notification", StateJson.arrival(arrival));
          seen = arrival.number();
        }
        event(out, "state", StateJson.state(board, monitor, faults, filter));
        out.flush();
        Thread.sleep(MILLIS);
      }
    }
  }

  private static void event(OutputStream out, String name, String data) throws IOException {
    out.write(("event: " + name + "\ndata: " + data + "\n\n").getBytes(UTF_8));
  }

  private static Map<String, String> parameters(@Nullable String query) {
    Map<String, String> parameters = new HashMap<>();
    if (query != null) {
      for (String parameter : query.split("&")) {
        int equals = parameter.indexOf('=');
        if (equals > 0) {
          parameters.put(
              parameter.substring(0, equals),
              URLDecoder.decode(parameter.substring(equals + 1), UTF_8));
        }
      }
    }
    return parameters;
  }
}
