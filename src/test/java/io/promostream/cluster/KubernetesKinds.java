package io.promostream.cluster;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.kubernetes.shaded.com.fasterxml.jackson.databind.DeserializationFeature;
import org.apache.flink.kubernetes.shaded.com.fasterxml.jackson.databind.JsonMappingException;
import org.apache.flink.kubernetes.shaded.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.kubernetes.shaded.com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import org.apache.flink.kubernetes.shaded.com.fasterxml.jackson.databind.introspect.Annotated;
import org.apache.flink.kubernetes.shaded.com.fasterxml.jackson.databind.introspect.JacksonAnnotationIntrospector;
import org.apache.flink.kubernetes.shaded.com.fasterxml.jackson.databind.json.JsonMapper;
import org.apache.flink.kubernetes.shaded.io.fabric8.kubernetes.api.model.ConfigMap;
import org.apache.flink.kubernetes.shaded.io.fabric8.kubernetes.api.model.HasMetadata;
import org.apache.flink.kubernetes.shaded.io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import org.apache.flink.kubernetes.shaded.io.fabric8.kubernetes.api.model.Secret;
import org.apache.flink.kubernetes.shaded.io.fabric8.kubernetes.api.model.ServiceAccount;
import org.apache.flink.kubernetes.shaded.io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import org.apache.flink.kubernetes.shaded.io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import org.apache.flink.kubernetes.shaded.io.fabric8.kubernetes.api.model.rbac.Role;
import org.apache.flink.kubernetes.shaded.io.fabric8.kubernetes.api.model.rbac.RoleBinding;

/**
 * Kubernetes' own kinds, as the client that Flink brings has them. That client keeps what it does
 * not know, as does the API server unless it is told otherwise; here it is a mistake.
 */
final class KubernetesKinds {

  private static final Map<String, Class<? extends HasMetadata>> OWN =
      Stream.of(
              ConfigMap.class,
              NetworkPolicy.class,
              PersistentVolumeClaim.class,
              PodDisruptionBudget.class,
              Role.class,
              RoleBinding.class,
              Secret.class,
              ServiceAccount.class)
          .collect(Collectors.toMap(HasMetadata::getKind, kind -> kind));

  /** Kinds of operators, whose own schemas say more. */
  private static final Map<String, String> OTHERS =
      Map.of(
          "FlinkDeployment", "flink.apache.org/v1beta1",
          "PodMonitor", "monitoring.coreos.com/v1",
          "PrometheusRule", "monitoring.coreos.com/v1");

  private static final ObjectMapper STRICT =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .annotationIntrospector(
              new JacksonAnnotationIntrospector() {
                @Override
                public Boolean hasAnySetter(Annotated annotated) {
                  return false;
                }
              })
          .build();

  private KubernetesKinds() {}

  /** What is wrong with a resource's kind, version or fields, if anything is. */
  static Optional<String> problem(Map<String, Object> resource) {
    String kind = Yaml.text(resource, "kind");
    Class<? extends HasMetadata> own = OWN.get(kind);
    String version = own == null ? OTHERS.get(kind) : HasMetadata.getApiVersion(own);
    if (version == null) {
      return Optional.of(kind + ": is no kind that is known here");
    }
    String what = kind + " " + Manifests.name(resource) + ": ";
    if (!version.equals(resource.get("apiVersion"))) {
      return Optional.of(
          "%sits apiVersion is %s, not %s".formatted(what, resource.get("apiVersion"), version));
    }
    try {
      if (own != null) {
        STRICT.convertValue(resource, own);
      }
      return Optional.empty();
    } catch (IllegalArgumentException e) {
      JsonMappingException wrong = (JsonMappingException) e.getCause();
      return Optional.of(
          what
              + path(wrong.getPath())
              + (wrong instanceof UnrecognizedPropertyException
                  ? ": is no field of " + version
                  : ": " + wrong.getOriginalMessage()));
    }
  }

  private static String path(List<JsonMappingException.Reference> path) {
    return path.stream()
        .map(step -> step.getFieldName() == null ? "[]" : "." + step.getFieldName())
        .collect(Collectors.joining())
        .substring(1);
  }
}
