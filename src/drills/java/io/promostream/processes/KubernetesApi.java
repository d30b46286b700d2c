package io.promostream.processes;

import io.fabric8.kubernetes.client.server.mock.KubernetesCrudDispatcher;
import io.fabric8.kubernetes.client.server.mock.KubernetesMockServer;
import io.fabric8.mockwebserver.Context;
import io.fabric8.mockwebserver.MockWebServer;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.apache.flink.kubernetes.shaded.io.fabric8.kubernetes.client.Config;
import org.apache.flink.kubernetes.shaded.io.fabric8.kubernetes.client.KubernetesClient;
import org.apache.flink.kubernetes.shaded.io.fabric8.kubernetes.client.KubernetesClientBuilder;

/**
 * A test double of Kubernetes' API server. It stores resources, refuses outdated updates and
 * notifies watchers. It has neither access control nor controllers.
 */
final class KubernetesApi implements AutoCloseable {

  static final String NAMESPACE = "promo-stream";

  private final KubernetesMockServer server =
      new KubernetesMockServer(
          new Context(),
          new MockWebServer(),
          new HashMap<>(),
          new KubernetesCrudDispatcher(List.of()),
          false);
  private final Path kubeConfig;

  /**
   * Starts it.
   *
   * @param directory for the kubeconfig file
   */
  KubernetesApi(Path directory) throws IOException {
    // The server would log each request.
    Logger.getLogger(MockWebServer.class.getName()).setLevel(Level.WARNING);
    server.init(InetAddress.getLoopbackAddress(), 0);
    kubeConfig =
        Files.writeString(
            Files.createDirectories(directory).resolve("kubeconfig"),
            """
            apiVersion: v1
            kind: Config
            clusters:
              - name: double
                cluster:
                  server: http://127.0.0.1:%d
            contexts:
              - name: double
                context:
                  cluster: double
                  namespace: %s
            current-context: double
            """
                .formatted(server.getPort(), NAMESPACE));
  }

  /** The kubeconfig file for clients. */
  Path kubeConfig() {
    return kubeConfig;
  }

  KubernetesClient client() {
    return new KubernetesClientBuilder()
        .withConfig(Config.fromKubeconfig(kubeConfig.toFile()))
        .build();
  }

  @Override
  public void close() {
    server.destroy();
  }
}
