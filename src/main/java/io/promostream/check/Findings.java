package io.promostream.check;

import java.util.ArrayList;
import java.util.List;

/** The findings of a check. Thread-safe, because a timed-out check may still add findings. */
final class Findings {

  /** The severity; printed in lower case. */
  enum Level {
    OK,
    /** The job runs, but someone should look at this. */
    WARNING,
    /** The job does not start, or breaks a promise. */
    PROBLEM
  }

  /**
   * One line of the report.
   *
   * @param subject the checked object, such as a topic or a table
   * @param text the result and, unless the level is OK, the remedy
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
