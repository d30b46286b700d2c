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
 * What {@code mvn -Plocal} starts inside Maven: {@link LocalRun} in a JVM of its own, on the same
 * terminal. In Maven's own JVM some of Flink's threads would look for its classes among Maven's.
 * Maven can start other programs too, but on Ctrl-C it would not wait for them to end, and it takes
 * an exit code for a failed build that it explains at length.
 */
public final class LocalLauncher {

  private LocalLauncher() {}

  /** Exits as the local run does. */
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

  /** The class path that Maven has made for this class. */
  private static String classPath() {
    URL[] urls = ((URLClassLoader) LocalLauncher.class.getClassLoader()).getURLs();
    return Arrays.stream(urls)
        .map(url -> Path.of(URI.create(url.toString())).toString())
        .collect(Collectors.joining(File.pathSeparator));
  }

  /** Ctrl-C reaches both processes; other signals only this one. */
  private static void end(Process run) {
    run.destroy();
    try {
      run.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
