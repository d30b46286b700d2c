package io.promostream.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Likely mistakes in manifests, each with exactly the problems that the checks report. */
class BrokenManifestsTest {

  @ParameterizedTest(name = "{1}")
  @MethodSource({
    "inTheDeployment",
    "inFlinksConfiguration",
    "inTheJob",
    "amongTheResources",
    "inKubernetesOwnKinds",
    "inTheRights",
    "inThePods",
    "inTheNetwork"
  })
  void reportsMistake(Consumer<Manifests> mistake, List<String> sentences) {
    Manifests manifests = Manifests.of(Path.of("k8s/overlays/prod"));
    mistake.accept(manifests);
    assertThat(ManifestChecks.problems(manifests)).containsExactlyElementsOf(sentences);
  }

  static Stream<Arguments> inTheDeployment() {
    return Stream.of(
        arguments(
            inSpec("last_state", "job", "upgradeMode"),
            "spec.job.upgradeMode: can't be last_state but one of [last-state, savepoint,"
                + " stateless]"),
        arguments(
            inSpec(2, "job", "paralelism"),
            "spec.job.paralelism: is no field of the operator's schema"),
        arguments(
            inSpec("4", "job", "parallelism"), "spec.job.parallelism: must be of type integer"),
        arguments(
            inSpec(7, "job", "parallelism"),
            "job.parallelism: 7 does not divide the 720 key groups: some subtasks would hold more"
                + " restaurants than others"),
        arguments(
            inSpec("local:///opt/flink/lib/promo-stream.jar", "job", "jarURI"),
            "job.jarURI: local:///opt/flink/lib/promo-stream.jar is not where the Dockerfile puts"
                + " the jar: local:///opt/flink/usrlib/promo-stream.jar"),
        arguments(
            inSpec("io.promostream.Main", "job", "entryClass"),
            "job.entryClass: io.promostream.Main is not the job's main class"
                + " io.promostream.PromoStreamJob"),
        arguments(inSpec("v2_1", "flinkVersion"), "flinkVersion: v2_1 is not the image's, v2_2"),
        arguments(
            inSpec("registry.example/promo-stream:latest", "image"),
            "image: registry.example/promo-stream:latest names no version, so that nobody knows"
                + " what an upgrade or a restart brings"),
        arguments(
            inSpec("400m", "taskManager", "resource", "memory"),
            "taskManager.resource.memory: 400m: TaskManager memory configuration failed: Sum of"
                + " configured JVM Metaspace (256.000mb (268435456 bytes)) and JVM Overhead"
                + " (192.000mb (201326592 bytes)) exceed configured Total Process Memory"
                + " (400.000mb (419430400 bytes))."));
  }

  static Stream<Arguments> inFlinksConfiguration() {
    return Stream.of(
        arguments(
            inFlink("high-availability.type", null),
            "upgradeMode last-state needs high-availability.type: kubernetes: without, an upgrade"
                + " of a job that does not run loses its state"),
        arguments(
            inFlink("execution.submit-failed-job-on-application-error", null),
            "upgradeMode last-state needs execution.submit-failed-job-on-application-error: false:"
                + " by the operator's default, true, a mistake in the configuration ends the job and"
                + " its correction does not start it again"),
        arguments(
            inFlink("parallelism.default", "4"),
            "parallelism.default: the operator sets it from spec.job.parallelism"),
        arguments(
            inFlink(
                "execution.state-recovery.path", "s3://promo-stream-state/savepoints/savepoint-1"),
            "execution.state-recovery.path: the operator sets it from"
                + " spec.job.initialSavepointPath"),
        arguments(
            inFlink("high-availability.kubernetes.leader-election.lease-duration", "6 s"),
            "leader-election.renew-deadline must be less than lease-duration: another JobManager"
                + " would lead before the first has given up"),
        arguments(
            inFlink("jobmanager.adaptive-scheduler.submission.resource-wait-timeout", null),
            "jobmanager.scheduler adaptive needs submission.resource-wait-timeout of 30 d or more: a"
                + " job that finds no slot for that long ends as FAILED"),
        arguments(
            inFlink("high-availability.storageDir", null),
            "high-availability.storageDir: is not set, and state would stay in the pods"),
        arguments(
            inFlink("execution.checkpointing.dir", "file:///tmp/checkpoints"),
            "execution.checkpointing.dir: file:///tmp/checkpoints is on no persistent volume of the"
                + " jobManager",
            "execution.checkpointing.dir: file:///tmp/checkpoints is on no persistent volume of the"
                + " taskManager"),
        arguments(
            inFlink("execution.checkpointing.intervall", "10 s"),
            "execution.checkpointing.intervall: is no option of Flink or of its operator; did you"
                + " mean execution.checkpointing.interval?"),
        arguments(
            inFlink("execution.checkpointing.interval", "10 sec onds"),
            "execution.checkpointing.interval: can't be 10 sec onds"),
        arguments(
            inFlink("state.checkpoints.dir", "s3://promo-stream-state/checkpoints"),
            "state.checkpoints.dir: is an old name of execution.checkpointing.dir"),
        arguments(
            inFlink("restart-strategy.type", "exponential"),
            "restart-strategy.type: can't be exponential"),
        arguments(
            inFlink("execution.checkpointing.externalized-checkpoint-retention", "RETAIN"),
            "execution.checkpointing.externalized-checkpoint-retention: can't be RETAIN"),
        arguments(
            inFlink("kubernetes.operator.savepoint.history.max.cout", "8"),
            "kubernetes.operator.savepoint.history.max.cout: is no option of Flink or of its"
                + " operator; did you mean kubernetes.operator.savepoint.history.max.count?"),
        arguments(
            inFlink("kubernetes.operator.periodic.savepoint.interval", "daily"),
            "kubernetes.operator.periodic.savepoint.interval: can't be daily"),
        arguments(
            inFlink("security.ssl.rest.keystore-password", "hunter2"),
            "security.ssl.rest.keystore-password: flinkConfiguration is no place for a secret: all"
                + " can read it"));
  }

