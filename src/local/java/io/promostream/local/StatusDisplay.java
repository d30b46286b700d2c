package io.promostream.local;

import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Locale;

/** Shows the status again and again: in place on a terminal, otherwise in a new line. */
final class StatusDisplay {

  /** The counts jump with each checkpoint, so the rate is an average over this time. */
  private static final Duration RATE_OVER = Duration.ofSeconds(5);

  private final PrintStream out;
  private final boolean inPlace;
  private final Deque<Status> recent = new ArrayDeque<>();
  private int linesShown;

  StatusDisplay(PrintStream out, boolean inPlace) {
    this.out = out;
    this.inPlace = inPlace;
  }

  /**
   * Whether standard output is a terminal that can move its cursor. The JVM cannot tell, because
   * its console also depends on standard input.
   */
  static boolean onTerminal() throws InterruptedException {
    if ("dumb".equals(System.getenv("TERM"))) {
      return false;
    }
    try {
      return new ProcessBuilder("test", "-t", "1").inheritIO().start().waitFor() == 0;
    } catch (IOException e) {
      return false;
    }
  }

  /**
   * Shows a status.
   *
   * @param phase a short name of the current phase, or an empty text
   */
  void show(Status status, String phase) {
    recent.addLast(status);
    while (recent.size() > 2
        && status.running().minus(recent.getFirst().running()).compareTo(RATE_OVER) > 0) {
      recent.removeFirst();
    }
    if (inPlace) {
      // Turn wrapping off, because a wrapped line would count as two. Then go to the first line.
      StringBuilder text = new StringBuilder("\033[?7l");
      if (linesShown > 0) {
        text.append("\033[").append(linesShown).append('A');
      }
      List<String> lines = lines(status, phase);
      lines.forEach(line -> text.append(line).append("\033[K\n"));
      linesShown = lines.size();
      out.print(text.append("\033[?7h"));
    } else {
      out.println(line(status, phase));
    }
    out.flush();
  }

  private List<String> lines(Status s, String phase) {
    return List.of(
        "  Running        " + clock(s.running()) + " " + phase,
        number(
            "  Promos         %,d read   %,d waiting   %,d live   %,d rejected   %,d late",
            s.promosRead(), s.waiting(), s.live(), s.rejected(), s.late()),
        number("  Subscriptions  %,d in %,d restaurants, ", s.subscriptions(), s.restaurants())
            + listAge(s),
        number("  Notifications  %,d committed   %,d/s", s.notifications(), notificationRate()),
        number("  Feedback rows  %,d committed   %,d/s", s.rows(), rowRate()),
        "  Checkpoint     " + checkpoint(s));
  }

  private String line(Status s, String phase) {
    return number(
            "%s %spromos read %,d waiting %,d live %,d rejected %,d late %,d | subscriptions %,d ",
            clock(s.running()),
            phase.isEmpty() ? "" : phase + " ",
            s.promosRead(),
            s.waiting(),
            s.live(),
            s.rejected(),
            s.late(),
            s.subscriptions())
        + listAge(s)
        + number(
            " | notifications %,d, %,d/s | rows %,d, %,d/s | checkpoint ",
            s.notifications(), notificationRate(), s.rows(), rowRate())
        + checkpoint(s);
  }

  private static String listAge(Status s) {
    return s.listAge() == null ? "list not read yet" : "list " + s.listAge().toSeconds() + " s old";
  }

  private static String checkpoint(Status s) {
    return s.checkpoint() == null
        ? "none yet"
        : number(
            "%d, %.1f s ago, took %d ms",
            s.checkpoint().id(),
            s.checkpoint().ago().toMillis() / 1000.0,
            s.checkpoint().took().toMillis());
  }

  private long notificationRate() {
    return rate(recent.getLast().notifications() - recent.getFirst().notifications());
  }

  private long rowRate() {
    return rate(recent.getLast().rows() - recent.getFirst().rows());
  }

  private long rate(long more) {
    long millis = recent.getLast().running().minus(recent.getFirst().running()).toMillis();
    return millis == 0 ? 0 : more * 1000 / millis;
  }

  private static String clock(Duration time) {
    return "%02d:%02d".formatted(time.toMinutes(), time.toSecondsPart());
  }

  private static String number(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
