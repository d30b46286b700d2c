package io.promostream.processes;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/** The parts of a JobManager's REST API that the drills use. */
public final class Rest {

  private static final ObjectMapper JSON = new ObjectMapper();

  private final HttpClient client = HttpClient.newHttpClient();
  private final String address;

  public Rest(int port) {
    address = "http://127.0.0.1:" + port;
  }

  /**
   * Gets the JSON at a path.
   *
   * @throws IOException if nobody answers, or not with success
   */
  public JsonNode get(String path) throws IOException, InterruptedException {
    return send(path, request(path));
  }

  /**
   * Posts JSON to a path; returns the response.
   *
   * @throws IOException if nobody answers, or not with success
   */
  public JsonNode post(String path, String json) throws IOException, InterruptedException {
    return send("POST", path, json);
  }

  /** Like {@link #post}, with the method PUT. */
  public JsonNode put(String path, String json) throws IOException, InterruptedException {
    return send("PUT", path, json);
  }

  private JsonNode send(String method, String path, String json)
      throws IOException, InterruptedException {
    return send(
        path,
        request(path)
            .header("Content-Type", "application/json")
            .method(method, HttpRequest.BodyPublishers.ofString(json)));
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create(address + path)).timeout(Duration.ofSeconds(10));
  }

  private JsonNode send(String path, HttpRequest.Builder request)
      throws IOException, InterruptedException {
    HttpResponse<String> response =
        client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() / 100 != 2) {
      throw new IOException(path + ": " + response.statusCode() + " " + response.body());
    }
    return JSON.readTree(response.body());
  }
}
