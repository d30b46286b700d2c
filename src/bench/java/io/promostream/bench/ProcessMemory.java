package io.promostream.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a Java process takes. */
final class ProcessMemory {

  /** The first line of a mapping in /proc/PID/smaps. */
  private static final Pattern MAPPING = Pattern.compile("([0-9a-f]+)-[0-9a-f]+ ");

  private static final Pattern RANGE = Pattern.compile("\\[(0x[0-9a-f]+),[^)]*?(0x[0-9a-f]+)\\)");

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

  /** Bytes of memory outside the Java heap: RocksDB, buffers, code, threads. */
  static long beside(long pid) throws IOException {
    long[] heap = heap(pid);
    long kilobytes = 0;
    boolean counts = false;
    for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/smaps"))) {
      Matcher mapping = MAPPING.matcher(line);
      if (mapping.lookingAt()) {
        long start = Long.parseUnsignedLong(mapping.group(1), 16);
        counts = start < heap[0] || start >= heap[1];
      } else if (counts && line.startsWith("Rss:")) {
        kilobytes += Long.parseLong(line.replaceAll("\\D", ""));
      }
    }
    return kilobytes * 1024;
  }

  /** Where the Java heap begins and ends. */
  private static long[] heap(long pid) throws IOException {
    for (String line : Jcmd.ask(pid, "GC.heap_info")) {
      Matcher range = RANGE.matcher(line);
      if (range.find()) {
        return new long[] {Long.decode(range.group(1)), Long.decode(range.group(2))};
      }
    }
    throw new IOException("jcmd told nothing of the heap of process " + pid);
  }

  /** Bytes of memory of the process. */
  static long resident(long pid) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/status"))) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
      }
    }
    throw new IOException("no VmRSS of process " + pid);
  }
}
