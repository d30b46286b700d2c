package io.promostream.local.page;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.sql.SQLException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The HTTP server of the page, on the first free port of a range of 127.0.0.1. */
final class PageServer implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(PageServer.class);

  private static final int PORTS = 100;
  private static final String TYPE_JSON = "application/json";
  private static final int MAX_BODY = 64 * 1024;

  private final HttpServer server;
  private final RequestGuard guard;
  private final Api api;
  private final EventStream events;
  private final ExecutorService threads =
      Executors.newCachedThreadPool(
          work -> {
            Thread thread = new Thread(work, "page request");
            thread.setDaemon(true);
            return thread;
          });

  private PageServer(HttpServer server, Api api, EventStream events) {
    this.server = server;
    this.guard = new RequestGuard(server.getAddress().getPort());
    this.api = api;
    this.events = events;
  }

  /**
   * Starts the server.
   *
   * @param firstPort the port if it is free, otherwise the next free one; 0 for any
   */
  static PageServer start(int firstPort, Api api, EventStream events) throws IOException {
    PageServer page = new PageServer(bind(firstPort), api, events);
    page.server.createContext("/", page::handle);
    page.server.setExecutor(page.threads);
    page.server.start();
    return page;
  }

  private static HttpServer bind(int firstPort) throws IOException {
    InetAddress localhost = InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
    for (int port = firstPort; ; port++) {
      try {
        return HttpServer.create(new InetSocketAddress(localhost, port), 0);
      } catch (BindException e) {
        if (port >= firstPort + PORTS) {
          throw new IOException(
              "Cannot serve the page: ports %d to %d of 127.0.0.1 are in use"
                  .formatted(firstPort, port),
              e);
        }
      }
    }
  }

  URI address() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
  }

  private void handle(HttpExchange exchange) {
    try (exchange) {
      Headers request = exchange.getRequestHeaders();
      RequestGuard.@Nullable Refusal refusal =
          guard.check(
              exchange.getRequestMethod(),
              request.getFirst("Host"),
              request.getFirst("Origin"),
              request.getFirst("Content-Type"));
      secure(exchange.getResponseHeaders());
      if (refusal != null) {
        error(exchange, refusal.status(), refusal.reason());
      } else if (exchange.getRequestMethod().equals("POST")) {
        post(exchange);
      } else {
        get(exchange);
      }
    } catch (IOException e) {
      LOG.debug("The browser went away", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** The browser executes nothing that is not a file of this server. */
  private static void secure(Headers headers) {
    headers.set(
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
            + " base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    headers.set("X-Content-Type-Options", "nosniff");
    headers.set("Referrer-Policy", "no-referrer");
    headers.set("Cache-Control", "no-store");
  }

  private void get(HttpExchange exchange) throws IOException, InterruptedException {
    String path = exchange.getRequestURI().getPath();
    if (path.equals("/events")) {
      events.send(exchange);
    } else if (path.equals("/api/restaurants")) {
      answer(exchange, request -> api.restaurants(), "{}".getBytes(UTF_8));
    } else {
      PageFile file = PageFile.of(path.equals("/") ? "/index.html" : path);
      if (file == null) {
        error(exchange, 404, "there is no such page");
      } else {
        send(exchange, 200, file.type(), file.content());
      }
    }
  }

  private void post(HttpExchange exchange) throws IOException, InterruptedException {
    Api.@Nullable Action action = api.action(exchange.getRequestURI().getPath());
    byte[] body = exchange.getRequestBody().readNBytes(MAX_BODY + 1);
    if (action == null) {
      error(exchange, 404, "there is no such action");
    } else if (body.length > MAX_BODY) {
      error(exchange, 413, "the body is too long");
    } else {
      answer(exchange, action, body);
    }
  }

  private static void answer(HttpExchange exchange, Api.Action action, byte[] body)
      throws IOException, InterruptedException {
    try {
      send(exchange, 200, TYPE_JSON, action.act(FlatJson.parse(body)).getBytes(UTF_8));
    } catch (IllegalArgumentException e) {
      error(exchange, 400, String.valueOf(e.getMessage()));
    } catch (Api.ConflictException e) {
      error(exchange, 409, String.valueOf(e.getMessage()));
    } catch (SQLException e) {
      LOG.warn("Postgres refused an action of the page", e);
      error(exchange, 503, "Postgres does not answer. Try again in a moment.");
    } catch (InterruptedException | IOException e) {
      throw e;
    } catch (Exception e) {
      LOG.warn("An action of the page failed", e);
      error(exchange, 500, "This did not work: " + e.getMessage());
    }
  }

  private static void error(HttpExchange exchange, int status, String problem) throws IOException {
    String body = Json.object(json -> json.writeStringField("error", problem));
    send(exchange, status, TYPE_JSON, body.getBytes(UTF_8));
  }

  private static void send(HttpExchange exchange, int status, String type, byte[] body)
      throws IOException {
    exchange.getResponseHeaders().set("Content-Type", type);
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
