package io.promostream.cluster;

import static io.promostream.cluster.Yaml.list;
import static io.promostream.cluster.Yaml.map;
import static io.promostream.cluster.Yaml.text;

import io.promostream.VertexIds;
import io.promostream.check.StartChecks;
import io.promostream.cluster.Manifests.Role;
import io.promostream.config.ConfigException;
import io.promostream.config.Database;
import io.promostream.config.JobConfig;
import io.promostream.config.Variables;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.kafka.common.utils.Utils;
import org.postgresql.Driver;
import org.postgresql.PGProperty;

/**
 * Whether the job would start with what the manifests give it, and whether that shows no secret.
 */
final class JobChecks {

  /** The Secret's name and keys are those that the page of the deployment creates. */
  private static final Path DEPLOYMENT = Path.of("src/site/markdown/deployment.md");

  private static final Pattern ABSOLUTE_PATH =
      Pattern.compile("(?<![\\w/.])/[\\w.-]+(?:/[\\w.-]+)*");
  private static final Pattern REFERENCE = Pattern.compile("\\$\\{\\w+:([^:}]+):([^}]+)}");

  /** A password, or the like, that is followed by more than a reference to it. */
  private static final Pattern SECRET =
      Pattern.compile(
          "(?i)(?:password|passwd|secret|token)\"?\\s*[:=]\\s*[\"']?(?!\\$\\{)[^\\s\"'/]");

  private final Manifests manifests;
  private final List<String> problems = new ArrayList<>();

  private JobChecks(Manifests manifests) {
    this.manifests = manifests;
  }

  static List<String> problems(Manifests manifests) {
    JobChecks checks = new JobChecks(manifests);
    checks.noSecrets();
    checks.variables();
    checks.configuration();
    return checks.problems;
  }

  private void noSecrets() {
    manifests
        .ofKind("Secret")
        .forEach(
            secret ->
                problems.add(
                    "Secret %s: belongs in the cluster and not in files"
                        .formatted(Manifests.name(secret))));
    manifests
        .flinkConfiguration()
        .keySet()
        .forEach(
            key -> {
              if (GlobalConfiguration.isSensitive(key)) {
                problems.add(
                    key + ": flinkConfiguration is no place for a secret: all can read it");
              }
            });
    list(manifests.deployment(), "spec", "job", "args")
        .forEach(argument -> noSecret("job.args", argument.toString()));
    manifests
        .ofKind("ConfigMap")
        .forEach(
            configMap ->
                map(configMap, "data")
                    .forEach(
                        (file, content) -> noSecret("ConfigMap, " + file, content.toString())));
  }

  private void noSecret(String where, String content) {
    content
        .lines()
        .filter(line -> !line.strip().startsWith("#"))
        .filter(line -> SECRET.matcher(line).find())
        .forEach(
            line ->
                problems.add(
                    "%s: holds a secret (%s...)".formatted(where, line.strip().split("[:=]")[0])));
  }

  private void variables() {
    for (Role role : Role.values()) {
      for (Object variable : list(manifests.container(role), "env")) {
        String name = text(variable, "name");
        if (text(variable, "value") != null
            && name.matches(".*(PASSWORD|SECRET|TOKEN|ACCESS_KEY).*")) {
          problems.add("%s: %s must come by secretKeyRef".formatted(role.field, name));
        }
        if (Variables.isOfTheJob(name) && !Variables.isKey(name)) {
          problems.add("%s: %s is the variable of no key of the job".formatted(role.field, name));
        }
        Object reference = Yaml.at(variable, "valueFrom", "secretKeyRef");
        if (reference != null) {
          secret(role, text(reference, "name"), text(reference, "key"));
        }
      }
    }
  }

