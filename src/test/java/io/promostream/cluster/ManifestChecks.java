package io.promostream.cluster;

import static io.promostream.cluster.Yaml.list;
import static io.promostream.cluster.Yaml.map;
import static io.promostream.cluster.Yaml.text;
import static java.util.Map.entry;

import io.promostream.cluster.Manifests.Role;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.DeploymentOptions;
import org.apache.flink.configuration.HighAvailabilityOptions;
import org.apache.flink.configuration.IllegalConfigurationException;
import org.apache.flink.configuration.JobManagerOptions;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.kubernetes.configuration.KubernetesHighAvailabilityOptions;
import org.apache.flink.runtime.clusterframework.TaskExecutorProcessUtils;
import org.apache.flink.runtime.jobmanager.JobManagerProcessUtils;

/**
 * What would otherwise fail only in the cluster, or not at all and do harm: whether manifests fit
 * the operator's schema, Flink's options, the image, the job, and one another.
 */
final class ManifestChecks {

  private static final Path DOCKERFILE = Path.of("k8s/Dockerfile");
  private static final Path CRD =
      Path.of("src/test/resources/kubernetes/flinkdeployments.flink.apache.org-v1.yml");

  private static final FlinkOptions OPTIONS = new FlinkOptions();
  private static final Schema SCHEMA = new Schema(Yaml.read(CRD).get(0));

  /**
   * What the operator sets whatever flinkConfiguration says, and the field that it takes it from.
   */
  private static final Map<String, String> OF_THE_SPEC =
      Map.ofEntries(
          entry("execution.state-recovery.path", "spec.job.initialSavepointPath"),
          entry("high-availability.cluster-id", "metadata.name"),
          entry("jobmanager.memory.process.size", "spec.jobManager.resource.memory"),
          entry("kubernetes.cluster-id", "metadata.name"),
          entry("kubernetes.container.image.ref", "spec.image"),
          entry("kubernetes.jobmanager.cpu.amount", "spec.jobManager.resource.cpu"),
          entry("kubernetes.jobmanager.replicas", "spec.jobManager.replicas"),
          entry("kubernetes.namespace", "metadata.namespace"),
          entry("kubernetes.service-account", "spec.serviceAccount"),
          entry("kubernetes.taskmanager.cpu.amount", "spec.taskManager.resource.cpu"),
          entry("parallelism.default", "spec.job.parallelism"),
          entry("pipeline.jars", "spec.job.jarURI"),
          entry("taskmanager.memory.process.size", "spec.taskManager.resource.memory"));

  private final Manifests manifests;
  private final Map<String, Object> spec;
  private final Map<String, String> flink;
  private final List<String> problems = new ArrayList<>();

  private ManifestChecks(Manifests manifests) {
    this.manifests = manifests;
    this.spec = map(manifests.deployment(), "spec");
    this.flink = manifests.flinkConfiguration();
  }

  /** A sentence for each problem. */
  static List<String> problems(Manifests manifests) {
    ManifestChecks checks = new ManifestChecks(manifests);
    checks.problems.addAll(SCHEMA.problems(manifests.deployment()));
    manifests.resources().stream()
        .flatMap(resource -> KubernetesKinds.problem(resource).stream())
        .forEach(checks.problems::add);
    checks.flink.forEach(
        (key, value) ->
            Optional.ofNullable(OF_THE_SPEC.get(key))
                .map(field -> "%s: the operator sets it from %s".formatted(key, field))
                .or(() -> OPTIONS.problem(key, value))
                .ifPresent(checks.problems::add));
    if (checks.problems.isEmpty()) {
      // The rest reads these values and would stumble over wrong ones.
      checks.state();
      checks.image();
      checks.sizes();
      checks.accounts();
      checks.problems.addAll(RightsChecks.problems(manifests));
      checks.confinement();
      checks.volumes();
      checks.selectors();
      checks.ports();
      checks.network();
      checks.namespaces();
      checks.problems.addAll(JobChecks.problems(manifests));
    }
    return checks.problems;
  }

  private void require(boolean condition, String problem) {
    if (!condition) {
      problems.add(problem);
    }
  }

  private Configuration configuration() {
    return Configuration.fromMap(flink);
  }

