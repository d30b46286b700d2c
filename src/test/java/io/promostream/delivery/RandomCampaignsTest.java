package io.promostream.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import io.promostream.config.JobConfig.Delivery;
import io.promostream.config.QuietHours;
import io.promostream.control.Command.Action;
import io.promostream.kafka.Message;
import io.promostream.promo.Promo;
import io.promostream.subscribers.Audience;
import io.promostream.testing.CampaignReports;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.apache.flink.runtime.state.hashmap.HashMapStateBackend;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random promos, audiences, commands, waits, full sinks, restarts and rules, compared with a simple
 * model of what must hold.
 */
final class RandomCampaignsTest {

  private static final int SEEDS = 40;

  private static final int STEPS = 60;
  private static final long T0 = 1_700_000_000L;
  private static final Duration REMEMBER = Duration.ofDays(7);
  private static final Delivery NO_RULES = new Delivery(REMEMBER, null, 0, null, null, null);

  private static final Duration EACH_CHECKPOINT = Duration.ofMillis(1);

  /** The states of the report on a campaign that changed shortly before its end or after it. */
  private static final Set<String> UNSURE =
      Set.of("waiting", "live", "paused", "ended", "cancelled", "missed");

  /** Wakes may be a second late. Closer to a start or an end, the model does not judge. */
  private static final long SLACK = 2_000;

