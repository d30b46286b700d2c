package io.promostream.cluster;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.promostream.testing.Programs;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Prometheus itself, on a free port of this machine, with the project's rules: a minute of theirs
 * is a second, see {@link Monitoring#rulesOfAFasterWorld}.
 */
public final class Prometheus implements AutoCloseable {

  /** What the operator adds to each target of a PodMonitor, and rules go by. */
  public static final String NAMESPACE = "a-namespace";

  private final Path log;
  private final String address;
  private final Process process;
  private final HttpClient client = HttpClient.newHttpClient();

  private Prometheus(Path directory, int port) throws IOException {
    log = directory.resolve("prometheus.log");
    address = "127.0.0.1:" + port;
    process =
        new ProcessBuilder(
                "prometheus",
                "--config.file=" + directory.resolve("prometheus.yaml"),
                "--storage.tsdb.path=" + directory.resolve("data"),
                "--web.listen-address=" + address)
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
  }

  public static boolean isInstalled() {
    return Programs.isInstalled("prometheus");
  }

  public static int freePort() {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Starts it; it may take a moment until it answers.
   *
   * @param directory for its files, empty
   * @param metricsPort what it is to watch, on this machine
   */
  public static Prometheus start(Path directory, int metricsPort) throws IOException {
    Files.writeString(
        directory.resolve("rules.yaml"), Monitoring.yaml(Monitoring.rulesOfAFasterWorld()));
    Files.writeString(
        directory.resolve("prometheus.yaml"),
        """
        global:
          scrape_interval: 1s
          evaluation_interval: 1s
        rule_files: [rules.yaml]
        scrape_configs:
          - job_name: %1$s/promo-stream
            static_configs:
              - targets: ["127.0.0.1:%2$d"]
                labels: {namespace: %1$s}
        """
            .formatted(NAMESPACE, metricsPort));
    return new Prometheus(directory, freePort());
  }

  /** The alerts that fire, by their names; none before it answers. */
  public Set<String> firing() {
    Set<String> firing = new TreeSet<>();
    for (Object alert : Yaml.list(get("/api/v1/alerts"), "data", "alerts")) {
      if ("firing".equals(Yaml.text(alert, "state"))) {
        firing.add(Yaml.text(alert, "labels", "alertname"));
      }
    }
    return firing;
  }

  /** The labels of an alert that fires. */
  public Map<String, Object> labels(String alertName) {
    return Yaml.list(get("/api/v1/alerts"), "data", "alerts").stream()
        .map(alert -> Yaml.map(alert, "labels"))
        .filter(labels -> alertName.equals(labels.get("alertname")))
        .findAny()
        .orElse(Map.of());
  }

  /** The labels of all series that a selector selects, the metric's name among them. */
  public List<Map<String, Object>> series(String selector) {
    return Yaml.list(get("/api/v1/series?match[]=" + URLEncoder.encode(selector, UTF_8)), "data")
        .stream()
        .map(Yaml::map)
        .toList();
  }

  private Object get(String path) {
    try {
      HttpResponse<String> response =
          client.send(
              HttpRequest.newBuilder(URI.create("http://" + address + path.replace("[]", "%5B%5D")))
                  .build(),
              BodyHandlers.ofString());
      return response.statusCode() == 200
          ? Yaml.parse(response.body(), address + path).get(0)
          : Map.of();
    } catch (ConnectException e) {
      if (process.isAlive()) {
        return Map.of();
      }
      throw new IllegalStateException("Prometheus has ended: " + log(), e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private String log() {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Ends it, and waits for that, so that its files can be deleted. */
  @Override
  public void close() throws InterruptedException {
    process.destroy();
    process.waitFor();
  }
}
