package io.promostream.testing;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.jar.JarFile;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.runtime.rest.HttpMethodWrapper;
import org.apache.flink.runtime.rest.handler.RestHandlerSpecification;

/** What the web UI's REST interface tells of a job: each page that Flink declares. */
public final class RestPages {

  private static final HttpClient CLIENT = HttpClient.newHttpClient();

  /** GETs that cancel or stop a job, and files, of which this cluster has none. */
  private static final Pattern NO_PAGES = Pattern.compile("yarn-|/(log|stdout)$");

  private RestPages() {}

  /** The pages by their paths, as Flink declares them; without those of other things than jobs. */
  public static Map<String, String> of(URI rest, JobGraph job) throws Exception {
    Map<String, String> parameters =
        Map.of(
            ":jobid",
            job.getJobID().toString(),
            ":vertexid",
            job.getVerticesSortedTopologicallyFromSources().get(0).getID().toString(),
            ":subtaskindex",
            "0",
            ":attempt",
            "0",
            ":checkpointid",
            first("\"id\":(\\d+)", get(rest, "/jobs/" + job.getJobID() + "/checkpoints")),
            ":taskmanagerid",
            first("\"id\":\"([^\"]+)\"", get(rest, "/taskmanagers")));
    Map<String, String> pages = new TreeMap<>();
    for (String path : declared()) {
      String filled = path;
      for (Map.Entry<String, String> parameter : parameters.entrySet()) {
        filled = filled.replace(parameter.getKey(), parameter.getValue());
      }
      if (!filled.contains(":") && !NO_PAGES.matcher(path).find()) {
        pages.put(path, get(rest, filled));
      }
    }
    return pages;
  }

  private static String first(String pattern, String page) {
    Matcher matcher = Pattern.compile(pattern).matcher(page);
    if (!matcher.find()) {
      throw new IllegalStateException(pattern + " is not in " + page);
    }
    return matcher.group(1);
  }

  private static String get(URI rest, String path) throws IOException, InterruptedException {
    return CLIENT
        .send(
            HttpRequest.newBuilder(rest.resolve(path)).build(),
            HttpResponse.BodyHandlers.ofString())
        .body();
  }

  private static Iterable<String> declared() throws IOException, URISyntaxException {
    URI runtime =
        RestHandlerSpecification.class.getProtectionDomain().getCodeSource().getLocation().toURI();
    try (JarFile jar = new JarFile(Path.of(runtime).toFile())) {
      return jar.stream()
          .map(ZipEntry::getName)
          .filter(name -> name.matches("org/apache/flink/runtime/.*Headers\\.class"))
          .flatMap(name -> declared(name.replace('/', '.').replaceAll("\\.class$", "")).stream())
          .toList();
    }
  }

  private static Optional<String> declared(String className) {
    try {
      Object headers = Class.forName(className).getMethod("getInstance").invoke(null);
      return headers instanceof RestHandlerSpecification page
              && page.getHttpMethod() == HttpMethodWrapper.GET
          ? Optional.of(page.getTargetRestEndpointURL())
          : Optional.empty();
    } catch (NoSuchMethodException e) {
      // Abstract.
      return Optional.empty();
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(className, e);
    }
  }
}
