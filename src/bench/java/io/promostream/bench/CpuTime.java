package io.promostream.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The processor time of each part of an installation, in seconds, from Linux' /proc. It shows where
 * the time of a busy machine goes, and other programs change it little.
 */
record CpuTime(Map<String, Double> seconds) {

  private static final double TICKS_A_SECOND = 100;

  private static final Map<String, String> PARTS =
      Map.of(
          "kafka.Kafka", "broker",
          "TaskManagerRunner", "TaskManager",
          "StandaloneSessionClusterEntrypoint", "JobManager");

  /** The time used so far. */
  static CpuTime now(Installation installation) throws IOException, SQLException {
    Map<String, Double> seconds = new TreeMap<>();
    seconds.put("this program", used(ProcessHandle.current(), false));
    for (ProcessHandle child : ProcessHandle.current().children().toList()) {
      String command = commandLine(child);
      for (Map.Entry<String, String> part : PARTS.entrySet()) {
        if (command.contains(part.getKey())) {
          seconds.merge(part.getValue(), used(child, false), Double::sum);
        }
      }
    }
    seconds.put("Postgres", usedByPostgres(postmaster(installation)));
    return new CpuTime(seconds);
  }

  /**
   * Begins anew when a backend ends meanwhile: its time moves to the postmaster, and would count
   * twice or not at all.
   */
  private static double usedByPostgres(ProcessHandle postmaster) throws IOException {
    while (true) {
      Set<ProcessHandle> backends = backends(postmaster);
      double used = used(postmaster, true);
      for (ProcessHandle backend : backends) {
        used += used(backend, false);
      }
      if (backends(postmaster).equals(backends)) {
        return used;
      }
    }
  }

  private static Set<ProcessHandle> backends(ProcessHandle postmaster) {
    return postmaster.children().collect(Collectors.toSet());
  }

  /** The whole command line. ProcessHandle.Info has none that is longer than a page. */
  private static String commandLine(ProcessHandle process) throws IOException {
    return Files.readString(Path.of("/proc/" + process.pid() + "/cmdline"));
  }

  private static ProcessHandle postmaster(Installation installation) throws SQLException {
    try (Connection connection = installation.connect();
        Statement statement = connection.createStatement();
        ResultSet pid = statement.executeQuery("SELECT pg_backend_pid()")) {
      pid.next();
      return ProcessHandle.of(pid.getLong(1)).flatMap(ProcessHandle::parent).orElseThrow();
    }
  }

  /**
   * @param endedChildren whether what its children used that have ended counts as well
   */
  private static double used(ProcessHandle process, boolean endedChildren) throws IOException {
    try {
      String stat = Files.readString(Path.of("/proc/" + process.pid() + "/stat"));
      // utime, stime, cutime, cstime: the 14th to 17th field; the second may hold spaces.
      String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
      return Stream.of(fields)
              .skip(11)
              .limit(endedChildren ? 4 : 2)
              .mapToLong(Long::parseLong)
              .sum()
          / TICKS_A_SECOND;
    } catch (IOException e) {
      // It may end before the file is opened, or before it is read.
      if (process.isAlive()) {
        throw e;
      }
      return 0;
    }
  }

  double total() {
    return seconds.values().stream().mapToDouble(Double::doubleValue).sum();
  }

  CpuTime minus(CpuTime earlier) {
    Map<String, Double> since = new TreeMap<>(seconds);
    since.replaceAll((part, used) -> used - earlier.seconds.getOrDefault(part, 0.0));
    return new CpuTime(since);
  }
}
