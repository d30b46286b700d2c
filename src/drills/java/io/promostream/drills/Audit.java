package io.promostream.drills;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.promostream.config.TableName;
import io.promostream.local.Delivery;
import io.promostream.local.FeedbackRows;
import io.promostream.local.Notifications;
import io.promostream.testing.CampaignReports;
import io.promostream.testing.CampaignReports.Campaign;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

/**
 * The result of one traffic: the deliveries in the topic and in the table compared with the
 * expected ones, and everything that the job left behind.
 *
 * @param promos messages sent, the spoiled ones included
 * @param deliveries deliveries in the topic
 * @param owed deliveries that must be in each sink
 * @param open deliveries that the contract allows but does not require, because it depends on when
 *     the job read its input
 * @param lost owed deliveries that are missing, in both sinks together
 * @param doubled superfluous copies of a delivery, in both sinks together
 * @param wrong deliveries that the contract forbids, in both sinks together
 * @param differing deliveries of which any of the ten fields differs between the sinks
 * @param misreported campaigns whose last report does not count the deliveries in the topic
 * @param refused rows that the feedback table refused
 * @param unfinished transactions left open in Kafka
 * @param sessions database sessions of the job that outlive its cancellation
 * @param threads threads of the job in the TaskManagers that outlive its cancellation
 * @param examples a few of the problems
 */
record Audit(
    long promos,
    long deliveries,
    long owed,
    long open,
    long lost,
    long doubled,
    long wrong,
    long differing,
    long misreported,
    int refused,
    int unfinished,
    int sessions,
    int threads,
    List<String> examples) {

  private static final TableName TABLE = TableName.parse("public.subscribers_feedback");

  /** How long to wait for missing deliveries, and for leftovers to disappear. */
  private static final int PATIENCE_SECONDS = 240;

  boolean clean() {
    return lost
            + doubled
            + wrong
            + differing
            + misreported
            + refused
            + unfinished
            + sessions
            + threads
        == 0;
  }

  /** Reads both sinks after each traffic of a site. */
  static final class Reader implements AutoCloseable {

    private final Site site;
    private final Notifications notifications;
    private final Notifications rejected;
    private final CampaignReports reports;

    private Map<Delivery, Long> writtenAt = new HashMap<>();

    private long lost;
    private long doubled;
    private long wrong;
    private List<String> examples = new ArrayList<>();

    Reader(Site site) {
      this.site = site;
      notifications = new Notifications(site.bootstrapServers(), Site.NOTIFICATIONS);
      rejected = new Notifications(site.bootstrapServers(), Site.REJECTED);
      reports = new CampaignReports(site.bootstrapServers(), Site.REPORTS);
    }

    /**
     * Ends the traffic, waits for the owed deliveries, compares the sinks, cancels the job and
     * looks for leftovers.
     */
    Audit of(Traffic traffic) throws Exception {
      lost = 0;
      doubled = 0;
      wrong = 0;
      examples = new ArrayList<>();
      writtenAt = new HashMap<>();
      traffic.stop();
      long settled = traffic.sendClosing();
      List<Delivery> notified = awaitAll(traffic, settled);
      List<String> misreported = awaitNone("misreported", () -> misreported(traffic, notified));
      List<String> refused = site.refusedRows();
      refused.forEach(row -> examples.add("refused: " + row));
      List<String> unfinished = awaitNone("unfinished", site::openTransactions);
      List<String> threadsBefore = site.threadsOfJob();
      site.cancel();
      List<String> sessions = awaitNone("session", site::sessions);
      List<String> threads = awaitNone("thread", site::threadsOfJob);
      if (threadsBefore.isEmpty()) {
        examples.add("no threads of the job were found while it ran");
        wrong++;
      }
      readInto(notified);
      List<Delivery> rows = takeRows();
      Expectation expectation = new Expectation(traffic.journal.events(), writtenAt, settled);
      SinkAudit kafka = SinkAudit.of("Kafka", expectation, notified);
      SinkAudit postgres = SinkAudit.of("Postgres", expectation, rows);
      examples.addAll(kafka.examples());
      examples.addAll(postgres.examples());
      compareRejected(traffic);
      return new Audit(
          traffic.journal.messages(),
          notified.size(),
          expectation.owed().size(),
          expectation.open().size(),
          kafka.lost() + postgres.lost() + lost,
          kafka.doubled() + postgres.doubled() + doubled,
          kafka.wrong() + postgres.wrong() + wrong,
          differing(notified, rows),
          misreported.size(),
          refused.size(),
          unfinished.size(),
          sessions.size(),
          threads.size(),
          List.copyOf(examples));
    }

    /** Waits until both sinks hold every owed delivery; returns the notifications. */
    private List<Delivery> awaitAll(Traffic traffic, long settled) throws Exception {
      List<Delivery> notified = new ArrayList<>();
      long deadline = deadline();
      while (System.nanoTime() < deadline) {
        readInto(notified);
        if (countRows() == notified.size()) {
          Expectation expectation = new Expectation(traffic.journal.events(), writtenAt, settled);
          if (SinkAudit.of("Kafka", expectation, notified).lost() == 0
              && traffic.isClosed(notified)) {
            break;
          }
        }
        Thread.sleep(1_000);
      }
      return notified;
    }

    private void readInto(List<Delivery> notified) {
      notifications.read(
          message -> {
            Delivery delivery = Notifications.parse(message);
            notified.add(delivery);
            writtenAt.merge(delivery, message.timestamp(), Math::min);
          });
    }

    /** Waits until nothing is left; returns the leftovers if the time runs out. */
    private List<String> awaitNone(String what, Callable<List<String>> left) throws Exception {
      long deadline = deadline();
      List<String> found = left.call();
      while (!found.isEmpty() && System.nanoTime() < deadline) {
        Thread.sleep(500);
        found = left.call();
      }
      found.forEach(one -> examples.add(what + " left: " + one));
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

    /** Reads and removes all rows, so that the next audit finds rows written later. */
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

    /** The campaigns of a traffic whose last report does not count the notifications. */
    private List<String> misreported(Traffic traffic, List<Delivery> notified) {
      readInto(notified);
      Map<Campaign, Long> surplus = new HashMap<>();
      reports
          .delivered()
          .forEach(
              (campaign, count) -> {
                if (traffic.owns(campaign.restaurantId())) {
                  surplus.put(campaign, count);
                }
              });
      for (Delivery one : notified) {
        surplus.merge(
            new Campaign(one.promo().restaurantId(), one.promo().campaignId()), -1L, Long::sum);
      }
      surplus.values().removeIf(count -> count == 0);
      return surplus.entrySet().stream()
          .map(one -> "%s, %+d".formatted(one.getKey(), one.getValue()))
          .toList();
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
      reports.close();
    }
  }
}