  private void state() {
    String upgradeMode = text(spec, "job", "upgradeMode");
    if (!"stateless".equals(upgradeMode)) {
      require(
          "kubernetes".equals(configuration().get(HighAvailabilityOptions.HA_MODE)),
          ("upgradeMode %s needs high-availability.type: kubernetes: without, an upgrade of a job"
                  + " that does not run loses its state")
              .formatted(upgradeMode));
      String submitFailed = DeploymentOptions.SUBMIT_FAILED_JOB_ON_APPLICATION_ERROR.key();
      require(
          "false".equals(flink.get(submitFailed)),
          ("upgradeMode %s needs %s: false: by the operator's default, true, a mistake in the"
                  + " configuration ends the job and its correction does not start it again")
              .formatted(upgradeMode, submitFailed));
    }
    require(
        configuration()
                .get(KubernetesHighAvailabilityOptions.KUBERNETES_RENEW_DEADLINE)
                .compareTo(
                    configuration()
                        .get(KubernetesHighAvailabilityOptions.KUBERNETES_LEASE_DURATION))
            < 0,
        "leader-election.renew-deadline must be less than lease-duration: another JobManager would"
            + " lead before the first has given up");
    require(
        configuration().get(JobManagerOptions.SCHEDULER) != JobManagerOptions.SchedulerType.Adaptive
            || configuration()
                    .get(JobManagerOptions.SCHEDULER_SUBMISSION_RESOURCE_WAIT_TIMEOUT)
                    .compareTo(Duration.ofDays(30))
                >= 0,
        "jobmanager.scheduler adaptive needs submission.resource-wait-timeout of 30 d or more: a"
            + " job that finds no slot for that long ends as FAILED");
    Stream.of(
            HighAvailabilityOptions.HA_STORAGE_PATH,
            CheckpointingOptions.CHECKPOINTS_DIRECTORY,
            CheckpointingOptions.SAVEPOINT_DIRECTORY)
        .forEach(option -> directory(option.key(), flink.get(option.key())));
  }

  private void directory(String key, String uri) {
    if (uri == null) {
      problems.add(key + ": is not set, and state would stay in the pods");
    } else if (uri.startsWith("s3://")) {
      for (Role role : Role.values()) {
        require(
            list(manifests.container(role), "env").stream()
                .filter(variable -> "ENABLE_BUILT_IN_PLUGINS".equals(text(variable, "name")))
                .anyMatch(
                    variable ->
                        text(variable, "value")
                            .matches(
                                "flink-s3-fs-\\w+-" + Pattern.quote(flinkVersion()) + "\\.jar")),
            "%s: %s needs the S3 plugin of Flink %s in ENABLE_BUILT_IN_PLUGINS of the %s"
                .formatted(key, uri, flinkVersion(), role.field));
      }
    } else {
      for (Role role : Role.values()) {
        require(
            manifests
                .volume(role, uri.replaceFirst("^file://", ""))
                .filter(volume -> map(volume).containsKey("persistentVolumeClaim"))
                .isPresent(),
            "%s: %s is on no persistent volume of the %s".formatted(key, uri, role.field));
      }
    }
  }

  private void image() {
    String copied = firstGroup(DOCKERFILE, "COPY (?:--\\S+ )*\\S+ (\\S+)");
    require(
        text(spec, "job", "jarURI").equals("local://" + copied),
        "job.jarURI: %s is not where the Dockerfile puts the jar: local://%s"
            .formatted(text(spec, "job", "jarURI"), copied));
    String main = firstGroup(Path.of("pom.xml"), "<mainClass>(.*PromoStreamJob)</mainClass>");
    require(
        main.equals(text(spec, "job", "entryClass")),
        "job.entryClass: %s is not the job's main class %s"
            .formatted(text(spec, "job", "entryClass"), main));
    String version = "v" + flinkVersion().replaceAll("\\.\\d+$", "").replace('.', '_');
    require(
        version.equals(text(spec, "flinkVersion")),
        "flinkVersion: %s is not the image's, %s".formatted(text(spec, "flinkVersion"), version));
    require(
        text(spec, "image").matches(".+:(?!latest$)[\\w.-]+|.+@sha256:\\w+"),
        "image: %s names no version, so that nobody knows what an upgrade or a restart brings"
            .formatted(text(spec, "image")));
  }

  private static String flinkVersion() {
    return firstGroup(DOCKERFILE, "FROM flink:([\\d.]+)");
  }

