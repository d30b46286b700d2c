package io.promostream.check;

import java.util.ArrayList;
import java.util.List;

/** What a check has found so far; filled by one thread, read by another. */
final class Findings {

  /** How bad it is; printed in lower case. */
  enum Level {
    OK,
    /** The job runs, and somebody should look. */
    WARNING,
    /** The job does not run, or does not keep its promises. */
    PROBLEM
  }

  /**
   * One line of the report.
   *
   * @param subject what was looked at
   * @param text what was found and, unless all is well, what to do
   */
  record Finding(Level level, String subject, String text) {}

  private final List<Finding> list = new ArrayList<>();

  void ok(String subject, String found) {
    add(new Finding(Level.OK, subject, found));
  }

  void warning(String subject, String found, String remedy) {
    add(new Finding(Level.WARNING, subject, found + ": " + remedy));
  }

  void problem(String subject, String found, String remedy) {
    problem(subject, found + ": " + remedy);
  }

  void problem(String subject, String foundAndRemedy) {
    add(new Finding(Level.PROBLEM, subject, foundAndRemedy));
  }

  private synchronized void add(Finding finding) {
    list.add(finding);
  }

  synchronized List<Finding> list() {
    return List.copyOf(list);
  }
}
