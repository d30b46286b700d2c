package io.promostream.bench;

import com.fasterxml.jackson.databind.JsonNode;
import io.promostream.processes.FlinkCluster;
import io.promostream.processes.Rest;
import io.promostream.testing.Waiting;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.flink.api.common.JobID;

/** The metrics, checkpoints and times that Flink reports of a job. */
final class RunningJob {

  static final String SUBSCRIBERS = "subscribers";
  static final String DELIVER_PROMOS = "deliver-promos";

  /** The pause between two requests to Flink during a measurement. */
  private static final long ASK_MILLIS = 500;

  private final Rest rest;
  private final JobID id;

  RunningJob(FlinkCluster cluster, JobID id) {
    rest = cluster.rest();
    this.id = id;
  }

  /**
   * Starts the job, which reads all promos from the earliest one.
   *
   * @param arguments beyond addresses
   */
  static RunningJob start(Installation installation, int parallelism, String... arguments)
      throws Exception {
    List<String> all = new ArrayList<>(List.of("--promos.start-from", "earliest"));
    all.addAll(List.of(arguments));
    return new RunningJob(installation.cluster(), installation.submit(parallelism, all));
  }

  JobID id() {
    return id;
  }

  /**
   * An operator's metric.
   *
   * @param aggregation over the subtasks: min, max or sum
   * @return NaN while nobody has reported it
   */
  double metric(String operator, String name, String aggregation) throws Exception {
    String prefix = operator.equals(SUBSCRIBERS) ? "Source__" : "";
    JsonNode metrics =
        rest.get(
            "/jobs/%s/vertices/%s/subtasks/metrics?get=%s%s.%s&agg=%s"
                .formatted(
                    id, vertex(operator).get("id").asText(), prefix, operator, name, aggregation));
    return metrics.isEmpty() ? Double.NaN : metrics.get(0).get(aggregation).asDouble();
  }

  /** Bytes that the tasks of an operator received from others, or from themselves, by buffers. */
  double bytesReceived(String operator) throws Exception {
    return vertex(operator).get("metrics").get("read-bytes").asDouble();
  }

  private JsonNode vertex(String operator) throws IOException, InterruptedException {
    for (JsonNode vertex : rest.get("/jobs/" + id).get("vertices")) {
      if (vertex.get("name").asText().contains(operator)) {
        return vertex;
      }
    }
    throw new IllegalStateException("no " + operator + " in job " + id);
  }

  private JsonNode details(String operator) throws IOException, InterruptedException {
    return rest.get("/jobs/" + id + "/vertices/" + vertex(operator).get("id").asText());
  }

  /** Since when an operator's first subtask runs, epoch milliseconds. */
  long runningSince(String operator) throws Exception {
    JsonNode details = details(operator);
    return details.get("now").asLong()
        - details.get("subtasks").get(0).get("status-duration").get("RUNNING").asLong();
  }

  /** How long the slowest subtask of an operator took to restore its state, milliseconds. */
  long initializing(String operator) throws Exception {
    long longest = 0;
    for (JsonNode subtask : details(operator).get("subtasks")) {
      longest = Math.max(longest, subtask.get("status-duration").get("INITIALIZING").asLong());
    }
    return longest;
  }

  /** Waits until every subtask of deliver-promos has a version of the list. */
  void awaitList(long version) throws Exception {
    await(
        "version %d of the list".formatted(version),
        () -> metric(DELIVER_PROMOS, "listVersion", "min") >= version);
  }

  /** Waits until the sum of a metric over the subtasks is more than something. */
  void awaitMetricAbove(String operator, String name, double value) throws Exception {
    await(name + " above " + value, () -> metric(operator, name, "sum") > value);
  }

  /** Asks seldom, because requests slow the job down. */
  private static void await(String what, Callable<Boolean> holds) throws Exception {
    Waiting.until(
        what,
        () -> {
          Thread.sleep(ASK_MILLIS);
          return holds.call();
        });
  }

  /**
   * A completed checkpoint.
   *
   * @param triggered epoch milliseconds
   * @param millis until its completion
   * @param bytes that it added, of the whole job
   * @param listBytes that the restaurants' state in it takes
   * @param listBytesAdded those of them that it added
   * @param pauseMillis the longest time that a subtask that delivers stood still for it: until the
   *     barriers of all its inputs were there, and to begin the snapshot
   */
  record Checkpoint(
      long triggered,
      double millis,
      double bytes,
      double listBytes,
      double listBytesAdded,
      double pauseMillis,
      String path) {

    boolean wasUnderWay(long from, long to) {
      return triggered < to && triggered + millis > from;
    }
  }

  /**
   * Takes a checkpoint.
   *
   * @param type FULL or CONFIGURED, which is incremental where that is configured
   */
  Checkpoint checkpoint(String type) throws Exception {
    String request =
        rest.post(checkpointsPath(), "{\"checkpointType\":\"%s\"}".formatted(type))
            .get("request-id")
            .asText();
    String status = checkpointsPath() + "/" + request;
    Waiting.until(
        "a checkpoint",
        () -> rest.get(status).get("status").get("id").asText().equals("COMPLETED"));
    JsonNode operation = rest.get(status).get("operation");
    if (!operation.has("checkpointId")) {
      throw new IllegalStateException("the checkpoint failed: " + operation);
    }
    return completed(operation.get("checkpointId").asText());
  }

  /** The completed checkpoints, as far back as {@code web.checkpoints.history} goes. */
  List<Checkpoint> checkpoints() throws Exception {
    List<Checkpoint> completed = new ArrayList<>();
    for (JsonNode one : rest.get(checkpointsPath()).get("history")) {
      if (one.get("status").asText().equals("COMPLETED")) {
        completed.add(completed(one.get("id").asText()));
      }
    }
    return completed;
  }

  private String checkpointsPath() {
    return "/jobs/" + id + "/checkpoints";
  }

  private Checkpoint completed(String number) throws Exception {
    String details = checkpointsPath() + "/details/" + number;
    JsonNode all = rest.get(details);
    JsonNode deliver = rest.get(details + "/subtasks/" + vertex(DELIVER_PROMOS).get("id").asText());
    double pause = 0;
    for (JsonNode subtask : deliver.get("subtasks")) {
      pause =
          Math.max(
              pause,
              subtask.get("checkpoint").get("sync").asDouble()
                  + subtask.get("alignment").get("duration").asDouble());
    }
    return new Checkpoint(
        all.get("trigger_timestamp").asLong(),
        all.get("end_to_end_duration").asDouble(),
        all.get("checkpointed_size").asDouble(),
        deliver.get("state_size").asDouble(),
        deliver.get("checkpointed_size").asDouble(),
        pause,
        all.get("external_path").asText());
  }
}
