package io.promostream.processes;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.promostream.testing.Waiting;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.commons.io.file.PathUtils;
import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.ConfigConstants;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.runtime.clusterframework.TaskExecutorProcessSpec;
import org.apache.flink.runtime.clusterframework.TaskExecutorProcessUtils;
import org.apache.flink.runtime.jobmanager.JobManagerProcessSpec;
import org.apache.flink.runtime.jobmanager.JobManagerProcessUtils;
import org.apache.flink.runtime.util.config.memory.ProcessMemoryUtils;

/**
 * A Flink cluster of separate processes without Flink's distribution: a JobManager, TaskManagers
 * and the command line client, with Flink's jars only. Its configuration is the project's {@code
 * flink-conf/} with other addresses, paths and sizes.
 */
public class FlinkCluster implements AutoCloseable {

  public static final Path JAR = Path.of("target/promo-stream.jar");

  private static final Path PROJECT_CONF = Path.of("flink-conf");
  private static final Pattern SUBMITTED = Pattern.compile("with JobID ([0-9a-f]{32})");

  private final Path directory;

  /** A short path, unlike the directory: see io.tmp.dirs in flink-conf/config.yaml. */
  private final Path temporary;

  private final Configuration configuration;
  private final Rest rest;
  private final Map<String, Program> taskManagers = new LinkedHashMap<>();
  private Program jobManager;
  private int programs;

  /**
   * Starts a JobManager and TaskManagers, and waits until all slots are available.
   *
   * @param directory for configuration, logs, checkpoints and savepoints
   * @param changes to the project's configuration, beyond addresses, paths and sizes
   */
  public static FlinkCluster start(Path directory, int taskManagers, Map<String, String> changes)
      throws Exception {
    FlinkCluster cluster = new FlinkCluster(directory.toAbsolutePath(), changes);
    try {
      cluster.startJobManager();
      cluster.awaitTaskManagers(0);
      for (int i = 0; i < taskManagers; i++) {
        cluster.startTaskManager();
      }
      cluster.awaitTaskManagers(taskManagers);
      return cluster;
    } catch (Exception e) {
      cluster.close();
      throw e;
    }
  }

  FlinkCluster(Path directory, Map<String, String> changes) throws Exception {
    this.directory = directory;
    temporary = Files.createTempDirectory("flink");
    Map<String, String> settings =
        new LinkedHashMap<>(GlobalConfiguration.loadConfiguration(PROJECT_CONF.toString()).toMap());
    settings.putAll(addressesPathsAndSizes());
    settings.putAll(changes);
    write(settings);
    configuration = GlobalConfiguration.loadConfiguration(conf().toString());
    rest = new Rest(configuration.get(RestOptions.PORT));
  }

  private Map<String, String> addressesPathsAndSizes() throws IOException {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("jobmanager.rpc.address", "127.0.0.1");
    settings.put("jobmanager.rpc.port", "" + freePort());
    settings.put("jobmanager.bind-host", "127.0.0.1");
    settings.put("taskmanager.host", "127.0.0.1");
    settings.put("taskmanager.bind-host", "127.0.0.1");
    settings.put("rest.address", "127.0.0.1");
    settings.put("rest.bind-address", "127.0.0.1");
    settings.put("rest.port", "" + freePort());
    settings.put("metrics.reporter.prom.port", "0");
    settings.put(
        "execution.checkpointing.dir", Files.createDirectories(checkpoints()).toUri().toString());
    settings.put(
        "execution.checkpointing.savepoint-dir",
        Files.createDirectories(savepoints()).toUri().toString());
    settings.put("io.tmp.dirs", temporary.toString());
    settings.put("jobmanager.memory.process.size", "1g");
    settings.put("taskmanager.memory.process.size", "1500m");
    // Spread the subtasks, so that a dying TaskManager takes only one subtask of each operator
    // along.
    settings.put("taskmanager.numberOfTaskSlots", "1");
    return settings;
  }

  private void write(Map<String, String> settings) throws IOException {
    Files.createDirectories(conf());
    List<String> lines = new ArrayList<>();
    settings.forEach((key, value) -> lines.add(key + ": '" + value.replace("'", "''") + "'"));
    Files.write(conf().resolve("config.yaml"), lines);
    for (String logging : List.of("log4j.properties", "log4j-cli.properties")) {
      Files.writeString(conf().resolve(logging), Files.readString(PROJECT_CONF.resolve(logging)));
    }
  }

  public Configuration configuration() {
    return configuration;
  }