  static Stream<Arguments> inTheJob() {
    return Stream.of(
        arguments(
            inSpec(List.of("--config", "/etc/promo/promo-stream.yaml"), "job", "args"),
            "job.args: no ConfigMap brings the JobManager the file /etc/promo/promo-stream.yaml"),
        arguments(
            inSpec(
                List.of("--config", "/etc/promo-stream/promo-stream.yaml", "--promo.topic", "p"),
                "job",
                "args"),
            "the job's configuration: promo.topic: is not a key; did you mean promos.topic? (command"
                + " line)"),
        arguments(
            inTheJobsYaml("user: promo_stream_reader", "role: promo_stream_reader"),
            "the job's configuration: subscribers.db.role: is not a key; did you mean"
                + " subscribers.db.url? (/etc/promo-stream/promo-stream.yaml, line 22)",
            "the job's configuration: subscribers.db.user: is required (text); set it by"
                + " --subscribers.db.user, the variable PROMO_STREAM_SUBSCRIBERS_DB_USER or"
                + " --config"),
        arguments(
            inTheJobsYaml(
                "password-file: /run/secrets/promo-stream/feedback-db-password",
                "password: hunter2"),
            "ConfigMap, promo-stream.yaml: holds a secret (password...)"),
        arguments(
            inTheJobsYaml("/promo-stream/feedback-db-password", "/promo-stream/feedback-password"),
            "jobManager: Secret promo-stream with key feedback-password is not among what"
                + " src/site/markdown/deployment.md tells to create",
            "taskManager: Secret promo-stream with key feedback-password is not among what"
                + " src/site/markdown/deployment.md tells to create"),
        arguments(
            variable(Map.of("name", "PROMO_STREAM_FEEDBACK_PASSWORD", "value", "x")),
            "jobManager: PROMO_STREAM_FEEDBACK_PASSWORD must come by secretKeyRef",
            "jobManager: PROMO_STREAM_FEEDBACK_PASSWORD is the variable of no key of the job",
            "taskManager: PROMO_STREAM_FEEDBACK_PASSWORD must come by secretKeyRef",
            "taskManager: PROMO_STREAM_FEEDBACK_PASSWORD is the variable of no key of the job"));
  }

