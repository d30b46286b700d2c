package io.promostream.local.page;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** Sends requests to the page. */
final class PageClient {

  private static final ObjectMapper JSON = new ObjectMapper();

  private final URI address;

  PageClient(URI address) {
    this.address = address;
  }

  /** Does something that works. */
  JsonNode post(String action, String body) throws Exception {
    HttpURLConnection connection = request("POST", "/api/" + action, body);
    assertThat(connection.getResponseCode()).as(action).isEqualTo(200);
    return JSON.readTree(connection.getInputStream());
  }

  /** The answer to a request that is wrong. */
  String problem(String action, String body) throws Exception {
    HttpURLConnection connection = request("POST", "/api/" + action, body);
    assertThat(connection.getResponseCode()).as(action).isEqualTo(400);
    return JSON.readTree(connection.getErrorStream()).path("error").asText();
  }

  String get(String path) throws Exception {
    return new String(request("GET", path, null).getInputStream().readAllBytes(), UTF_8);
  }

  int status(String method, String path, String body) throws Exception {
    return request(method, path, body).getResponseCode();
  }

  String header(String path, String name) throws Exception {
    return request("GET", path, null).getHeaderField(name);
  }

  private HttpURLConnection request(String method, String path, String body) throws Exception {
    HttpURLConnection connection =
        (HttpURLConnection) URI.create(address + path).toURL().openConnection();
    connection.setRequestMethod(method);
    if (body != null) {
      connection.setRequestProperty("Content-Type", "application/json");
      connection.setDoOutput(true);
      connection.getOutputStream().write(body.getBytes(UTF_8));
    }
    return connection;
  }

  /** Sends a request whose headers the JDK's client would not send. Returns the first line. */
  String raw(String request) throws Exception {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), address.getPort())) {
      socket.getOutputStream().write(request.getBytes(UTF_8));
      return new BufferedReader(new InputStreamReader(socket.getInputStream(), UTF_8)).readLine();
    }
  }

  /** Opens the stream of events. */
  Events events(String query) throws Exception {
    return new Events(query);
  }

  /** The stream of events, as a browser reads it. */
  final class Events implements AutoCloseable {

    private final List<String> notifications = new ArrayList<>();
    private final BufferedReader lines;

    private Events(String query) throws Exception {
      HttpURLConnection connection = request("GET", "/events?" + query, null);
      assertThat(connection.getContentType()).isEqualTo("text/event-stream");
      lines = new BufferedReader(new InputStreamReader(connection.getInputStream(), UTF_8));
    }

    /** The notifications that came before the last state. */
    List<String> notifications() {
      return notifications;
    }

    /** The next state. */
    JsonNode next() throws Exception {
      String event = "";
      while (true) {
        String line = lines.readLine();
        assertThat(line).as("the stream ended").isNotNull();
        if (line.startsWith("event: ")) {
          event = line.substring("event: ".length());
        } else if (line.startsWith("data: ") && event.equals("notification")) {
          notifications.add(line);
        } else if (line.startsWith("data: ")) {
          return JSON.readTree(line.substring("data: ".length()));
        }
      }
    }

    /** The first state that meets a condition, within a minute. */
    JsonNode await(String what, Predicate<JsonNode> condition) throws Exception {
      JsonNode state = next();
      for (int tries = 0; !condition.test(state); tries++) {
        assertThat(tries).as("waited for %s, and saw %s", what, state).isLessThan(120);
        state = next();
      }
      return state;
    }

    @Override
    public void close() throws Exception {
      lines.close();
    }
  }
}
