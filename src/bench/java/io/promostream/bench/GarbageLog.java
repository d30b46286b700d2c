package io.promostream.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The log of a process's garbage collector, from now on. */
final class GarbageLog {

  private static final Pattern PAUSE =
      Pattern.compile("Pause .* (\\d+)M->(\\d+)M\\(\\d+M\\) ([0-9.]+)ms");

  private final Path file;
  private int linesRead;

  /**
   * What was collected in some time; NaN megabytes if there was no pause in it.
   *
   * @param pauseMillis how long the process stood still for it, in all
   * @param heapPeak the most megabytes of heap in use when a pause began
   * @param heapLeft the most when one ended
   */
  record Garbage(double pauseMillis, double heapPeak, double heapLeft) {

    static final Garbage NONE = new Garbage(0, Double.NaN, Double.NaN);
  }

  GarbageLog(long pid, Path file) throws IOException {
    this.file = file.toAbsolutePath();
    Jcmd.ask(pid, "VM.log", "output=file=" + this.file, "what=gc");
  }

  /** The collections since the last call. */
  Garbage next() throws IOException {
    List<String> lines = Files.readAllLines(file);
    double millis = 0;
    double peak = Double.NaN;
    double left = Double.NaN;
    for (String line : lines.subList(linesRead, lines.size())) {
      Matcher pause = PAUSE.matcher(line);
      if (pause.find()) {
        peak = most(peak, pause.group(1));
        left = most(left, pause.group(2));
        millis += Double.parseDouble(pause.group(3));
      }
    }
    linesRead = lines.size();
    return new Garbage(millis, peak, left);
  }

  private static double most(double soFar, String next) {
    double value = Double.parseDouble(next);
    return soFar >= value ? soFar : value;
  }
}
