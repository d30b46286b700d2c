package io.promostream.processes;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.flink.kubernetes.shaded.io.fabric8.kubernetes.api.model.Container;
import org.apache.flink.kubernetes.shaded.io.fabric8.kubernetes.api.model.EnvVar;
import org.apache.flink.kubernetes.shaded.io.fabric8.kubernetes.api.model.Pod;
import org.apache.flink.kubernetes.shaded.io.fabric8.kubernetes.api.model.PodBuilder;
import org.apache.flink.kubernetes.shaded.io.fabric8.kubernetes.client.KubernetesClient;

/** Runs pods as processes: the arguments of their container, without image and entry point. */
final class Kubelet implements AutoCloseable {

  private static final int POLL_MILLIS = 100;

  private final KubernetesClient client;
  private final Map<String, String> environment;
  private final Function<String, Path> log;
  private final Map<String, Program> programs = new ConcurrentHashMap<>();
  private final Set<String> ended = ConcurrentHashMap.newKeySet();
  private final ScheduledExecutorService loop = Executors.newSingleThreadScheduledExecutor();

  /**
   * Starts it.
   *
   * @param environment variables of all pods, in addition to each pod's own
   * @param log gives the file for the output of a pod, by the pod's name
   */
  Kubelet(KubernetesClient client, Map<String, String> environment, Function<String, Path> log) {
    this.client = client;
    this.environment = environment;
    this.log = log;
    var unused = loop.scheduleWithFixedDelay(this::look, 0, POLL_MILLIS, TimeUnit.MILLISECONDS);
  }

  private void look() {
    try {
      List<Pod> pods = client.pods().list().getItems();
      for (Pod pod : pods) {
        String name = pod.getMetadata().getName();
        Program program = programs.get(name);
        if (program == null) {
          start(pod);
          setPhase(pod, "Running");
        } else if (!program.isAlive() && ended.add(name)) {
          setPhase(pod, "Failed");
        }
      }
      Set<String> names =
          pods.stream().map(pod -> pod.getMetadata().getName()).collect(Collectors.toSet());
      for (Map.Entry<String, Program> program : programs.entrySet()) {
        if (!names.contains(program.getKey()) && program.getValue().isAlive()) {
          program.getValue().end();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (Exception e) { // otherwise it would end the loop
      System.err.println("kubelet: " + e);
    }
  }

  private void start(Pod pod) throws IOException {
    String name = pod.getMetadata().getName();
    Container container = pod.getSpec().getContainers().get(0);
    Map<String, String> all = new HashMap<>(environment);
    for (EnvVar variable : container.getEnv()) {
      if (variable.getValue() != null) {
        all.put(variable.getName(), variable.getValue());
      }
    }
    all.put("POD", name);
    all.put("_POD_NODE_ID", "node");
    programs.put(name, Program.run(log.apply(name), all, container.getArgs()));
  }

  private void setPhase(Pod pod, String phase) {
    client
        .pods()
        .resource(
            new PodBuilder(pod)
                .editOrNewStatus()
                .withPhase(phase)
                .addNewCondition()
                .withType("PodScheduled")
                .withStatus("True")
                .endCondition()
                .endStatus()
                .build())
        .updateStatus();
  }

  /** The pods whose process runs, by their names. */
  Map<String, Program> running() {
    return programs.entrySet().stream()
        .filter(program -> program.getValue().isAlive())
        .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
  }

  /** Kills all pods. */
  @Override
  public void close() throws InterruptedException {
    loop.shutdownNow();
    loop.awaitTermination(1, TimeUnit.MINUTES);
    for (Program program : programs.values()) {
      program.close();
    }
    client.close();
  }
}
