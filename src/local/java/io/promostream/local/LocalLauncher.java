package io.promostream.local;

import java.io.File;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The class that {@code mvn -Plocal} runs inside Maven. It starts {@link LocalRun} in a separate
 * JVM on the same terminal, because in Maven's JVM some threads of Flink would look for its classes
 * among Maven's. Maven can start programs itself, but it would not wait for them after Ctrl-C, and
 * it would report an exit code as a failed build, with many lines.
 */
public final class LocalLauncher {

  private LocalLauncher() {}

  /** Exits with the exit code of the local run. */
  public static void main(String[] args) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(System.getProperty("local.jvm.args").split(" ", -1)));
    command.addAll(List.of("-cp", classPath(), LocalRun.class.getName()));
    command.addAll(List.of(args));
    Process run = new ProcessBuilder(command).inheritIO().start();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> end(run)));
    System.exit(run.waitFor());
  }

  /** The class path that Maven made for this class. */
  private static String classPath() {
    URL[] urls = ((URLClassLoader) LocalLauncher.class.getClassLoader()).getURLs();
    return Arrays.stream(urls)
        .map(url -> Path.of(URI.create(url.toString())).toString())
        .collect(Collectors.joining(File.pathSeparator));
  }

  /** Ctrl-C reaches both processes, but other signals reach only this one. */
  private static void end(Process run) {
    run.destroy();
    try {
      run.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
