package io.promostream.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What {@code kubectl kustomize} makes of a directory, as far as this project's use of it goes:
 * resources, patches, generated ConfigMaps (without the hash in their names) and the namespace. A
 * field that this does not know is an error, so that nothing is left out unseen.
 */
final class Kustomization {

  private final Path directory;
  private final List<Map<String, Object>> resources = new ArrayList<>();

  private Kustomization(Path directory) {
    this.directory = directory;
  }

  static List<Map<String, Object>> render(Path directory) {
    Kustomization kustomization = new Kustomization(directory);
    Object file = Yaml.read(directory.resolve("kustomization.yaml")).get(0);
    kustomization.gather(file);
    Yaml.list(file, "patches").forEach(kustomization::patch);
    if (Yaml.text(file, "namespace") != null) {
      kustomization.resources.forEach(
          resource -> setNamespace(resource, Yaml.text(file, "namespace")));
    }
    return kustomization.resources;
  }

  private void gather(Object file) {
    for (String field : Yaml.map(file).keySet()) {
      switch (field) {
        case "resources" -> Yaml.list(file, field).forEach(path -> addResources(path.toString()));
        case "configMapGenerator" -> Yaml.list(file, field).forEach(this::generate);
        case "apiVersion", "kind", "namespace", "patches", "configurations" -> {}
        default -> throw new IllegalArgumentException(directory + ": unknown field " + field);
      }
    }
  }

  private void addResources(String name) {
    Path path = directory.resolve(name).normalize();
    if (Files.isDirectory(path)) {
      resources.addAll(render(path));
    } else {
      Yaml.read(path).forEach(document -> resources.add(Yaml.map(document)));
    }
  }

  private void generate(Object generator) {
    Map<String, Object> data = new LinkedHashMap<>();
    for (Object name : Yaml.list(generator, "files")) {
      try {
        Path file = directory.resolve(name.toString()).normalize();
        data.put(file.getFileName().toString(), Files.readString(file));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    Map<String, Object> configMap = new LinkedHashMap<>();
    configMap.put("apiVersion", "v1");
    configMap.put("kind", "ConfigMap");
    Map<String, Object> metadata = new LinkedHashMap<>();
    metadata.put("name", Yaml.text(generator, "name"));
    if (!Yaml.map(generator, "options", "labels").isEmpty()) {
      metadata.put("labels", Yaml.map(generator, "options", "labels"));
    }
    configMap.put("metadata", metadata);
    configMap.put("data", data);
    resources.add(configMap);
  }

  private void patch(Object entry) {
    Object content = Yaml.read(directory.resolve(Yaml.text(entry, "path"))).get(0);
    if (content instanceof List<?> operations) {
      Map<String, Object> target =
          resource(Yaml.text(entry, "target", "kind"), Yaml.text(entry, "target", "name"));
      operations.forEach(operation -> apply(operation, target));
    } else {
      merge(
          Yaml.map(content),
          resource(Yaml.text(content, "kind"), Yaml.text(content, "metadata", "name")));
    }
  }

  private Map<String, Object> resource(String kind, String name) {
    return resources.stream()
        .filter(resource -> kind.equals(resource.get("kind")))
        .filter(resource -> name.equals(Yaml.text(resource, "metadata", "name")))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    directory + ": nothing to patch: " + kind + " " + name));
  }

  /**
   * A JSON merge patch (RFC 7386): what kustomize does to a kind whose lists it knows nothing of.
   */
  static void merge(Map<String, Object> patch, Map<String, Object> target) {
    patch.forEach(
        (key, value) -> {
          if (value == null) {
            target.remove(key);
          } else if (value instanceof Map && target.get(key) instanceof Map) {
            merge(Yaml.map(value), Yaml.map(target, key));
          } else {
            target.put(key, Yaml.copy(value));
          }
        });
  }

  /** An operation of a JSON patch (RFC 6902). */
  private void apply(Object operation, Map<String, Object> target) {
    if (!"add".equals(Yaml.text(operation, "op"))) {
      throw new IllegalArgumentException(directory + ": unknown operation " + operation);
    }
    String[] path = Yaml.text(operation, "path").substring(1).split("/");
    Object parent = target;
    for (int i = 0; i < path.length - 1; i++) {
      parent =
          Yaml.at(parent, parent instanceof List ? (Object) Integer.valueOf(path[i]) : path[i]);
    }
    String last = path[path.length - 1];
    Object value = Yaml.copy(Yaml.at(operation, "value"));
    if (parent instanceof List && last.equals("-")) {
      Yaml.list(parent).add(value);
    } else if (parent instanceof Map) {
      Yaml.map(parent).put(last, value);
    } else {
      throw new IllegalArgumentException(
          directory + ": nothing at " + Yaml.text(operation, "path"));
    }
  }

  private static void setNamespace(Map<String, Object> resource, String namespace) {
    Yaml.map(resource, "metadata").put("namespace", namespace);
    Yaml.list(resource, "subjects")
        .forEach(subject -> Yaml.map(subject).put("namespace", namespace));
  }
}
