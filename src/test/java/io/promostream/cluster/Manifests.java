package io.promostream.cluster;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** The rendered manifests of an installation. */
public record Manifests(List<Map<String, Object>> resources) {

  /** The two kinds of pod, by the label that Flink gives them. */
  enum Role {
    JOBMANAGER("jobManager"),
    TASKMANAGER("taskManager");

    final String field;

    Role(String field) {
      this.field = field;
    }

    String component() {
      return field.toLowerCase(Locale.ROOT);
    }
  }

  /** An overlay and the monitoring, applied to the overlay's namespace. */
  public static Manifests of(Path overlay) {
    List<Map<String, Object>> resources = new ArrayList<>(Kustomization.render(overlay));
    String namespace = Yaml.text(resources.get(0), "metadata", "namespace");
    Kustomization.render(Monitoring.DIRECTORY)
        .forEach(
            resource -> {
              Yaml.map(resource, "metadata").put("namespace", namespace);
              resources.add(resource);
            });
    return new Manifests(resources);
  }

  Stream<Map<String, Object>> ofKind(String kind) {
    return resources.stream().filter(resource -> kind.equals(resource.get("kind")));
  }

  Optional<Map<String, Object>> find(String kind, String name) {
    return ofKind(kind).filter(resource -> name(resource).equals(name)).findFirst();
  }

  static String name(Object resource) {
    return Yaml.text(resource, "metadata", "name");
  }

  Map<String, Object> deployment() {
    return ofKind("FlinkDeployment").findFirst().orElseThrow();
  }

  /** The FlinkDeployment's flinkConfiguration, as the text that Flink gets. */
  public Map<String, String> flinkConfiguration() {
    Map<String, String> configuration = new LinkedHashMap<>();
    Yaml.map(deployment(), "spec", "flinkConfiguration")
        .forEach((key, value) -> configuration.put(key, value.toString()));
    return configuration;
  }

  /** A role's pod: the common template and the role's own, joined as the operator joins them. */
  Object pod(Role role) {
    Object spec = deployment().get("spec");
    return joined(Yaml.at(spec, "podTemplate"), Yaml.at(spec, role.field, "podTemplate"));
  }

  Map<String, String> podLabels(Role role) {
    Map<String, String> labels = new LinkedHashMap<>();
    Yaml.map(pod(role), "metadata", "labels")
        .forEach((key, value) -> labels.put(key, value.toString()));
    labels.put("app", name(deployment()));
    labels.put("component", role.component());
    labels.put("type", "flink-native-kubernetes");
    return labels;
  }

  /** The container that Flink runs in. */
  Object container(Role role) {
    return Yaml.list(pod(role), "spec", "containers").stream()
        .filter(container -> "flink-main-container".equals(Yaml.text(container, "name")))
        .findFirst()
        .orElse(Map.of());
  }

  /** The volume that a path lies in. */
  Optional<Object> volume(Role role, String path) {
    return Yaml.list(container(role), "volumeMounts").stream()
        .filter(mount -> path.startsWith(Yaml.text(mount, "mountPath") + "/"))
        .max(Comparator.comparing(mount -> Yaml.text(mount, "mountPath").length()))
        .flatMap(
            mount ->
                Yaml.list(pod(role), "spec", "volumes").stream()
                    .filter(volume -> Yaml.at(volume, "name").equals(Yaml.at(mount, "name")))
                    .findFirst());
  }

  private static Object joined(Object common, Object own) {
    if (common instanceof Map && own instanceof Map) {
      Map<String, Object> result = new LinkedHashMap<>(Yaml.map(common));
      Yaml.map(own).forEach((key, value) -> result.put(key, joined(result.get(key), value)));
      return result;
    }
    if (common instanceof List && own instanceof List) {
      List<Object> result = new ArrayList<>(Yaml.list(common));
      for (Object item : Yaml.list(own)) {
        int same = names(result).indexOf(Yaml.text(item, "name"));
        if (same < 0) {
          result.add(item);
        } else {
          result.set(same, joined(result.get(same), item));
        }
      }
      return result;
    }
    return own == null ? common : own;
  }

  private static List<String> names(List<Object> items) {
    return items.stream().map(item -> String.valueOf(Yaml.text(item, "name"))).toList();
  }
}
