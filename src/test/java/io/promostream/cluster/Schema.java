package io.promostream.cluster;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The structural schema of a custom resource, as Kubernetes' API server checks it; unlike there, a
 * field that it does not declare is a mistake and not silently dropped.
 */
final class Schema {

  private final Object root;

  /** The schema of a CustomResourceDefinition's only version. */
  Schema(Object customResourceDefinition) {
    root = Yaml.at(customResourceDefinition, "spec", "versions", 0, "schema", "openAPIV3Schema");
  }

  List<String> problems(Map<String, Object> resource) {
    List<String> problems = new ArrayList<>();
    resource.forEach(
        (field, value) -> {
          // The API server itself looks after the others.
          if (!List.of("apiVersion", "kind", "metadata").contains(field)) {
            check(value, Yaml.at(root, "properties", field), field, problems);
          }
        });
    return problems;
  }

  private static void check(Object value, Object schema, String path, List<String> problems) {
    if (schema == null) {
      problems.add(path + ": is no field of the operator's schema");
      return;
    }
    List<Object> allowed = Yaml.list(schema, "enum");
    if (!allowed.isEmpty() && !allowed.contains(value)) {
      problems.add("%s: can't be %s but one of %s".formatted(path, value, allowed));
    }
    String type = type(schema);
    if (!hasType(value, type)) {
      problems.add("%s: must be of type %s".formatted(path, type));
      return;
    }
    if (Boolean.TRUE.equals(Yaml.at(schema, "x-kubernetes-preserve-unknown-fields"))) {
      return;
    }
    Yaml.list(value).forEach(item -> check(item, Yaml.at(schema, "items"), path + "[]", problems));
    Yaml.map(value)
        .forEach(
            (field, child) -> {
              Object additional = Yaml.at(schema, "additionalProperties");
              Object declared = Yaml.at(schema, "properties", field);
              check(child, declared == null ? additional : declared, path + "." + field, problems);
            });
  }

  private static String type(Object schema) {
    return Boolean.TRUE.equals(Yaml.at(schema, "x-kubernetes-int-or-string"))
        ? "integer or string"
        : Yaml.text(schema, "type");
  }

  private static boolean hasType(Object value, String type) {
    return type == null
        || switch (type) {
          case "object" -> value instanceof Map;
          case "array" -> value instanceof List;
          case "string" -> value instanceof String;
          case "boolean" -> value instanceof Boolean;
          case "integer" -> value instanceof Integer || value instanceof Long;
          case "number" -> value instanceof Number;
          case "integer or string" -> value instanceof Integer || value instanceof String;
          default -> throw new IllegalArgumentException("unknown type " + type);
        };
  }
}
