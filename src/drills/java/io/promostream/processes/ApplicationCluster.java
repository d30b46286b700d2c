package io.promostream.processes;

import io.promostream.cluster.Manifests;
import io.promostream.testing.Waiting;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.ConfigConstants;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.kubernetes.shaded.io.fabric8.kubernetes.api.model.apps.DeploymentBuilder;
import org.apache.flink.kubernetes.shaded.io.fabric8.kubernetes.client.KubernetesClient;
import org.apache.flink.runtime.highavailability.ClientHighAvailabilityServices;
import org.apache.flink.runtime.highavailability.HighAvailabilityServicesUtils;
import org.apache.flink.runtime.leaderretrieval.LeaderRetrievalException;
import org.apache.flink.runtime.util.LeaderRetrievalUtils;

/**
 * A highly available cluster in application mode on native Kubernetes, without Kubernetes. Test
 * doubles replace the API server, in whose ConfigMaps the JobManagers elect their leader, and the
 * kubelet, which starts the TaskManager pods that the leader requests.
 */
public final class ApplicationCluster extends FlinkCluster {

  private static final Path OVERLAY = Path.of("k8s/overlays/prod");
  private static final int JOB_MANAGERS = 2;
  private static final String CLUSTER_ID = "promo-stream";

  private final Path directory;
  private final KubernetesApi api;
  private final Kubelet kubelet;
  private final Map<Integer, Program> jobManagersByRestPort = new LinkedHashMap<>();
  private Map<String, String> environment = Map.of();
  private List<String> application = List.of();
  private int submissions;

  /**
   * Starts everything except the JobManagers, which start with the job.
   *
   * @param directory for configuration, logs, checkpoints and high-availability storage
   * @param changes further changes to the project's configuration, in addition to addresses, paths,
   *     sizes, high availability and the JobManager settings of k8s/overlays/prod
   */
  public static ApplicationCluster start(Path directory, Map<String, String> changes)
      throws Exception {
    Path absolute = directory.toAbsolutePath();
    KubernetesApi api = new KubernetesApi(absolute);
    Map<String, String> all = new HashMap<>();
    Manifests.of(OVERLAY)
        .flinkConfiguration()
        .forEach(
            (key, value) -> {
              if (key.startsWith("high-availability.") || key.startsWith("jobmanager.")) {
                all.put(key, value);
              }
            });
    all.putAll(changes);
    all.put("high-availability.storageDir", absolute.resolve("ha").toUri().toString());
    all.put("kubernetes.cluster-id", CLUSTER_ID);
    all.put("kubernetes.namespace", KubernetesApi.NAMESPACE);
    all.put("kubernetes.config.file", api.kubeConfig().toString());
    all.put("kubernetes.container.image.ref", "none");
    all.put("taskmanager.rpc.port", "6122");
    all.put("pipeline.jars", "local://" + JAR.toAbsolutePath());
    // The Kubernetes operator sets this, too, so that the status of an ended job can still be
    // queried.
    all.put("execution.shutdown-on-application-finish", "false");
    return new ApplicationCluster(absolute, api, all);
  }

  private ApplicationCluster(Path directory, KubernetesApi api, Map<String, String> changes)
      throws Exception {
    super(directory, changes);
    this.directory = directory;
    this.api = api;
    KubernetesClient client = api.client();
    client
        .apps()
        .deployments()
        .resource(
            new DeploymentBuilder().withNewMetadata().withName(CLUSTER_ID).endMetadata().build())
        .create();
    Path bin = Files.createDirectories(directory.resolve("bin"));
    Path script = Files.writeString(bin.resolve("kubernetes-taskmanager.sh"), taskManagerScript());
    if (!script.toFile().setExecutable(true)) {
      throw new IOException(script + " can't be made executable");
    }
    kubelet =
        new Kubelet(
            client,
            Map.of(
                "PATH",
                bin + ":" + System.getenv("PATH"),
                ConfigConstants.ENV_FLINK_CONF_DIR,
                conf().toString()),
            pod -> log(pod + ".out"));
  }