  static IntStream seeds() {
    return IntStream.range(0, SEEDS);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void keepThePromises(int seed) throws Exception {
    new Run(seed).run();
  }

  private record Key(String restaurant, String campaign) {}

  private record Given(
      Action action, @Nullable String restaurant, @Nullable String campaign, long at) {
    boolean covers(Key key) {
      return (restaurant == null || restaurant.equals(key.restaurant))
          && (campaign == null || campaign.equals(key.campaign));
    }
  }

  /** What the model knows about a campaign. */
  private static final class Known {
    private Promo promo;

    /** The states that its report may have once it is over; null while it runs. */
    private @Nullable Set<String> over;

    private final Set<String> delivered = new HashSet<>();
  }

  private static final class Run {

    private final Random random;
    private final DeliveryDriver job;
    private final Map<String, Set<String>> audiences = new HashMap<>();
    private final Map<Key, Known> campaigns = new HashMap<>();
    private final List<Given> commands = new ArrayList<>();
    private final Map<Key, @Nullable Map<String, String>> reports = new HashMap<>();
    private final ControlGroup group;
    private final int share;
    private final Duration interval;
    private Delivery rules = NO_RULES;
    private boolean obeys = true;
    private int parallelism = 1;
    private long version;
    private final List<String> log = new ArrayList<>();

    Run(int seed) throws Exception {
      random = new Random(seed);
      share = random.nextInt(3) == 0 ? 4_000 : 0;
      group = new ControlGroup(share);
      rules = new Delivery(REMEMBER, null, share, null, null, null);
      job = new DeliveryDriver(new HashMapStateBackend(), rules, T0 * 1000);
      interval = random.nextInt(4) == 0 ? Duration.ofSeconds(30) : EACH_CHECKPOINT;
      job.restart(1, true, interval);
      job.refreshCompleted();
    }

    void run() throws Exception {
      try {
        for (int step = 0; step < STEPS; step++) {
          step();
        }
        finish();
      } catch (AssertionError | Exception e) {
        throw new AssertionError(String.join("\n", log), e);
      } finally {
        job.close();
      }
    }

    private void step() throws Exception {
      switch (random.nextInt(12)) {
        case 0, 1 -> audience();
        case 2, 3 -> promo();
        case 4, 5 -> command();
        case 6, 7, 8 -> advance(new int[] {3, 500, 5_000, 60_000, 300_000}[random.nextInt(5)]);
        case 9 -> restart();
        case 10 -> sinks();
        default -> checkpoint();
      }
      readReports();
    }

    private String restaurant() {
      return "r" + random.nextInt(3);
    }

    private String campaign() {
      return "c" + random.nextInt(3);
    }

    private void audience() throws Exception {
      String restaurant = restaurant();
      int size = random.nextInt(10) == 0 ? 2_500 : random.nextInt(6);
      Set<String> clients = new HashSet<>();
      for (int i = 0; i < size; i++) {
        clients.add("client" + random.nextInt(size > 10 ? 3_000 : 10));
      }
      log.add(
          job.now() - T0 * 1000 + " audience " + restaurant + " " + (size > 10 ? size : clients));
      job.audience(restaurant, clients.toArray(String[]::new));
      audiences.put(restaurant, clients);
      collect(job.now());
    }

    private void promo() throws Exception {
      long now = job.now() / 1000;
      long start = now + random.nextInt(200) - 100;
      long end = Math.max(start, now + random.nextInt(600) - 20);
      long created = random.nextInt(8) == 0 ? Math.max(0, version - 3) : ++version;
      Promo promo = new Promo(restaurant(), campaign(), "v", "o", "oc", start, end, created);
      Key key = new Key(promo.restaurantId(), promo.campaignId());
      log.add(
          job.now()
              - T0 * 1000
              + " promo %s %d..%d v%d".formatted(key, start - T0, end - T0, created));
      long at = job.now();
      Known known = campaigns.get(key);
      job.promo(promo);
      if (known == null || created > known.promo.created()) {
        boolean ran = known != null && known.over == null;
        Known next = known == null ? new Known() : known;
        next.promo = promo;
        if (isHeld(key, Action.STOP)) {
          next.over = Set.of("cancelled");
        } else if (promo.phaseAt(at) == Promo.Phase.ENDED) {
          next.over = ran ? Set.of("cancelled", "late") : Set.of("late", "missed");
        } else {
          next.over = null;
        }
        campaigns.put(key, next);
      }
      collect(at);
    }

    private void command() throws Exception {
      List<Action> actions =
          List.of(Action.PAUSE, Action.PAUSE, Action.RESUME, Action.RESUME, Action.STOP);
      Action action = actions.get(random.nextInt(actions.size()));
      String restaurant = random.nextBoolean() ? restaurant() : null;
      String campaign = random.nextBoolean() ? campaign() : null;
      if (!obeys) {
        return;
      }
      log.add(job.now() - T0 * 1000 + " " + action + " " + restaurant + " " + campaign);
      Given given = new Given(action, restaurant, campaign, job.now());
      judgeRecentlyEnded();
      commands.add(given);
      job.command(action, restaurant, campaign);
      assertThat(job.batches()).isEmpty();
      if (action == Action.STOP) {
        campaigns.forEach(
            (key, known) -> {
              if (given.covers(key) && known.over == null) {
                known.over =
                    known.promo.endsAt() > job.now()
                        ? Set.of("cancelled")
                        : Set.of("cancelled", "ended", "missed");
              }
            });
      }
    }

    /** Before a change: soon after the end, it may find the campaign running or over. */
    private void judgeRecentlyEnded() {
      for (Known known : campaigns.values()) {
        if (known.over == null
            && known.promo.endsAt() <= job.now()
            && known.promo.endsAt() > job.now() - SLACK) {
          known.over = UNSURE;
        }
      }
    }

    private boolean isHeld(Key key, Action action) {
      Action newest = null;
      for (Given given : commands) {
        newest = given.covers(key) ? given.action() : newest;
      }
      return obeys && newest == action;
    }

    private void advance(long millis) throws Exception {
      log.add(job.now() - T0 * 1000 + " advance " + millis);
      long before = job.now();
      job.advance(Duration.ofMillis(millis));
      collect(before);
      pass(before);
    }

    /** Notes campaigns that were held at their end. */
    private void pass(long before) {
      campaigns.forEach(
          (key, known) -> {
            long end = known.promo.endsAt();
            boolean quiet = rules.quietHours() != null && rules.quietHours().contains(end);
            quiet &= rules.quietHours() != null && rules.quietHours().contains(end - 1);
            if (known.over == null
                && end > before
                && end <= job.now() - SLACK
                && (quiet || isHeld(key, Action.PAUSE))) {
              known.over = Set.of(pending(key, known).isEmpty() ? "ended" : "missed");
              log.add("  model: " + key + " is " + known.over);
            }
          });
    }

    private Set<String> pending(Key key, Known known) {
      Set<String> pending = new HashSet<>(audiences.getOrDefault(key.restaurant, Set.of()));
      pending.removeAll(known.delivered);
      return new HashSet<>(
          group.removeFrom(Audience.of(pending.toArray(String[]::new)), known.promo).clientIds());
    }

    private void restart() throws Exception {
      parallelism = 1 + random.nextInt(3);
      Duration down = Duration.ZERO;
      judgeRecentlyEnded();
      switch (random.nextInt(4)) {
        case 0 -> down = Duration.ofSeconds(random.nextInt(90));
        case 1 -> {
          obeys = random.nextInt(4) > 0;
          if (!obeys) {
            commands.clear();
          }
        }
        default ->
            rules =
                new Delivery(
                    REMEMBER,
                    null,
                    share,
                    random.nextInt(3) == 0 ? 1 + random.nextInt(100) : null,
                    random.nextInt(3) == 0 ? 1 + random.nextInt(100) : null,
                    random.nextInt(3) == 0 ? quiet() : null);
      }
      log.add(
          job.now()
              - T0 * 1000
              + " restart %d %s down %s obeys %s".formatted(parallelism, rules, down, obeys));
      long before = job.now();
      job.restart(parallelism, rules, obeys, interval, down);
      collect(before);
      if (!down.isZero()) {
        // Until the timers have fired, nothing is known.
        job.advance(Duration.ofMillis(1));
        collect(before);
        pass(before);
      }
    }

    private QuietHours quiet() {
      LocalTime now = LocalTime.ofInstant(Instant.ofEpochMilli(job.now()), ZoneOffset.UTC);
      LocalTime from = now.plusSeconds(random.nextInt(400) - 200).withNano(0);
      return new QuietHours(from, from.plusSeconds(1 + random.nextInt(400)), ZoneOffset.UTC);
    }

    private void sinks() {
      boolean full = random.nextInt(3) == 0;
      boolean room = random.nextInt(4) > 0;
      log.add(job.now() - T0 * 1000 + " sinks full " + full + ", room " + room);
      job.setSinksFull(full);
      job.setRoom(room);
    }

    private void collect(long before) {
      Map<String, Integer> counts = new HashMap<>();
      for (DeliveryBatch batch : job.batches()) {
        Key key = new Key(batch.promo().restaurantId(), batch.promo().campaignId());
        Known known = campaigns.get(key);
        assertThat(batch.promo()).isEqualTo(known.promo);
        assertThat(isHeld(key, Action.PAUSE)).as("paused %s", key).isFalse();
        assertThat(known.over == null || known.over == UNSURE)
            .as("over %s %s", key, known.over)
            .isTrue();
        for (String client : batch.clients().clientIds()) {
          assertThat(known.delivered.add(client)).as("first %s %s", key, client).isTrue();
        }
        counts.merge(key.restaurant, batch.clients().size(), Integer::sum);
      }
      job.batches().clear();
      if (rules.quietHours() != null
          && rules.quietHours().contains(before)
          && rules.quietHours().contains(job.now())
          && rules.quietHours().endAfter(before) > job.now()) {
        assertThat(counts).as("quiet").isEmpty();
      }
      double seconds = (job.now() - before) / 1000.0 + 1;
      if (rules.maxPerSecondPerRestaurant() != null) {
        for (int count : counts.values()) {
          assertThat((double) count)
              .isLessThanOrEqualTo(rules.maxPerSecondPerRestaurant() * seconds + 1);
        }
      }
      if (rules.maxPerSecond() != null) {
        int all = counts.values().stream().mapToInt(Integer::intValue).sum();
        assertThat((double) all).isLessThanOrEqualTo(rules.maxPerSecond() * seconds + parallelism);
      }
    }

    private void readReports() {
      for (Message message : job.reports()) {
        Map<String, String> key = CampaignReports.fields(message.key());
        reports.put(
            new Key(key.get("restaurant_id"), key.get("adv_campaign_id")),
            message.value() == null ? null : CampaignReports.fields(message.value()));
      }
    }

    private void checkpoint() throws Exception {
      job.advance(Duration.ofMillis(2));
      collect(job.now() - 2);
      job.checkpoint();
      readReports();
      log.add(job.now() - T0 * 1000 + " checkpoint");
      campaigns.forEach(this::compare);
    }

    /** Compares the newest report on a campaign with the model, as of a checkpoint. */
    private void compare(Key key, Known known) {
      Map<String, String> report = reports.get(key);
      String about = key + " " + report;
      assertThat(possibleStates(key, known)).as(about).contains(report.get("state"));
      if (interval.equals(EACH_CHECKPOINT)) {
        assertThat(report).as(about).containsEntry("datetime_created", "" + known.promo.created());
        assertThat(report).as(about).containsEntry("delivered", "" + known.delivered.size());
        long now = job.now();
        if (known.over == null
            && now >= known.promo.startsAt() + SLACK
            && now < known.promo.endsAt()) {
          String pending = "" + pending(key, known).size();
          assertThat(report).as(about).containsEntry("pending", pending);
        } else if (known.over == null ? now < known.promo.startsAt() : known.over != UNSURE) {
          assertThat(report).as(about).containsEntry("pending", "0");
        }
      }
    }

    private Set<String> possibleStates(Key key, Known known) {
      long now = job.now();
      if (known.over != null) {
        return known.over;
      }
      if (now >= known.promo.endsAt()) {
        return now >= known.promo.endsAt() + SLACK ? Set.of("ended", "missed") : UNSURE;
      }
      if (isHeld(key, Action.PAUSE)) {
        return Set.of("paused");
      }
      if (now < known.promo.startsAt()) {
        return Set.of("waiting");
      }
      return now >= known.promo.startsAt() + SLACK ? Set.of("live") : UNSURE;
    }

    private void finish() throws Exception {
      job.setSinksFull(false);
      job.setRoom(true);
      rules = new Delivery(REMEMBER, null, share, null, null, null);
      obeys = true;
      long before = job.now();
      judgeRecentlyEnded();
      job.restart(2, rules, true, interval, Duration.ZERO);
      collect(before);
      commands.add(new Given(Action.RESUME, null, null, job.now()));
      job.command(Action.RESUME, null, null);
      log.add(job.now() - T0 * 1000 + " finish");
      job.advance(Duration.ofSeconds(3));
      collect(before);
      checkpoint();
      campaigns.forEach(
          (key, known) -> {
            if (known.over == null && known.promo.phaseAt(job.now()) == Promo.Phase.LIVE) {
              assertThat(pending(key, known)).as("pending %s", key).isEmpty();
            }
          });
      job.advance(Duration.ofHours(1));
      job.checkpoint();
      collect(before);
      readReports();
      campaigns.forEach(
          (key, known) -> {
            assertThat(reports.get(key)).as("%s", key).containsEntry("pending", "0");
            assertThat(reports.get(key))
                .as("%s", key)
                .containsEntry("delivered", "" + known.delivered.size());
            assertThat(reports.get(key).get("state")).isNotIn("live", "paused", "waiting");
          });
      for (String restaurant : audiences.keySet()) {
        job.audience(restaurant);
      }
      job.advance(REMEMBER.plusHours(2));
      job.checkpoint();
      readReports();
      assertThat(reports.values()).containsOnlyNulls();
      assertThat(job.keyedStateEntries()).isZero();
      assertThat(job.timers()).isZero();
      for (String gauge : DeliveryDriver.POPULATION) {
        assertThat(job.metric(gauge)).as(gauge).isZero();
      }
      assertThat(job.batches()).isEmpty();
    }
  }
}
