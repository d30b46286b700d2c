package io.promostream.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Asks a Java process something by the JDK's {@code jcmd}. */
final class Jcmd {

  private Jcmd() {}

  /** What it answers, by lines. */
  static List<String> ask(long pid, String... question) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(), "" + pid));
    command.addAll(List.of(question));
    return new ProcessBuilder(command).start().inputReader().lines().toList();
  }
}