  Path log(String name) {
    return directory.resolve("log").resolve(name);
  }

  Path conf() {
    return directory.resolve("conf");
  }

  private Path checkpoints() {
    return directory.resolve("checkpoints");
  }

  private Path savepoints() {
    return directory.resolve("savepoints");
  }

  public static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  /**
   * The path to restart a job from after its JobManager died: the last completed checkpoint of any
   * job on this cluster, or the savepoint that the job started from if it has completed no
   * checkpoint since.
   */
  public String newestCheckpoint() throws IOException {
    try (var files = Files.walk(checkpoints());
        var more = Files.walk(savepoints())) {
      return Stream.concat(files, more)
          .filter(file -> file.endsWith("_metadata"))
          .max((one, other) -> Long.compare(written(one), written(other)))
          .orElseThrow(() -> new IllegalStateException("no checkpoint in " + directory))
          .getParent()
          .toUri()
          .toString();
    }
  }

  private static long written(Path file) {
    try {
      return Files.getLastModifiedTime(file).toMillis();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public void startJobManager() throws IOException {
    jobManager =
        startJobManager(
            Map.of(),
            "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
            List.of("--configDir", conf().toString(), "--executionMode", "cluster"));
  }

  Program startJobManager(Map<String, String> environment, String main, List<String> arguments)
      throws IOException {
    JobManagerProcessSpec memory = JobManagerProcessUtils.processSpecFromConfig(configuration);
    List<String> all =
        new ArrayList<>(Program.words(JobManagerProcessUtils.generateDynamicConfigsStr(memory)));
    all.addAll(arguments);
    return startFlink(
        "jobmanager-" + ++programs,
        environment,
        CoreOptions.FLINK_JM_JVM_OPTIONS,
        JobManagerProcessUtils.generateJvmParametersStr(memory, configuration),
        main,
        all);
  }

  public void startTaskManager() throws IOException {
    TaskExecutorProcessSpec memory = TaskExecutorProcessUtils.processSpecFromConfig(configuration);
    String id = "taskmanager-" + ++programs;
    taskManagers.put(
        id,
        startFlink(
            id,
            Map.of(),
            CoreOptions.FLINK_TM_JVM_OPTIONS,
            ProcessMemoryUtils.generateJvmParametersStr(memory),
            "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
            Program.words(
                TaskExecutorProcessUtils.generateDynamicConfigsStr(memory)
                    + " -D taskmanager.resource-id="
                    + id
                    + " --configDir "
                    + conf())));
  }

  /** Replaces the running TaskManagers by new ones, which share no files with them. */
  public void renewTaskManagers() throws Exception {
    List<Program> old = List.copyOf(taskManagers().values());
    for (Program taskManager : old) {
      taskManager.end();
      startTaskManager();
    }
    Set<String> current = taskManagers().keySet();
    Waiting.until("TaskManagers " + current, () -> registeredTaskManagers().equals(current));
  }

  private Set<String> registeredTaskManagers() throws Exception {
    Set<String> ids = new HashSet<>();
    rest()
        .get("/taskmanagers")
        .get("taskmanagers")
        .forEach(taskManager -> ids.add(taskManager.get("id").asText()));
    return ids;
  }

  /** The size of the tasks' working files, which RocksDB writes. */
  public long workingBytes() throws IOException {
    try (Stream<Path> files = Files.walk(temporary)) {
      return files
          .filter(file -> file.toString().contains("/db/") && Files.isRegularFile(file))
          .mapToLong(file -> file.toFile().length())
          .sum();
    }
  }

  private Program startFlink(
      String name,
      Map<String, String> environment,
      ConfigOption<String> options,
      String memory,
      String main,
      List<String> arguments)
      throws IOException {
    List<String> command = jvm();
    command.add("-Dlog4j.configurationFile=" + conf().resolve("log4j.properties").toUri());
    command.addAll(Program.words(configuration.get(options)));
    command.add("-Dlog.file=" + log(name + ".log"));
    command.addAll(Program.words(memory));
    command.add(main);
    command.addAll(arguments);
    return Program.start(log(name + ".out"), environment, command);
  }

  List<String> jvm() {
    List<String> options = new ArrayList<>();
    options.addAll(List.of("-cp", Program.classpath(FlinkLibraries.jars())));
    options.addAll(Program.words(configuration.get(CoreOptions.FLINK_JVM_OPTIONS)));
    return options;
  }

  public Rest rest() {
    return rest;
  }

  /** The JobManager that leads. */
  public Program jobManager() throws Exception {
    return jobManager;
  }

  /** Starts TaskManagers until this number runs, as Kubernetes would. */
  public void replaceTaskManagers(int count) throws IOException {
    while (taskManagers().size() < count) {
      startTaskManager();
    }
  }

  /** Starts a JobManager for each one that has ended, as Kubernetes would. */
  public void replaceJobManagers() throws IOException {
    if (!jobManager.isAlive()) {
      startJobManager();
    }
  }

  /** The TaskManagers that run, by their ids. */
  public Map<String, Program> taskManagers() {
    taskManagers.values().removeIf(taskManager -> !taskManager.isAlive());
    return taskManagers;
  }

  /**
   * Runs Flink's command line client to its end, as {@code bin/flink} does.
   *
   * @param environment variables that are added to Flink's own, or replace them
   */
  public Program flink(Map<String, String> environment, List<String> arguments) throws Exception {
    Map<String, String> all = new LinkedHashMap<>();
    all.put(ConfigConstants.ENV_FLINK_CONF_DIR, conf().toString());
    // There are no plugins, but Flink warns if the directory is missing.
    all.put(
        ConfigConstants.ENV_FLINK_PLUGINS_DIR,
        Files.createDirectories(directory.resolve("plugins")).toString());
    all.putAll(environment);
    List<String> command = jvm();
    command.addAll(Program.words(all.getOrDefault("FLINK_ENV_JAVA_OPTS_CLI", "")));
    Path logging = Path.of(all.get(ConfigConstants.ENV_FLINK_CONF_DIR), "log4j-cli.properties");
    command.add("-Dlog4j.configurationFile=" + logging.toUri());
    command.add("org.apache.flink.client.cli.CliFrontend");
    command.addAll(arguments);
    Program flink = Program.start(log("flink-" + ++programs + ".out"), all, command);
    flink.await();
    return flink;
  }

  /**
   * Submits the job's jar.
   *
   * @param options of {@code flink run}
   * @param arguments of the job
   */
  public JobID submit(Map<String, String> environment, List<String> options, List<String> arguments)
      throws Exception {
    List<String> run = new ArrayList<>(List.of("run", "-d", "-t", "remote"));
    run.addAll(options);
    run.add(JAR.toString());
    run.addAll(arguments);
    Program flink = flink(environment, run);
    Matcher submitted = SUBMITTED.matcher(flink.output());
    if (!submitted.find()) {
      throw new IllegalStateException(run + " failed: " + flink.output() + flink.errors());
    }
    return JobID.fromHexString(submitted.group(1));
  }

  /** The status of a job according to the JobManager: RUNNING, RESTARTING, FINISHED, ... */
  public String status(JobID job) throws Exception {
    return rest().get("/jobs/" + job).get("state").asText();
  }

  /** How many checkpoints a job has completed since it was submitted. */
  public int completedCheckpoints(JobID job) throws Exception {
    return rest().get("/jobs/" + job + "/checkpoints").get("counts").get("completed").asInt();
  }

  /** Takes a savepoint of a job, which continues; returns its path. */
  public String savepoint(JobID job) throws Exception {
    String path = "/jobs/" + job + "/savepoints";
    String request = rest().post(path, "{\"cancel-job\": false}").get("request-id").asText();
    Waiting.until("the savepoint", () -> id(rest().get(path + "/" + request)).equals("COMPLETED"));
    JsonNode operation = rest().get(path + "/" + request).get("operation");
    if (!operation.has("location")) {
      throw new IllegalStateException("no savepoint: " + operation);
    }
    return operation.get("location").asText();
  }

  private static String id(JsonNode savepoint) {
    return savepoint.get("status").get("id").asText();
  }

  /** Lines with a text in the logs of all TaskManagers that were ever started. */
  public List<String> taskManagerLogLines(String text) throws IOException {
    List<String> found = new ArrayList<>();
    try (Stream<Path> logs = Files.list(log("."))) {
      for (Path log :
          logs.filter(file -> file.toString().matches(".*taskmanager-\\d+\\.log")).toList()) {
        try (Stream<String> lines = Files.lines(log)) {
          lines.filter(line -> line.contains(text)).forEach(found::add);
        }
      }
    }
    return found;
  }

  /**
   * Waits until the JobManager answers and this number of TaskManagers is registered. Restarts a
   * JobManager that ends meanwhile, as Kubernetes would: under load, Flink gives up its start after
   * ten seconds.
   */
  public void awaitTaskManagers(int count) throws Exception {
    Waiting.until(
        count + " TaskManagers",
        () -> {
          replaceJobManagers();
          try {
            return rest().get("/overview").get("taskmanagers").asInt() >= count;
          } catch (IOException e) {
            return false;
          }
        });
  }

  /**
   * Waits until the TaskManagers have released the slots of earlier jobs. A TaskManager that holds
   * a slot of a job also holds its jar, and refuses the same job with another upload of the jar.
   */
  public void awaitFreeSlots() throws Exception {
    Waiting.until(
        "all slots to be free",
        () -> {
          JsonNode overview = rest().get("/overview");
          return overview.get("slots-total").asInt() > 0
              && overview.get("slots-available").equals(overview.get("slots-total"));
        });
  }

  /** Waits until all subtasks of a job run. */
  public void awaitRunning(JobID job) throws Exception {
    Waiting.until(
        "all of job " + job + " to run",
        () -> {
          try {
            JsonNode details = rest().get("/jobs/" + job);
            int tasks = 0;
            for (JsonNode vertex : details.get("vertices")) {
              tasks += vertex.get("parallelism").asInt();
            }
            return tasks > 0 && runningTasks(details) == tasks;
          } catch (IOException e) {
            return false;
          }
        });
  }

  /**
   * Waits until all subtasks of a job run, with this number of subtasks for each parallel operator.
   */
  public void awaitRunning(JobID job, int parallelism) throws Exception {
    Waiting.until(
        "job " + job + " to run at parallelism " + parallelism,
        () -> {
          try {
            JsonNode details = rest().get("/jobs/" + job);
            int tasks = 0;
            for (JsonNode vertex : details.get("vertices")) {
              tasks += vertex.get("maxParallelism").asInt() == 1 ? 1 : parallelism;
            }
            return tasks > 0 && runningTasks(details) == tasks;
          } catch (IOException e) {
            return false;
          }
        });
  }

  /**
   * Requests another parallelism for each parallel operator. The adaptive scheduler then rescales
   * the job.
   */
  public void rescale(JobID job, int parallelism) throws Exception {
    ObjectNode requirements = JsonNodeFactory.instance.objectNode();
    for (JsonNode vertex : rest().get("/jobs/" + job).get("vertices")) {
      requirements
          .putObject(vertex.get("id").asText())
          .putObject("parallelism")
          .put("lowerBound", 1)
          .put("upperBound", vertex.get("maxParallelism").asInt() == 1 ? 1 : parallelism);
    }
    rest().put("/jobs/" + job + "/resource-requirements", requirements.toString());
  }

  private static int runningTasks(JsonNode job) {
    int running = 0;
    for (JsonNode vertex : job.get("vertices")) {
      running += vertex.get("tasks").get("RUNNING").asInt();
    }
    return running;
  }

  /** A TaskManager that runs tasks of a job, or any one if none does. */
  public Program busyTaskManager() throws Exception {
    Set<String> idle = new HashSet<>();
    for (JsonNode taskManager : rest().get("/taskmanagers").get("taskmanagers")) {
      if (taskManager.get("freeSlots").asInt() > 0) {
        idle.add(taskManager.get("id").asText());
      }
    }
    return taskManagers().entrySet().stream()
        .filter(taskManager -> !idle.contains(taskManager.getKey()))
        .findFirst()
        .orElseGet(() -> taskManagers().entrySet().iterator().next())
        .getValue();
  }

  /** Suspends all processes until {@link #thaw}. */
  public void freeze() throws Exception {
    for (Program taskManager : taskManagers().values()) {
      taskManager.freeze();
    }
    jobManager().freeze();
  }

  public void thaw() throws Exception {
    jobManager().thaw();
    for (Program taskManager : taskManagers().values()) {
      taskManager.thaw();
    }
  }

  /** The names of the threads that run in the TaskManagers. */
  public List<String> threads() throws Exception {
    List<String> threads = new ArrayList<>();
    for (JsonNode taskManager : rest().get("/taskmanagers").get("taskmanagers")) {
      String id = taskManager.get("id").asText();
      if (taskManagers().containsKey(id)) {
        rest()
            .get("/taskmanagers/" + id + "/thread-dump")
            .get("threadInfos")
            .forEach(thread -> threads.add(thread.get("threadName").asText()));
      }
    }
    return threads;
  }

  /** Kills all processes. */
  @Override
  public void close() throws Exception {
    for (Program taskManager : taskManagers.values()) {
      taskManager.close();
    }
    if (jobManager != null) {
      jobManager.close();
    }
    PathUtils.deleteDirectory(temporary);
  }
}
