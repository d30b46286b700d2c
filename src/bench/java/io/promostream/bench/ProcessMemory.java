package io.promostream.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What a Java process takes. */
final class ProcessMemory {

  private ProcessMemory() {}

  /** Bytes of the objects that live on the heap, after a full collection. */
  static long liveHeap(long pid) throws IOException {
    String total =
        Jcmd.ask(pid, "GC.class_histogram").stream()
            .filter(line -> line.startsWith("Total"))
            .findFirst()
            .orElseThrow(() -> new IOException("jcmd told nothing of process " + pid));
    return Long.parseLong(total.trim().split("\\s+")[2]);
  }

  /** Bytes of memory that the process has, of any kind. */
  static long resident(long pid) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/status"))) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
      }
    }
    throw new IOException("no VmRSS of process " + pid);
  }
}
