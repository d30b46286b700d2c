package io.promostream.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Sends a command to a Java process with the JDK's {@code jcmd}. */
final class Jcmd {

  private Jcmd() {}

  /** Returns the lines of the answer. */
  static List<String> ask(long pid, String... question) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(), "" + pid));
    command.addAll(List.of(question));
    return new ProcessBuilder(command).start().inputReader().lines().toList();
  }
}