  private String taskManagerScript() {
    List<String> command = Program.java();
    command.addAll(jvm());
    command.add("-Dlog4j.configurationFile=" + conf().resolve("log4j.properties").toUri());
    command.addAll(Program.words(configuration().get(CoreOptions.FLINK_TM_JVM_OPTIONS)));
    command.addAll(
        List.of(
            "-Dlog.file=" + log("$POD.log"),
            "$FLINK_TM_JVM_MEM_OPTS",
            "org.apache.flink.kubernetes.taskmanager.KubernetesTaskExecutorRunner",
            "--configDir",
            conf().toString(),
            "\"$@\"",
            // In separate pods all use the same fixed port.
            "-Dtaskmanager.rpc.port=0"));
    return "#!/bin/bash\nexec " + String.join(" ", command) + "\n";
  }

  /**
   * Starts the job in new JobManagers. The job must not run yet.
   *
   * @param options of Flink, as {@code -Dkey=value}
   */
  @Override
  public JobID submit(Map<String, String> env, List<String> options, List<String> arguments)
      throws Exception {
    closeJobManagers();
    environment = new HashMap<>(env);
    environment.put(ConfigConstants.ENV_FLINK_CONF_DIR, conf().toString());
    environment.put("_POD_IP_ADDRESS", "127.0.0.1");
    application = new ArrayList<>(options);
    application.add("-D$internal.application.program-args=" + String.join(";", arguments));
    // The operator sets this, too, so that the standby JobManager does not restart an ended job.
    application.add("-Djob-result-store.delete-on-commit=false");
    application.add(
        "-Djob-result-store.storage-path=" + directory.resolve("ha/results-" + ++submissions));
    List<JobID> jobs = new ArrayList<>();
    Waiting.until(
        "the job",
        () -> {
          replaceJobManagers();
          try {
            rest()
                .get("/jobs")
                .get("jobs")
                .forEach(job -> jobs.add(JobID.fromHexString(job.get("id").asText())));
          } catch (IOException e) {
            return false;
          }
          return !jobs.isEmpty();
        });
    return jobs.get(0);
  }

  @Override
  public void startJobManager() throws IOException {
    int restPort = freePort();
    // In separate pods all could use the same ports.
    List<String> arguments =
        new ArrayList<>(List.of("-Drest.port=" + restPort, "-Djobmanager.rpc.port=" + freePort()));
    arguments.addAll(application);
    jobManagersByRestPort.put(
        restPort,
        startJobManager(
            environment,
            "org.apache.flink.kubernetes.entrypoint.KubernetesApplicationClusterEntrypoint",
            arguments));
  }

  @Override
  public void replaceJobManagers() throws IOException {
    jobManagersByRestPort.values().removeIf(jobManager -> !jobManager.isAlive());
    while (jobManagersByRestPort.size() < JOB_MANAGERS) {
      startJobManager();
    }
  }

  /** Does nothing, because the leader requests the TaskManagers that it needs. */
  @Override
  public void replaceTaskManagers(int count) {}

  @Override
  public Map<String, Program> taskManagers() {
    return kubelet.running();
  }

  /** The REST API of any JobManager; a standby forwards requests to the leader. */
  @Override
  public Rest rest() {
    return jobManagersByRestPort.entrySet().stream()
        .filter(jobManager -> jobManager.getValue().isAlive())
        .map(jobManager -> new Rest(jobManager.getKey()))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("no JobManager runs"));
  }

  @Override
  public Program jobManager() throws Exception {
    List<Program> leader = new ArrayList<>();
    try (ClientHighAvailabilityServices services =
        HighAvailabilityServicesUtils.createClientHAService(configuration(), error -> {})) {
      Waiting.until("a JobManager to lead", () -> leader.addAll(leaders(services)));
    }
    return leader.get(0);
  }

  /** The leading JobManager; empty while the ConfigMap still names one that has ended. */
  private List<Program> leaders(ClientHighAvailabilityServices services) {
    try {
      String address =
          LeaderRetrievalUtils.retrieveLeaderInformation(
                  services.getClusterRestEndpointLeaderRetriever(), Duration.ofSeconds(10))
              .getLeaderAddress();
      Program leader =
          jobManagersByRestPort.get(
              Integer.parseInt(address.substring(address.lastIndexOf(':') + 1)));
      return leader != null && leader.isAlive() ? List.of(leader) : List.of();
    } catch (LeaderRetrievalException e) {
      return List.of();
    }
  }

  private void closeJobManagers() throws InterruptedException {
    for (Program jobManager : jobManagersByRestPort.values()) {
      jobManager.close();
    }
    jobManagersByRestPort.clear();
  }

  @Override
  public void close() throws Exception {
    closeJobManagers();
    kubelet.close();
    super.close();
    api.close();
  }
}
