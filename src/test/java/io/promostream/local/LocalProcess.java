package io.promostream.local;

import java.io.BufferedReader;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The local run as a user sees it: a process, its output and its exit code. */
public final class LocalProcess implements AutoCloseable {

  private final List<String> output = new ArrayList<>();
  private final Process process;
  private final BufferedReader lines;

  /**
   * Starts the run with a temporary directory that the test can inspect. Only the unpacked Postgres
   * is outside it.
   */
  public LocalProcess(Path temporary, String... options) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(argument -> argument.startsWith("--add-opens"))
        .forEach(command::add);
    command.add("-Dot.epg.working-dir=" + System.getProperty("java.io.tmpdir") + "/embedded-pg");
    command.add("-Djava.io.tmpdir=" + temporary);
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(LocalRun.class.getName());
    command.addAll(List.of(options));
    process = new ProcessBuilder(command).redirectErrorStream(true).start();
    lines = process.inputReader(StandardCharsets.UTF_8);
  }

  /** Reads the output until a line matches, and returns the first group. */
  public String await(Pattern pattern) throws IOException {
    String line;
    while ((line = lines.readLine()) != null) {
      output.add(line);
      Matcher matcher = pattern.matcher(line);
      if (matcher.find()) {
        return matcher.group(1);
      }
    }
    throw new AssertionError("no " + pattern + " in " + output);
  }

  /** Reads the output to its end. */
  public int exitCode() throws InterruptedException {
    lines.lines().forEach(output::add);
    return process.waitFor();
  }

  /** Sends SIGTERM. {@link Process#destroy} would also close the output. */
  public void terminate() {
    process.toHandle().destroy();
  }

  /** The lines that were read. */
  public List<String> output() {
    return output;
  }

  @Override
  public void close() throws InterruptedException {
    process.destroy();
    process.waitFor();
  }
}
