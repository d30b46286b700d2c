package io.promostream.preview;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.promostream.config.ConfigException;
import io.promostream.config.JobConfig;
import io.promostream.delivery.ControlGroup;
import io.promostream.feedback.FeedbackTable;
import io.promostream.kafka.KafkaAdvice;
import io.promostream.kafka.TopicLimits;
import io.promostream.notification.NotificationTemplate;
import io.promostream.preview.Outcome.Accepted;
import io.promostream.preview.Outcome.Rejected;
import io.promostream.promo.Promo;
import io.promostream.promo.PromoRules;
import io.promostream.promo.RejectedMessage;
import io.promostream.promo.UnusablePromoException;
import io.promostream.subscribers.Audience;
import io.promostream.subscribers.AudienceLookup;
import io.promostream.subscribers.ClientIds;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.sql.SQLException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.kafka.common.KafkaException;

/**
 * Implements {@code --preview}: judges the promos of a file as the job would, and shows whom they
 * would reach. It reads the settings of the notifications' topic, the definition of the feedback
 * table and the subscriber list, and changes nothing.
 */
public final class Preview {

  private static final String APPLICATION = "promo-stream preview";

  private final JobConfig config;
  private final int parallelism;
  private final Clock clock;

  /**
   * Prepares a preview.
   *
   * @param parallelism of the job
   */
  public Preview(JobConfig config, int parallelism) {
    this(config, parallelism, Clock.systemUTC());
  }

  Preview(JobConfig config, int parallelism, Clock clock) {
    this.config = config;
    this.parallelism = parallelism;
    this.clock = clock;
  }

  /**
   * Previews the promos of a file on standard output, in UTF-8.
   *
   * @param file {@code -} for standard input
   * @return the exit code: 0 if the job would accept all promos, otherwise 1
   */
  public int run(String file, boolean json) {
    PrintStream out = new PrintStream(System.out, true, UTF_8);
    return run(file, json, System.in, out, System.err);
  }

  /** Does the same with other streams. */
  public int run(String file, boolean json, InputStream in, PrintStream out, PrintStream err) {
    try {
      List<Outcome> outcomes = preview(PromoFile.read(file, in));
      long accepted = outcomes.stream().filter(Accepted.class::isInstance).count();
      long rejected = outcomes.size() - accepted;
      for (Outcome outcome : outcomes) {
        out.println(json ? JsonOutput.of(outcome) : TextOutput.of(outcome));
      }
      if (!json) {
        out.println("accepted: %d, rejected: %d".formatted(accepted, rejected));
      }
      return rejected == 0 ? 0 : 1;
    } catch (IOException e) {
      return fail(e.getMessage(), err);
    } catch (SQLException e) {
      return fail(
          "Cannot read the subscriber list from %s: %s"
              .formatted(config.subscribers().table(), e.getMessage()),
          err);
    } catch (KafkaException e) {
      return fail("Cannot create a Kafka client: " + KafkaAdvice.causeAndAdvice(e), err);
    }
  }

  private static int fail(String problem, PrintStream err) {
    err.println(ConfigException.oneLine(problem));
    return 1;
  }

  private List<Outcome> preview(SortedMap<Integer, byte[]> lines) throws IOException, SQLException {
    FeedbackTable feedback = FeedbackTable.describe(config.feedback());
    PromoRules rules =
        new PromoRules(
            TopicLimits.ofBroker(config.kafka(), config.notificationsTopic()),
            config.notificationsTopic(),
            feedback::whyNot,
            NotificationTemplate::largest);
    Map<Integer, Promo> promos = new TreeMap<>();
    Map<Integer, Outcome> outcomes = new TreeMap<>();
    lines.forEach(
        (line, value) -> {
          try {
            promos.put(line, rules.read(value));
          } catch (UnusablePromoException e) {
            String detail = RejectedMessage.shortened(e.getMessage());
            outcomes.put(line, new Rejected(line, e.reason().code(), detail));
          }
        });
    Map<String, Audience> audiences = audiences(promos, feedback.clientIds());
    promos.forEach(
        (line, promo) ->
            outcomes.put(line, accepted(line, promo, audiences.get(promo.restaurantId()))));
    return new ArrayList<>(outcomes.values());
  }

  /** Reads all audiences together: without an index, each read scans the whole table. */
  private Map<String, Audience> audiences(Map<Integer, Promo> promos, ClientIds clientIds)
      throws SQLException {
    Set<String> restaurants = new HashSet<>();
    promos.values().forEach(promo -> restaurants.add(promo.restaurantId()));
    return AudienceLookup.read(config.subscribers(), clientIds, restaurants, APPLICATION);
  }

  private Accepted accepted(int line, Promo promo, Audience audience) {
    long now = clock.millis();
    Schedule schedule = Schedule.of(promo, config.delivery().quietHours(), now);
    Long begin = schedule.beginsAt();
    Reach reach =
        Reach.of(
            promo,
            audience,
            new ControlGroup(config.delivery().controlGroupHundredths()),
            (begin == null ? now : begin) / 1_000);
    return new Accepted(
        line,
        promo,
        schedule,
        reach,
        Estimate.of(schedule, reach, CampaignPace.of(config.delivery(), parallelism)));
  }
}
