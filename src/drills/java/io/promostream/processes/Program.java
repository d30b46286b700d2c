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

/** A Java program in a separate process, which ends with this JVM at the latest. */
public final class Program implements AutoCloseable {

  /** The system property with JVM options for every program. */
  public static final String JVM_OPTIONS = "program.jvm.options";

  /**
   * Most programs run for minutes, and several share few cores, so C2 and the parallel work of G1
   * would not pay off. Benchmarks, which measure speed, override this.
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
   * @param output file for the standard output; the standard error goes to a file beside it
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

  /** The beginning of the command of every Java program. */
  static List<String> java() {
    List<String> java = new ArrayList<>();
    java.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    java.addAll(words(System.getProperty(JVM_OPTIONS, SHORT_LIVED)));
    return java;
  }

  /** Splits a line of options into words. */
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

  /** Waits for the end of the program; returns the exit code. */
  public int await() throws InterruptedException {
    return process.waitFor();
  }

  public String output() throws IOException {
    return Files.readString(output);
  }

  public String errors() throws IOException {
    return Files.readString(errors(output));
  }

  /** Kills the program with {@code kill -9}. */
  public void kill() throws InterruptedException {
    process.destroyForcibly();
    process.waitFor();
  }

  /** Asks the program to end, and waits for its end. */
  public void end() throws InterruptedException {
    process.destroy();
    process.waitFor();
  }

  /** Suspends the program until {@link #thaw}. */
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

  /** Ends the program and waits for its end. */
  @Override
  public void close() throws InterruptedException {
    kill();
  }
}