  /** The job reads its configuration, as it will on the JobManager. */
  private void configuration() {
    List<String> arguments =
        new ArrayList<>(
            list(manifests.deployment(), "spec", "job", "args").stream()
                .map(Object::toString)
                .toList());
    Map<String, String> environment = new HashMap<>();
    for (Object variable : list(manifests.container(Role.JOBMANAGER), "env")) {
      String value = text(variable, "value");
      environment.put(text(variable, "name"), value == null ? "from the Secret" : value);
    }
    int config = arguments.indexOf("--config") + 1;
    if (config == 0 || config == arguments.size()) {
      load(arguments, environment, "");
      return;
    }
    String path = arguments.get(config);
    Optional<String> content = fileOfConfigMap(path);
    if (content.isEmpty()) {
      problems.add("job.args: no ConfigMap brings the JobManager the file " + path);
      return;
    }
    files(content.get());
    try {
      Path copy = Files.createTempFile("promo-stream", ".yaml");
      Files.writeString(copy, content.get());
      arguments.set(config, copy.toString());
      load(arguments, environment, path);
      Files.delete(copy);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void load(List<String> arguments, Map<String, String> environment, String file) {
    try {
      JobConfig config = JobConfig.load(arguments.toArray(String[]::new), environment);
      Configuration flink = Configuration.fromMap(manifests.flinkConfiguration());
      StartChecks.check(flink, config);
      network(config);
      autoscaler(flink, config);
    } catch (ConfigException e) {
      e.getMessage()
          .replaceAll("/\\S*/promo-stream\\d+\\.yaml", file)
          .lines()
          .forEach(line -> problems.add("the job's configuration: " + line));
    }
  }

  private Optional<String> fileOfConfigMap(String path) {
    return manifests
        .volume(Role.JOBMANAGER, path)
        .map(volume -> text(volume, "configMap", "name"))
        .flatMap(name -> manifests.find("ConfigMap", name))
        .map(configMap -> text(configMap, "data", Path.of(path).getFileName().toString()));
  }

  /** Files that the configuration names are read on the TaskManagers too. */
  private void files(String configuration) {
    Set<String> paths = new TreeSet<>();
    configuration
        .lines()
        .filter(line -> !line.strip().startsWith("#"))
        .forEach(
            line -> {
              Matcher references = REFERENCE.matcher(line);
              while (references.find()) {
                paths.add(references.group(1) + "/" + references.group(2));
              }
              Matcher absolute = ABSOLUTE_PATH.matcher(line);
              while (absolute.find()) {
                paths.add(absolute.group());
              }
            });
    for (Role role : Role.values()) {
      for (String path : paths) {
        Optional<Object> volume = manifests.volume(role, path + "/");
        String secret = volume.map(v -> text(v, "secret", "secretName")).orElse(null);
        if (secret == null) {
          problems.add("%s: no Secret is mounted for %s".formatted(role.field, path));
        } else if (manifests.volume(role, path).isPresent()) {
          secret(role, secret, Path.of(path).getFileName().toString());
        }
      }
    }
  }

  private void secret(Role role, String name, String key) {
    try {
      String page = Files.readString(DEPLOYMENT);
      if (!page.contains("secret generic " + name + " ")
          || !Pattern.compile("--from-(?:file|literal)=" + Pattern.quote(key) + "=")
              .matcher(page)
              .find()) {
        problems.add(
            "%s: Secret %s with key %s is not among what %s tells to create"
                .formatted(role.field, name, key, DEPLOYMENT));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void network(JobConfig config) {
    for (String broker : config.kafka().bootstrapServers().split(",")) {
      reaches("Kafka", Utils.getPort(broker));
    }
    for (Database database :
        List.of(config.subscribers().database(), config.feedback().database())) {
      reaches(
          "Postgres",
          Integer.valueOf(PGProperty.PG_PORT.getOrDefault(Driver.parseURL(database.url(), null))));
    }
  }

  private void reaches(String what, int port) {
    manifests
        .ofKind("NetworkPolicy")
        .filter(policy -> !ManifestChecks.reaches(policy, "egress", port, "TCP"))
        .map(
            policy ->
                "NetworkPolicy %s: lets no pod reach %s on port %d"
                    .formatted(Manifests.name(policy), what, port))
        .filter(problem -> !problems.contains(problem))
        .forEach(problems::add);
  }

  private void autoscaler(Configuration flink, JobConfig config) {
    Map<String, String> options = flink.toMap();
    if (!"true".equals(options.get("job.autoscaler.enabled"))
        || "false".equals(options.get("job.autoscaler.scaling.enabled"))) {
      return;
    }
    String key = "job.autoscaler.vertex.exclude.ids";
    Set<String> excluded = new TreeSet<>(List.of(options.getOrDefault(key, "").split(";")));
    Map<String, String> alone = VertexIds.notToBeScaledAlone(flink, config);
    alone.forEach(
        (id, name) -> {
          if (!excluded.remove(id)) {
            problems.add(
                "%s: lacks %s, the vertex %s, which must not be rescaled on its own"
                    .formatted(key, id, name));
          }
        });
    excluded.forEach(id -> problems.add("%s: %s need not be there".formatted(key, id)));
  }
}
