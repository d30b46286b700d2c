package io.promostream.check;

import static java.util.concurrent.TimeUnit.NANOSECONDS;

import io.promostream.check.Findings.Finding;
import io.promostream.check.Findings.Level;
import io.promostream.config.ConfigException;
import io.promostream.config.JobConfig;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Implements {@code --check}: connects to Kafka and both databases as the job would, changes
 * nothing, and prints one line per finding. The three checks run concurrently, so that a server
 * that is down does not hide problems of the others.
 */
public final class EnvironmentCheck {

  /** Longer than the sum of the timeouts of one check, so that a slow server still answers. */
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private static final Logger LOG = LoggerFactory.getLogger(EnvironmentCheck.class);

  private EnvironmentCheck() {}

  /**
   * Checks and reports within about a minute, even if a server hangs.
   *
   * @return the exit code: 0 without problems, otherwise 1
   */
  public static int run(JobConfig config, PrintStream out) {
    return run(config, PATIENCE, out);
  }

  /**
   * Stops a start that would fail at every restart. There are two such problems:
   *
   * <ul>
   *   <li>A transaction timeout above the brokers' {@code transaction.max.timeout.ms}: no sink
   *       could begin a transaction.
   *   <li>A login whose resolved references are invalid: each failure would quote it in the log.
   * </ul>
   *
   * <p>Other findings are only logged. The machine that submits the job may lack a right, a route
   * or a file that the TaskManagers have.
   *
   * @throws ConfigException with the remedy
   */
  public static void beforeStart(JobConfig config) {
    Running check = Running.start("kafka", findings -> KafkaCheck.beforeStart(config, findings));
    for (Finding finding : check.await(System.nanoTime() + PATIENCE.toNanos())) {
      String text = finding.subject() + ": " + finding.text();
      if (finding.level() == Level.PROBLEM && KafkaCheck.NEVER_STARTS.contains(finding.subject())) {
        throw new ConfigException(List.of(text));
      } else if (finding.level() != Level.OK) {
        LOG.warn("{}", text);
      }
    }
  }

  static int run(JobConfig config, Duration patience, PrintStream out) {
    List<Running> checks =
        List.of(
            Running.start("kafka", findings -> KafkaCheck.run(config, findings)),
            Running.start("subscribers", findings -> new SubscribersCheck(config, findings).run()),
            Running.start("feedback", findings -> new FeedbackCheck(config, findings).run()));
    long deadline = System.nanoTime() + patience.toNanos();
    List<Finding> all = new ArrayList<>();
    for (Running check : checks) {
      all.addAll(check.await(deadline));
    }
    int width = all.stream().mapToInt(finding -> finding.subject().length()).max().orElse(0);
    for (Finding finding : all) {
      String level = finding.level().name().toLowerCase(Locale.ROOT);
      String subject = finding.subject() + " ".repeat(width - finding.subject().length());
      out.println(ConfigException.oneLine("%-8s %s  %s".formatted(level, subject, finding.text())));
    }
    long problems = all.stream().filter(finding -> finding.level() == Level.PROBLEM).count();
    long warnings = all.stream().filter(finding -> finding.level() == Level.WARNING).count();
    out.println();
    out.println("problems: " + problems + ", warnings: " + warnings);
    return problems == 0 ? 0 : 1;
  }

  /** The check of one system; an unexpected exception becomes a finding. */
  private interface Check {
    void run(Findings findings) throws Exception;
  }

  /** A check on a daemon thread, so that a hanging server does not keep the process alive. */
  private record Running(String subject, Findings findings, FutureTask<Void> task) {

    static Running start(String subject, Check check) {
      Findings findings = new Findings();
      FutureTask<Void> task =
          new FutureTask<>(
              () -> {
                check.run(findings);
                return null;
              });
      Thread thread = new Thread(task, "check-" + subject);
      thread.setDaemon(true);
      thread.start();
      return new Running(subject, findings, task);
    }

    List<Finding> await(long deadline) {
      try {
        task.get(Math.max(0, deadline - System.nanoTime()), NANOSECONDS);
      } catch (TimeoutException e) {
        findings.problem(
            subject, "the check got no answer in time", "look at the network and at the server");
        List<Finding> inTime = findings.list();
        // Take the findings first: the cancelled check may report the interrupt as a problem.
        task.cancel(true);
        return inTime;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        findings.problem(subject, "the check was interrupted", "run it again");
      } catch (ExecutionException e) {
        findings.problem(subject, "the check failed", String.valueOf(e.getCause()));
      }
      return findings.list();
    }
  }
}