  static Stream<Arguments> amongTheResources() {
    return Stream.of(
        arguments(
            inSpec("promo-stream", "serviceAccount"),
            "there is no ServiceAccount promo-stream",
            "no RoleBinding gives ServiceAccount promo-stream its rights"),
        arguments(
            in("RoleBinding", "promo-stream-taskmanager", "reader", "roleRef", "name"),
            "RoleBinding promo-stream-taskmanager: there is no Role reader"),
        arguments(
            in(
                "PodDisruptionBudget",
                "promo-stream-jobmanager",
                "job-manager",
                "spec",
                "selector",
                "matchLabels",
                "component"),
            "PodDisruptionBudget promo-stream-jobmanager: selects {app=promo-stream,"
                + " component=job-manager}, which no pod of the deployment bears"),
        arguments(
            inSpec(1, "jobManager", "replicas"),
            "PodDisruptionBudget promo-stream-jobmanager: leaves none of the 1 replicas to evict,"
                + " and nodes can't be drained"),
        arguments(
            in("PodMonitor", "promo-stream", "prom", "spec", "podMetricsEndpoints", 0, "port"),
            "PodMonitor: asks port prom, and the metrics of the jobManager are on [metrics]",
            "PodMonitor: asks port prom, and the metrics of the taskManager are on [metrics]"),
        arguments(
            in("NetworkPolicy", "promo-stream", 9250, "spec", "ingress", 2, "ports", 0, "port"),
            "NetworkPolicy promo-stream: lets nobody read the metrics on port 9249"),
        arguments(
            in("ConfigMap", "promo-stream-job", "promo-stream-config", "metadata", "name"),
            "jobManager: there is no ConfigMap promo-stream-job",
            "taskManager: there is no ConfigMap promo-stream-job",
            "job.args: no ConfigMap brings the JobManager the file"
                + " /etc/promo-stream/promo-stream.yaml"),
        arguments(
            inSpec("tmp", "podTemplate", "spec", "containers", 0, "volumeMounts", 2, "name"),
            "jobManager: there is no volume tmp to mount",
            "jobManager: volume working-files is mounted nowhere",
            "io.tmp.dirs: /var/lib/flink is on no volume of the jobManager",
            "taskManager: there is no volume tmp to mount",
            "taskManager: volume working-files is mounted nowhere",
            "io.tmp.dirs: /var/lib/flink is on no volume of the taskManager"),
        arguments(
            inFlink("job.autoscaler.vertex.exclude.ids", "eb05789ee344134bd13e12b7bab692c1"),
            "job.autoscaler.vertex.exclude.ids: lacks 7fe3cbbac7efc97f58edbdbad23d982d, the vertex"
                + " Source: subscribers, which must not be rescaled on its own",
            "job.autoscaler.vertex.exclude.ids: eb05789ee344134bd13e12b7bab692c1 need not be there"));
  }

  static Stream<Arguments> inKubernetesOwnKinds() {
    return Stream.of(
        arguments(
            in("NetworkPolicy", "promo-stream", List.of(), "spec", "ingres"),
            "NetworkPolicy promo-stream: spec.ingres: is no field of networking.k8s.io/v1"),
        arguments(
            in("Role", "promo-stream-taskmanager", List.of("get"), "rules", 0, "verb"),
            "Role promo-stream-taskmanager: rules[].verb: is no field of"
                + " rbac.authorization.k8s.io/v1"),
        arguments(
            in("PodDisruptionBudget", "promo-stream-jobmanager", "policy/v1beta1", "apiVersion"),
            "PodDisruptionBudget promo-stream-jobmanager: its apiVersion is policy/v1beta1, not"
                + " policy/v1"),
        arguments(
            in("ServiceAccount", "promo-stream-taskmanager", "ServiceAcount", "kind"),
            "ServiceAcount: is no kind that is known here"),
        arguments(
            in("ServiceAccount", "promo-stream-taskmanager", "no", "automountServiceAccountToken"),
            "ServiceAccount promo-stream-taskmanager: automountServiceAccountToken: Cannot"
                + " deserialize value of type `java.lang.Boolean` from String \"no\": only"
                + " \"true\" or \"false\" recognized"));
  }

  static Stream<Arguments> inTheRights() {
    return Stream.of(
        arguments(
            in(
                "Role",
                "promo-stream-jobmanager",
                List.of("get", "list", "watch"),
                "rules",
                0,
                "verbs"),
            "ServiceAccount promo-stream-jobmanager: may not create, delete pods",
            "ServiceAccount promo-stream-jobmanager: may get pods, which Flink never does"),
        arguments(
            in("Role", "promo-stream-taskmanager", List.of("pods"), "rules", 0, "resources"),
            "ServiceAccount promo-stream-taskmanager: may not get, list, watch configmaps",
            "ServiceAccount promo-stream-taskmanager: may get, list, watch pods, which Flink never"
                + " does"),
        arguments(
            in("Role", "promo-stream-jobmanager", List.of("get", "delete"), "rules", 2, "verbs"),
            "ServiceAccount promo-stream-jobmanager: may delete deployments, which Flink never"
                + " does"),
        arguments(
            in("Role", "promo-stream-jobmanager", List.of("*"), "rules", 3, "verbs"),
            "ServiceAccount promo-stream-jobmanager: may not update deployments/finalizers",
            "ServiceAccount promo-stream-jobmanager: may * deployments/finalizers, which Flink"
                + " never does"),
        arguments(
            in(
                "Role",
                "promo-stream-taskmanager",
                List.of("configmaps", "secrets"),
                "rules",
                0,
                "resources"),
            "ServiceAccount promo-stream-taskmanager: may get, list, watch secrets, which Flink"
                + " never does"));
  }

