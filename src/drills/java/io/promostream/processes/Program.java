package io.promostream.processes;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** A Java program in a process of its own, which ends with this one at the latest. */
public final class Program implements AutoCloseable {

  /** Names the system property with the options of every program's JVM. */
  public static final String JVM_OPTIONS = "program.jvm.options";

  /**
   * Most live for minutes, several of them on few cores: what C2 compiles and G1 does in parallel
   * would not pay. It does where speed is measured.
   */
  private static final String SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC";

  private static final Set<Process> RUNNING = ConcurrentHashMap.newKeySet();

  static {
    Runtime.getRuntime()
        .addShutdownHook(new Thread(() -> RUNNING.forEach(Process::destroyForcibly)));
  }

  private final Process process;
  private final Path output;

  private Program(Process process, Path output) {
    this.process = process;
    this.output = output;
  }

  /**
   * Starts a program.
   *
   * @param output file that its standard output and, beside it, its standard error go to
   * @param command what follows {@code java}: options, main class, arguments
   */
  public static Program start(Path output, Map<String, String> environment, List<String> command)
      throws IOException {
    List<String> java = java();
    java.addAll(command);
    return run(output, environment, java);
  }

  /** Starts any program. */
  static Program run(Path output, Map<String, String> environment, List<String> command)
      throws IOException {
    Files.createDirectories(output.getParent());
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().putAll(environment);
    Process process =
        builder.redirectOutput(output.toFile()).redirectError(errors(output).toFile()).start();
    RUNNING.add(process);
    var unused = process.onExit().thenAccept(RUNNING::remove);
    return new Program(process, output);
  }

  /** How every Java program's command begins. */
  static List<String> java() {
    List<String> java = new ArrayList<>();
    java.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    java.addAll(words(System.getProperty(JVM_OPTIONS, SHORT_LIVED)));
    return java;
  }

  /** The words of a line of options. */
  static List<String> words(String text) {
    return Arrays.stream(text.split("\\s+")).filter(word -> !word.isEmpty()).toList();
  }

  public static String classpath(List<Path> jars) {
    return String.join(File.pathSeparator, jars.stream().map(Path::toString).toList());
  }

  private static Path errors(Path output) {
    return output.resolveSibling(output.getFileName() + ".err");
  }

  public long pid() {
    return process.pid();
  }

  public boolean isAlive() {
    return process.isAlive();
  }

  /** Waits for its end; its exit code. */
  public int await() throws InterruptedException {
    return process.waitFor();
  }

  public String output() throws IOException {
    return Files.readString(output);
  }

  public String errors() throws IOException {
    return Files.readString(errors(output));
  }

  /** Ends it with {@code kill -9}. */
  public void kill() throws InterruptedException {
    process.destroyForcibly();
    process.waitFor();
  }

  /** Asks it to end, and waits until it has. */
  public void end() throws InterruptedException {
    process.destroy();
    process.waitFor();
  }

  /** Lets it run no further, until {@link #thaw}. */
  public void freeze() throws Exception {
    signal("STOP");
  }

  public void thaw() throws Exception {
    signal("CONT");
  }

  private void signal(String signal) throws Exception {
    int exit = new ProcessBuilder("kill", "-" + signal, "" + process.pid()).start().waitFor();
    if (exit != 0) {
      throw new IllegalStateException("kill -" + signal + " ended with " + exit);
    }
  }

  /** Ends it and waits for its end. */
  @Override
  public void close() throws InterruptedException {
    kill();
  }
}