  private static String firstGroup(Path file, String pattern) {
    try {
      Matcher matcher = Pattern.compile(pattern).matcher(Files.readString(file));
      if (!matcher.find()) {
        throw new IllegalStateException(file + ": nothing like " + pattern);
      }
      return matcher.group(1);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void sizes() {
    int parallelism = (Integer) Yaml.at(spec, "job", "parallelism");
    int maxParallelism = configuration().get(PipelineOptions.MAX_PARALLELISM);
    require(
        maxParallelism % parallelism == 0,
        ("job.parallelism: %d does not divide the %d key groups: some subtasks would hold more"
                + " restaurants than others")
            .formatted(parallelism, maxParallelism));
    memory(
        Role.JOBMANAGER,
        size ->
            JobManagerProcessUtils.processSpecFromConfig(
                configuration().set(JobManagerOptions.TOTAL_PROCESS_MEMORY, size)));
    memory(
        Role.TASKMANAGER,
        size ->
            TaskExecutorProcessUtils.processSpecFromConfig(
                configuration().set(TaskManagerOptions.TOTAL_PROCESS_MEMORY, size)));
  }

  private void memory(Role role, Consumer<MemorySize> divide) {
    String memory = text(spec, role.field, "resource", "memory");
    try {
      divide.accept(MemorySize.parse(memory));
    } catch (IllegalArgumentException | IllegalConfigurationException e) {
      problems.add("%s.resource.memory: %s: %s".formatted(role.field, memory, e.getMessage()));
    }
  }

  private void accounts() {
    Stream.of(text(spec, "serviceAccount"), flink.get("kubernetes.taskmanager.service-account"))
        .forEach(
            account -> {
              require(
                  account != null && manifests.find("ServiceAccount", account).isPresent(),
                  "there is no ServiceAccount %s".formatted(account));
              require(
                  manifests
                      .ofKind("RoleBinding")
                      .flatMap(binding -> list(binding, "subjects").stream())
                      .anyMatch(subject -> text(subject, "name").equals(account)),
                  "no RoleBinding gives ServiceAccount %s its rights".formatted(account));
            });
    manifests
        .ofKind("RoleBinding")
        .forEach(
            binding ->
                require(
                    manifests.find("Role", text(binding, "roleRef", "name")).isPresent(),
                    "RoleBinding %s: there is no Role %s"
                        .formatted(Manifests.name(binding), text(binding, "roleRef", "name"))));
  }

  /** What keeps a pod from more than it needs. */
  private void confinement() {
    for (Role role : Role.values()) {
      Object pod = Yaml.at(manifests.pod(role), "spec");
      Object container = manifests.container(role);
      Map.of(
              "enableServiceLinks: false",
              Boolean.FALSE.equals(Yaml.at(pod, "enableServiceLinks")),
              "securityContext.runAsNonRoot: true",
              Boolean.TRUE.equals(Yaml.at(pod, "securityContext", "runAsNonRoot")),
              "securityContext.allowPrivilegeEscalation: false",
              Boolean.FALSE.equals(
                  Yaml.at(container, "securityContext", "allowPrivilegeEscalation")),
              "securityContext.capabilities.drop: [ALL]",
              list(container, "securityContext", "capabilities", "drop").contains("ALL"))
          .forEach(
              (what, isSo) ->
                  require(isSo, "%s.podTemplate: lacks %s".formatted(role.field, what)));
    }
  }

  private void volumes() {
    for (Role role : Role.values()) {
      List<Object> volumes = list(manifests.pod(role), "spec", "volumes");
      Set<String> there = names(volumes);
      Set<String> mounted = names(list(manifests.container(role), "volumeMounts"));
      mounted.stream()
          .filter(Predicate.not(there::contains))
          .forEach(name -> problems.add(role.field + ": there is no volume " + name + " to mount"));
      there.stream()
          .filter(Predicate.not(mounted::contains))
          .forEach(name -> problems.add(role.field + ": volume " + name + " is mounted nowhere"));
      volumes.forEach(
          volume -> {
            exists("ConfigMap", text(volume, "configMap", "name"), role);
            exists(
                "PersistentVolumeClaim", text(volume, "persistentVolumeClaim", "claimName"), role);
          });
      String working = flink.get("io.tmp.dirs");
      require(
          manifests.volume(role, working + "/").isPresent(),
          "io.tmp.dirs: %s is on no volume of the %s".formatted(working, role.field));
    }
  }

  private static Set<String> names(List<Object> items) {
    return items.stream().map(item -> text(item, "name")).collect(Collectors.toSet());
  }

  private void exists(String kind, String name, Role role) {
    require(
        name == null || manifests.find(kind, name).isPresent(),
        "%s: there is no %s %s".formatted(role.field, kind, name));
  }

  private void selectors() {
    manifests
        .resources()
        .forEach(
            resource -> {
              String what = resource.get("kind") + " " + Manifests.name(resource);
              selector(what, map(resource, "spec", "selector", "matchLabels"), Role.values());
              selector(what, map(resource, "spec", "podSelector", "matchLabels"), Role.values());
              Stream.of("ingress", "egress")
                  .flatMap(direction -> list(resource, "spec", direction).stream())
                  .flatMap(rule -> Stream.of("from", "to").flatMap(f -> list(rule, f).stream()))
                  .forEach(
                      peer ->
                          selector(what, map(peer, "podSelector", "matchLabels"), Role.values()));
            });
    for (Role role : Role.values()) {
      list(manifests.pod(role), "spec", "topologySpreadConstraints")
          .forEach(
              constraint ->
                  selector(
                      role.field + ".podTemplate: topologySpreadConstraints",
                      map(constraint, "labelSelector", "matchLabels"),
                      role));
    }
    manifests
        .ofKind("PodDisruptionBudget")
        .forEach(
            budget ->
                require(
                    (Integer) Yaml.at(budget, "spec", "minAvailable")
                        < (Integer) Yaml.at(spec, "jobManager", "replicas"),
                    ("PodDisruptionBudget %s: leaves none of the %s replicas to evict, and nodes"
                            + " can't be drained")
                        .formatted(
                            Manifests.name(budget), Yaml.at(spec, "jobManager", "replicas"))));
  }

  private void selector(String what, Map<String, Object> labels, Role... roles) {
    require(
        Stream.of(roles)
            .anyMatch(role -> manifests.podLabels(role).entrySet().containsAll(labels.entrySet())),
        "%s: selects %s, which no pod of the deployment bears".formatted(what, labels));
  }

  private void ports() {
    Object port = Integer.valueOf(flink.get("metrics.reporter.prom.port"));
    for (Role role : Role.values()) {
      Set<String> names =
          list(manifests.container(role), "ports").stream()
              .filter(declared -> port.equals(Yaml.at(declared, "containerPort")))
              .map(declared -> text(declared, "name"))
              .collect(Collectors.toSet());
      require(
          !names.isEmpty(), "%s: the metrics' port %s is not declared".formatted(role.field, port));
      manifests
          .ofKind("PodMonitor")
          .flatMap(monitor -> list(monitor, "spec", "podMetricsEndpoints").stream())
          .forEach(
              endpoint ->
                  require(
                      names.contains(text(endpoint, "port")),
                      "PodMonitor: asks port %s, and the metrics of the %s are on %s"
                          .formatted(text(endpoint, "port"), role.field, names)));
    }
    manifests
        .ofKind("NetworkPolicy")
        .forEach(
            policy ->
                require(
                    list(policy, "spec", "ingress").stream()
                        .flatMap(rule -> list(rule, "ports").stream())
                        .anyMatch(allowed -> port.equals(Yaml.at(allowed, "port"))),
                    "NetworkPolicy %s: lets nobody read the metrics on port %s"
                        .formatted(Manifests.name(policy), port)));
  }

  /** Among themselves, and from the operator; where the job connects to, its own checks know. */
  private void network() {
    manifests
        .ofKind("NetworkPolicy")
        .forEach(
            policy -> {
              String name = "NetworkPolicy " + Manifests.name(policy);
              require(
                  amongThemselves(policy, "ingress", "from")
                      && amongThemselves(policy, "egress", "to"),
                  name + ": does not let the pods reach one another on every port");
              require(
                  reaches(policy, "ingress", configuration().get(RestOptions.PORT), "TCP"),
                  name + ": does not let the operator reach the JobManager's REST port");
              require(reaches(policy, "egress", 53, "UDP"), name + ": lets no pod ask for names");
              require(
                  Stream.of(443, 6443, 8443, 16443)
                      .anyMatch(port -> reaches(policy, "egress", port, "TCP")),
                  name + ": lets no pod reach Kubernetes' API");
              objectStorePort()
                  .ifPresent(
                      port ->
                          require(
                              reaches(policy, "egress", port, "TCP"),
                              "%s: lets no pod reach the object store on port %d"
                                  .formatted(name, port)));
            });
  }

  /** Of an object store that is not Amazon's. */
  private Optional<Integer> objectStorePort() {
    return Optional.ofNullable(flink.get("s3.endpoint"))
        .map(endpoint -> URI.create(endpoint.contains("://") ? endpoint : "https://" + endpoint))
        .map(
            uri -> uri.getPort() < 0 ? (uri.getScheme().equals("http") ? 80 : 443) : uri.getPort());
  }

  private static boolean amongThemselves(Object policy, String direction, String peers) {
    Object pods = Yaml.at(policy, "spec", "podSelector");
    return list(policy, "spec", direction).stream()
        .filter(rule -> list(rule, "ports").isEmpty())
        .flatMap(rule -> list(rule, peers).stream())
        .anyMatch(peer -> pods.equals(Yaml.at(peer, "podSelector")));
  }

  /** Whether a policy names a port. */
  static boolean reaches(Object policy, String direction, int port, String protocol) {
    return list(policy, "spec", direction).stream()
        .flatMap(rule -> list(rule, "ports").stream())
        .anyMatch(
            allowed ->
                Objects.equals(port, Yaml.at(allowed, "port"))
                    && protocol.equals(text(allowed, "protocol")));
  }

  private void namespaces() {
    Set<String> namespaces =
        manifests.resources().stream()
            .map(resource -> String.valueOf(text(resource, "metadata", "namespace")))
            .collect(Collectors.toSet());
    require(
        namespaces.size() == 1,
        "the resources are in several namespaces: %s".formatted(namespaces));
  }
}
