package io.promostream.cluster;

import static io.promostream.cluster.Yaml.list;
import static io.promostream.cluster.Yaml.text;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Whether the accounts may do what Flink asks of Kubernetes' API server, and no more. What it asks
 * is that of Fabric8FlinkKubeClient and of its leader election.
 */
final class RightsChecks {

  private static final Map<String, Set<String>> JOB_MANAGER =
      Map.of(
          "pods", Set.of("create", "delete", "list", "watch"),
          "configmaps", Set.of("create", "delete", "get", "list", "patch", "update", "watch"),
          "deployments", Set.of("get"),
          "deployments/finalizers", Set.of("update"));

  private static final Map<String, Set<String>> TASK_MANAGER =
      Map.of("configmaps", Set.of("get", "list", "watch"));

  private final Manifests manifests;
  private final List<String> problems = new ArrayList<>();

  private RightsChecks(Manifests manifests) {
    this.manifests = manifests;
  }

  static List<String> problems(Manifests manifests) {
    RightsChecks checks = new RightsChecks(manifests);
    checks.compare(text(manifests.deployment(), "spec", "serviceAccount"), JOB_MANAGER);
    checks.compare(
        manifests.flinkConfiguration().get("kubernetes.taskmanager.service-account"), TASK_MANAGER);
    return checks.problems;
  }

  private void compare(String account, Map<String, Set<String>> needed) {
    Map<String, Set<String>> granted = granted(account);
    if (granted.isEmpty()) {
      // An account without a role is reported elsewhere.
      return;
    }
    Set<String> resources = new TreeSet<>(needed.keySet());
    resources.addAll(granted.keySet());
    for (String resource : resources) {
      Set<String> needs = needed.getOrDefault(resource, Set.of());
      Set<String> has = granted.getOrDefault(resource, Set.of());
      difference(needs, has, "ServiceAccount %s: may not %s %s", account, resource);
      difference(
          has, needs, "ServiceAccount %s: may %s %s, which Flink never does", account, resource);
    }
  }

  private void difference(
      Set<String> all, Set<String> without, String problem, String account, String resource) {
    Set<String> verbs = new TreeSet<>(all);
    verbs.removeAll(without);
    if (!verbs.isEmpty()) {
      problems.add(problem.formatted(account, String.join(", ", verbs), resource));
    }
  }

  private Map<String, Set<String>> granted(String account) {
    Map<String, Set<String>> granted = new TreeMap<>();
    manifests
        .ofKind("RoleBinding")
        .filter(
            binding ->
                list(binding, "subjects").stream()
                    .anyMatch(subject -> text(subject, "name").equals(account)))
        .flatMap(binding -> manifests.find("Role", text(binding, "roleRef", "name")).stream())
        .flatMap(role -> list(role, "rules").stream())
        .forEach(
            rule ->
                list(rule, "resources")
                    .forEach(
                        resource ->
                            list(rule, "verbs")
                                .forEach(
                                    verb ->
                                        granted
                                            .computeIfAbsent(
                                                resource.toString(), any -> new TreeSet<>())
                                            .add(verb.toString()))));
    return granted;
  }
}
