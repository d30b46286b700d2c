package io.promostream.drills;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.promostream.config.TableName;
import io.promostream.drills.Expectation.Due;
import io.promostream.local.Delivery;
import io.promostream.local.FeedbackRows;
import io.promostream.local.Notifications;
import io.promostream.promo.Promo;
import io.promostream.testing.OpenTransactions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.kafka.clients.admin.Admin;

/**
 * What came of a traffic, compared with what should have come of it, in the topic and in the table,
 * and what was left behind.
 *
 * @param promos messages sent, the spoiled ones included
 * @param deliveries that there should be
 * @param lost that are not there, in either sink
 * @param doubled too many of the same, in either sink
 * @param wrong nobody should have got, or not so, in either sink
 * @param differing between the sinks, in any of the ten fields
 * @param prepared transactions left in Postgres
 * @param open transactions left in Kafka
 * @param examples of what is wrong
 */
record Audit(
    long promos,
    long deliveries,
    long lost,
    long doubled,
    long wrong,
    long differing,
    int prepared,
    int open,
    List<String> examples) {

  private static final TableName TABLE = TableName.parse("public.subscribers_feedback");

  /** How long what is right may take to come, or to go. */
  private static final int PATIENCE_SECONDS = 150;

  boolean clean() {
    return lost + doubled + wrong + differing + prepared + open == 0;
  }

  /** Reads both sinks, once for each traffic that a site sees. */
  static final class Reader implements AutoCloseable {

    private final Site site;
    private final Notifications notifications;
    private final Notifications rejected;

    private long lost;
    private long doubled;
    private long wrong;
    private List<String> examples = new ArrayList<>();

    Reader(Site site) {
      this.site = site;
      notifications = new Notifications(site.bootstrapServers(), Site.NOTIFICATIONS);
      rejected = new Notifications(site.bootstrapServers(), Site.REJECTED);
    }

    /** Ends the traffic, waits for what should come of it, and compares. */
    Audit of(Traffic traffic) throws Exception {
      lost = 0;
      doubled = 0;
      wrong = 0;
      examples = new ArrayList<>();
      traffic.stop();
      List<Delivery> notified = new ArrayList<>();
      awaitAll(traffic, notified);
      traffic.sendClosing();
      awaitAll(traffic, notified);
      List<String> prepared = awaitNone(this::preparedTransactions);
      List<String> open = awaitNone(this::openTransactions);
      notified.addAll(notifications.read());
      Map<Due, Promo> expected = expected(traffic);
      List<Delivery> rows = takeRows();
      SinkAudit kafka = SinkAudit.of("Kafka", expected, notified);
      SinkAudit postgres = SinkAudit.of("Postgres", expected, rows);
      examples.addAll(kafka.examples());
      examples.addAll(postgres.examples());
      compareRejected(traffic);
      prepared.forEach(one -> examples.add("prepared: " + one));
      open.forEach(one -> examples.add("open: " + one));
      return new Audit(
          traffic.journal.messages(),
          expected.size(),
          kafka.lost() + postgres.lost() + lost,
          kafka.doubled() + postgres.doubled() + doubled,
          kafka.wrong() + postgres.wrong() + wrong,
          differing(notified, rows),
          prepared.size(),
          open.size(),
          List.copyOf(examples));
    }

    private static Map<Due, Promo> expected(Traffic traffic) {
      return Expectation.of(traffic.journal.events(), traffic.soon());
    }

    private void awaitAll(Traffic traffic, List<Delivery> notified) throws Exception {
      long deadline = deadline();
      while (System.nanoTime() < deadline) {
        notified.addAll(notifications.read());
        int expected = expected(traffic).size();
        if (notified.size() >= expected && countRows() >= expected) {
          return;
        }
        Thread.sleep(500);
      }
    }

    private static List<String> awaitNone(Callable<List<String>> left) throws Exception {
      long deadline = deadline();
      List<String> found = left.call();
      while (!found.isEmpty() && System.nanoTime() < deadline) {
        Thread.sleep(500);
        found = left.call();
      }
      return found;
    }

    private static long deadline() {
      return System.nanoTime() + PATIENCE_SECONDS * 1_000_000_000L;
    }

    private long countRows() throws Exception {
      return Long.parseLong(
          Site.query(site.feedback(), Site.FEEDBACK, "SELECT count(*) FROM subscribers_feedback")
              .get(0));
    }

    private List<String> preparedTransactions() throws Exception {
      return Site.query(site.feedback(), Site.FEEDBACK, "SELECT gid FROM pg_prepared_xacts");
    }

    private List<String> openTransactions() throws Exception {
      try (Admin admin = site.broker().admin()) {
        return OpenTransactions.of(admin, Site.PREFIX);
      }
    }

    /** Reads and removes what is there: what comes after that, the next audit finds. */
    private List<Delivery> takeRows() throws Exception {
      try (FeedbackRows table = new FeedbackRows(site.feedbackDatabase(), TABLE)) {
        List<Delivery> rows = table.read();
        List<String> removed =
            Site.query(
                site.feedback(), Site.FEEDBACK, "DELETE FROM subscribers_feedback RETURNING id");
        if (removed.size() != rows.size()) {
          wrong += removed.size() - rows.size();
          examples.add("rows came while they were read");
        }
        return rows;
      }
    }

    private static long differing(List<Delivery> notified, List<Delivery> rows) {
      Map<Delivery, Integer> surplus = new HashMap<>();
      notified.forEach(delivery -> surplus.merge(delivery, 1, Integer::sum));
      rows.forEach(delivery -> surplus.merge(delivery, -1, Integer::sum));
      return surplus.values().stream().mapToLong(Math::abs).sum();
    }

    private void compareRejected(Traffic traffic) {
      Map<String, Integer> surplus = new HashMap<>();
      rejected.read(message -> surplus.merge(new String(message.value(), UTF_8), 1, Integer::sum));
      for (Journal.Event event : traffic.journal.events()) {
        if (event instanceof Journal.Spoiled spoiled) {
          surplus.merge(spoiled.message(), -1, Integer::sum);
        }
      }
      surplus.forEach(
          (message, count) -> {
            if (count != 0) {
              lost += Math.max(0, -count);
              doubled += Math.max(0, count);
              examples.add("rejected, %+d: %s".formatted(count, message));
            }
          });
    }

    @Override
    public void close() {
      notifications.close();
      rejected.close();
    }
  }
}