  static Stream<Arguments> inThePods() {
    return Stream.of(
        arguments(
            inSpec(List.of(), "podTemplate", "spec", "containers", 0, "enviroment"),
            "spec.podTemplate.spec.containers[].enviroment: is no field of the operator's schema"),
        arguments(
            inSpec(null, "podTemplate", "spec", "enableServiceLinks"),
            "jobManager.podTemplate: lacks enableServiceLinks: false",
            "taskManager.podTemplate: lacks enableServiceLinks: false"),
        arguments(
            inSpec(false, "podTemplate", "spec", "securityContext", "runAsNonRoot"),
            "jobManager.podTemplate: lacks securityContext.runAsNonRoot: true",
            "taskManager.podTemplate: lacks securityContext.runAsNonRoot: true"),
        arguments(
            inSpec(null, "podTemplate", "spec", "containers", 0, "securityContext", "capabilities"),
            "jobManager.podTemplate: lacks securityContext.capabilities.drop: [ALL]",
            "taskManager.podTemplate: lacks securityContext.capabilities.drop: [ALL]"));
  }

  static Stream<Arguments> inTheNetwork() {
    return Stream.of(
        arguments(
            in("NetworkPolicy", "promo-stream", 9094, "spec", "egress", 2, "ports", 6, "port"),
            "NetworkPolicy promo-stream: lets no pod reach Kafka on port 9093"),
        arguments(
            in("NetworkPolicy", "promo-stream", 5433, "spec", "egress", 2, "ports", 7, "port"),
            "NetworkPolicy promo-stream: lets no pod reach Postgres on port 5432"),
        arguments(
            in("NetworkPolicy", "promo-stream", "TCP", "spec", "egress", 1, "ports", 0, "protocol"),
            "NetworkPolicy promo-stream: lets no pod ask for names"),
        arguments(
            in(
                "NetworkPolicy",
                "promo-stream",
                List.of(
                    Map.of("protocol", "TCP", "port", 8444),
                    Map.of("protocol", "TCP", "port", 9093),
                    Map.of("protocol", "TCP", "port", 5432)),
                "spec",
                "egress",
                2,
                "ports"),
            "NetworkPolicy promo-stream: lets no pod reach Kubernetes' API"),
        arguments(
            inFlink("s3.endpoint", "http://ceph.storage:7480"),
            "NetworkPolicy promo-stream: lets no pod reach the object store on port 7480"),
        arguments(
            in("NetworkPolicy", "promo-stream", 8082, "spec", "ingress", 1, "ports", 0, "port"),
            "NetworkPolicy promo-stream: does not let the operator reach the JobManager's REST port"),
        arguments(
            in(
                "NetworkPolicy",
                "promo-stream",
                List.of(Map.of("port", 6123)),
                "spec",
                "ingress",
                0,
                "ports"),
            "NetworkPolicy promo-stream: does not let the pods reach one another on every port"));
  }

  private static Consumer<Manifests> inSpec(Object value, Object... path) {
    return manifests -> set(value, Yaml.map(manifests.deployment(), "spec"), path);
  }

  private static Consumer<Manifests> inFlink(String key, Object value) {
    return inSpec(value, "flinkConfiguration", key);
  }

  private static Consumer<Manifests> in(String kind, String name, Object value, Object... path) {
    return manifests -> set(value, manifests.find(kind, name).orElseThrow(), path);
  }

  private static Consumer<Manifests> variable(Map<String, Object> variable) {
    return manifests ->
        Yaml.list(manifests.deployment(), "spec", "podTemplate", "spec", "containers", 0, "env")
            .add(new LinkedHashMap<>(variable));
  }

  private static Consumer<Manifests> inTheJobsYaml(String text, String instead) {
    return manifests -> {
      Map<String, Object> data =
          Yaml.map(manifests.find("ConfigMap", "promo-stream-job").orElseThrow(), "data");
      String yaml = data.get("promo-stream.yaml").toString();
      assertThat(yaml).contains(text);
      data.put("promo-stream.yaml", yaml.replace(text, instead));
    };
  }

  /** Sets the value at a path; null removes it. */
  private static void set(Object value, Map<String, Object> root, Object... path) {
    List<Object> parent = new ArrayList<>(List.of(path));
    Object last = parent.remove(path.length - 1);
    Map<String, Object> map = Yaml.map(root, parent.toArray());
    if (value == null) {
      map.remove(last);
    } else {
      map.put(last.toString(), value);
    }
  }

  private static Arguments arguments(Consumer<Manifests> mistake, String... sentences) {
    return Arguments.arguments(mistake, List.of(sentences));
  }
}
